"""What a channel is encrypted with, and the token that goes with each call."""

from __future__ import annotations

import ipaddress
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc

from mcts_client.errors import InvalidRequest
from mcts_client.tls import Tls

__all__ = ["Token", "channel_credentials", "token_source", "with_token"]

#: A token, or what gives the one that is valid now.
Token = str | Callable[[], str]

_TOKEN = re.compile(r"[!-~]+")


def channel_credentials(
    tls: bool | Tls, credentials: grpc.ChannelCredentials | None
) -> grpc.ChannelCredentials | None:
    """What the channel is encrypted with; None: it is not.

    Raises:
      InvalidRequest: both are given, or a file cannot be read.
    """
    if tls is False or tls is None:
        return credentials
    if credentials is not None:
        raise InvalidRequest.of_field("tls", "is given, and credentials too; must be one of them")
    if tls is True:
        tls = Tls()
    if not isinstance(tls, Tls):
        raise InvalidRequest.of_field("tls", f"is {tls!r}; must be True, False or a Tls")
    return tls.credentials()


def token_source(
    token: Token | None,
    token_file: str | os.PathLike[str] | None,
    *,
    target: str,
    is_encrypted: bool,
) -> Callable[[], str] | None:
    """What gives the token of each call; None: calls have none.

    Raises:
      InvalidRequest: both are given, it is no token, or it would travel for everyone to see.
    """
    if token is None and token_file is None:
        return None
    if token is not None and token_file is not None:
        raise InvalidRequest.of_field("token", "is given, and token_file too; must be one of them")
    if not (is_encrypted or _is_local(target)):
        raise InvalidRequest.of_field(
            "token", f"would travel unencrypted to {target}; must have tls beside it"
        )
    if token_file is not None:
        return _TokenFile(token_file)
    if callable(token):
        return _checked(token)
    text = _require_token("token", token)
    return lambda: text


def with_token(stub: Any, token: Callable[[], str] | None) -> Any:
    """A stub whose methods send a token with every call, of whatever kind."""
    return stub if token is None else _StubWithToken(stub, token)


class _StubWithToken:
    """Its methods take what those of the stub do; the token goes beside their metadata."""

    def __init__(self, stub: Any, token: Callable[[], str]) -> None:
        self._stub = stub
        self._token = token

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._stub, name)

        def call(*args: Any, metadata: Any = (), **kwargs: Any) -> Any:
            whole = (*(metadata or ()), ("authorization", f"Bearer {self._token()}"))
            return method(*args, metadata=whole, **kwargs)

        return call


class _TokenFile:
    """The token in a file, read anew when the file has changed. Safe to share by threads."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._seen = self._look()
        self._token = self._read()

    def __call__(self) -> str:
        with self._lock:
            try:
                if (seen := self._look()) != self._seen:
                    self._token, self._seen = self._read(), seen
            except InvalidRequest:
                pass  # somebody writes it just now: the old one is as good as it was
            return self._token

    def _look(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise self._unreadable(error.strerror) from error
        # The inode too: a file that is put in place of another may be as old and as long.
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> str:
        try:
            return _require_token("token_file", self._path.read_text(encoding="ascii").strip())
        except OSError as error:
            raise self._unreadable(error.strerror) from error
        except UnicodeDecodeError as error:
            raise self._unreadable("not ASCII") from error

    def _unreadable(self, reason: str | None) -> InvalidRequest:
        return InvalidRequest.of_field(
            "token_file", f"{str(self._path)!r} cannot be read: {reason}"
        )


def _checked(token: Callable[[], str]) -> Callable[[], str]:
    return lambda: _require_token("token", token())


def _require_token(field: str, token: Any) -> str:
    # A message that quoted it would carry it into a log.
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise InvalidRequest.of_field(
            field, "has no token: must be printable ASCII characters without spaces"
        )
    return token


def _is_local(target: str) -> bool:
    """True if what is sent to a target does not leave this machine."""
    scheme, separator, rest = target.partition(":")
    if separator and scheme in ("unix", "unix-abstract"):
        return True
    if separator and scheme in ("dns", "ipv4", "ipv6"):
        # dns://authority/host, or dns:host.
        target = unquote(rest.rpartition("/")[2])
    return all(_is_loopback(_host(address)) for address in target.split(","))


def _host(address: str) -> str:
    """The host of HOST:PORT, HOST, [IPV6]:PORT or IPV6."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address if address.count(":") > 1 else address.partition(":")[0]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

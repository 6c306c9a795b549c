"""Bearer tokens: the file that lists them, and the caller that a token stands for.

The file is TOML, a table for each token:

    [[tokens]]
    name = "red"                        # the caller, in logs and metrics
    sha256 = "9f86d0818...0f00a08"      # of the token, in hexadecimal; or token = "..." itself
    models = ["connect_four", "taxi"]   # that it may use, or "*" for all
    expires = 2027-01-31T00:00:00Z      # optional

Two tokens may have one name, so that a new one can be handed out before the old one goes.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mcts_service.checks import require_text, shown
from mcts_service.errors import InvalidRequest, Unauthenticated
from mcts_service.service.caller import Caller
from mcts_service.service.entry import require_name
from mcts_service.service.file_watch import FileWatch
from mcts_service.service.toml_source import TomlSource, build_dataclass

__all__ = ["Token", "Tokens", "WatchedTokens", "read_tokens"]

logger = logging.getLogger("mcts_service")

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
#: What is shorter can be guessed.
_LEAST_CHARACTERS = 16
#: Every call is compared with every token.
_MAX_TOKENS = 1000
#: The same for whatever is wrong with a token, so that nobody learns which ones existed.
_REFUSAL = "a valid bearer token is needed"


@dataclass(frozen=True, repr=False)
class Token:
    """A table [[tokens]].

    Attributes:
      name: of the caller.
      models: names that it may use, or "*".
      sha256: of the token, in hexadecimal.
      token: in its place, the token itself.
      expires: from when on it is refused; None: never.
    """

    name: str
    models: Any
    sha256: str = ""
    token: str = ""
    expires: datetime | None = None

    def __post_init__(self) -> None:
        require_text("name", self.name)
        if not _NAME.fullmatch(self.name):
            raise InvalidRequest(
                "name", f"is {shown(self.name)}; must be 1 to 64 letters, digits, ., _, @ and -"
            )
        self._require_secret()
        self._require_models()
        if self.expires is not None and (
            not isinstance(self.expires, datetime) or self.expires.tzinfo is None
        ):
            raise InvalidRequest(
                "expires", "must be a time with its zone, such as 2027-01-31T00:00:00Z"
            )

    def _require_secret(self) -> None:
        # Whatever is wrong with a secret, no message quotes it.
        if (self.sha256 == "") == (self.token == ""):
            raise InvalidRequest("sha256", "must be there, or a token in its place, but not both")
        if self.sha256 != "" and not (
            isinstance(self.sha256, str) and _SHA256.fullmatch(self.sha256)
        ):
            raise InvalidRequest("sha256", "must be 64 hexadecimal digits")
        if self.token != "" and not (
            isinstance(self.token, str)
            and len(self.token) >= _LEAST_CHARACTERS
            and re.fullmatch(r"[!-~]+", self.token)
        ):
            raise InvalidRequest(
                "token", f"must be {_LEAST_CHARACTERS} or more printable characters without spaces"
            )

    def _require_models(self) -> None:
        if self.models == "*":
            return
        if not isinstance(self.models, list):
            raise InvalidRequest(
                "models", f'is {shown(self.models)}; must be "*", or a list of names'
            )
        for name in self.models:
            require_name("models", name)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the token."""
        return bytes.fromhex(self.sha256) if self.sha256 else _digest(self.token)

    @property
    def caller(self) -> Caller:
        """Whom it stands for."""
        return Caller(self.name, None if self.models == "*" else frozenset(self.models))


class Tokens:
    """The tokens that are let in."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        """Keeps what a call needs of each."""
        self._known = [
            (token.digest, token.caller, token.expires.timestamp() if token.expires else None)
            for token in tokens
        ]

    def __len__(self) -> int:
        return len(self._known)

    @property
    def callers(self) -> list[Caller]:
        """Whom they stand for, in the order of the file."""
        return [caller for _, caller, _ in self._known]

    def caller_of(self, token: str) -> Caller:
        """Whom a token stands for.

        The time that this takes says nothing of the tokens: hashes are compared, every one,
        each in constant time.

        Raises:
          Unauthenticated: it is none of these, or has expired.
        """
        digest = _digest(token)
        found = None
        for known in self._known:
            if hmac.compare_digest(known[0], digest):
                found = known
        if found is None:
            raise Unauthenticated(_REFUSAL)
        _, caller, expires = found
        if expires is not None and time.time() >= expires:
            raise Unauthenticated(_REFUSAL)
        return caller


class WatchedTokens:
    """The tokens of a file, read anew by a thread of its own when the file changes."""

    def __init__(self, path: str, interval_seconds: float = 1.0) -> None:
        """Reads the file.

        Args:
          interval_seconds: between two looks at it.
        Raises:
          InvalidRequest: as `read_tokens`.
        """
        self._path = path
        self._interval = interval_seconds
        self._watch = FileWatch([path], interval_seconds=0.0)
        self._tokens = read_tokens(path)
        self._closed = threading.Event()
        threading.Thread(target=self._look, name="tokens", daemon=True).start()

    @property
    def current(self) -> Tokens:
        """What was read last and is in order."""
        return self._tokens

    def close(self) -> None:
        """Lets the thread end."""
        self._closed.set()

    def _look(self) -> None:
        while not self._closed.wait(self._interval):
            if not self._watch.changed():
                continue
            try:
                self._tokens = read_tokens(self._path)
            except InvalidRequest as error:
                logger.error("the tokens stay as they are: %s", error)
            else:
                logger.info("the tokens were read anew: there are %d", len(self._tokens))


def read_tokens(path: str) -> Tokens:
    """The tokens of a file.

    Raises:
      InvalidRequest: it cannot be read, or says what cannot be; names the file, the line and
        the key, and no secret.
    """
    source = TomlSource.read(Path(path))
    source.require_known((), source.tables, ["tokens"])
    tables = source.tables.get("tokens", [])
    if not isinstance(tables, list):
        source.refuse(("tokens",), "is no list of tables; write [[tokens]], once for each token")
    if len(tables) > _MAX_TOKENS:
        source.refuse(("tokens",), f"has {len(tables)} tables; must have {_MAX_TOKENS} at most")
    tokens: dict[bytes, Token] = {}
    for position, table in enumerate(tables):
        token = build_dataclass(source, Token, ("tokens", position), table)
        if token.digest in tokens:
            source.refuse(("tokens", position), "is the same token as one before")
        tokens[token.digest] = token
    return Tokens(tokens.values())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()

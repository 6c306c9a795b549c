"""Opens what a configuration names, and refuses one that would not be safe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mcts_service.errors import InvalidRequest
from mcts_service.service.auth import is_loopback
from mcts_service.service.config import ServerConfig
from mcts_service.service.tls import WatchedCertificates
from mcts_service.service.tokens import WatchedTokens

__all__ = ["open_certificates", "open_tokens", "placed"]


@contextmanager
def placed(config: ServerConfig, table: str) -> Iterator[None]:
    """Names the file, the line and the key in an InvalidRequest about a key of a table."""
    try:
        yield
    except InvalidRequest as error:
        wrong = error.violations[0]
        raise InvalidRequest(config.place((table, wrong.field)), wrong.description) from error


def open_certificates(config: ServerConfig) -> WatchedCertificates | None:
    """The certificates that [tls] names; None: it names none.

    Raises:
      InvalidRequest: they cannot be read, or do not go together.
    """
    if not config.tls.is_on:
        return None
    with placed(config, "tls"):
        return WatchedCertificates(config.tls)


def open_tokens(config: ServerConfig) -> WatchedTokens | None:
    """The tokens that [auth] names; None: no call needs one.

    Raises:
      InvalidRequest: the file cannot be read, or they would travel for everyone to see.
    """
    if config.auth.token_file is None:
        return None
    host, is_encrypted = config.server.host, config.tls.is_on
    if not (is_encrypted or is_loopback(host) or config.auth.allow_insecure_tokens):
        raise InvalidRequest(
            config.place(("auth", "token_file")),
            f"is set, and tokens would travel unencrypted to {host}; must have [tls] beside it, "
            "or allow_insecure_tokens = true where something else encrypts",
        )
    try:
        return WatchedTokens(config.auth.token_file)
    except InvalidRequest as error:
        raise InvalidRequest(config.place(("auth", "token_file")), str(error)) from error

"""Who may call a server, and over what: the settings."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from mcts_service.checks import require_bool, require_text

__all__ = ["AuthSettings", "is_loopback"]


@dataclass(frozen=True)
class AuthSettings:
    """Table [auth]; without a token file, whoever reaches the port may call.

    Attributes:
      token_file: path of the tokens that are let in, see `mcts_service.service.tokens`; in a
        file it is relative to the folder of that file.
      open_health: answer questions about the server's health without a token.
      allow_insecure_tokens: let tokens travel unencrypted over a network: where a proxy beside
        the server encrypts, or the network is nobody else's.
    """

    token_file: str | None = field(default=None, metadata={"is_path": True})
    open_health: bool = True
    allow_insecure_tokens: bool = False

    def __post_init__(self) -> None:
        if self.token_file is not None:
            require_text("token_file", self.token_file)
        require_bool("open_health", self.open_health)
        require_bool("allow_insecure_tokens", self.allow_insecure_tokens)


def is_loopback(host: str) -> bool:
    """True if only this machine reaches what listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False

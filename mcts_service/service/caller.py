"""Who makes a call, as far as the server knows."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ANYONE", "Caller"]


@dataclass(frozen=True)
class Caller:
    """A caller.

    Attributes:
      name: of the token that came with the call; empty: there was none, and none is needed.
      models: the names that the caller may use; None: all.
    """

    name: str = ""
    models: frozenset[str] | None = None


#: Whoever calls a server that asks nobody for a token.
ANYONE = Caller()

"""The models of a server as each caller may see them."""

from __future__ import annotations

from mcts_service.service.caller import Caller
from mcts_service.service.registry import Registry

__all__ = ["Catalogue"]

#: Lists of models that are remembered; token files change, and bring new ones.
_MAX_KEPT = 4096


class Catalogue:
    """Gives each caller a registry of its own: what it may not use is not in there."""

    def __init__(self, registry: Registry) -> None:
        self._all = registry
        self._parts: dict[frozenset[str], Registry] = {}

    def of(self, caller: Caller) -> Registry:
        """The models that a caller may use."""
        if caller.models is None:
            return self._all
        part = self._parts.get(caller.models)
        if part is None:
            part = Registry(e for e in self._all.entries if e.name in caller.models)
            if len(self._parts) >= _MAX_KEPT:
                self._parts.clear()
            self._parts[caller.models] = part
        return part

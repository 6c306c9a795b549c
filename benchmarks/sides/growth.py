"""How much more a simulation costs in a large tree than in a small one."""

from __future__ import annotations

import importlib
from typing import Any

from sides.work import Work

__all__ = ["Growth"]

#: Simulations of the small trees of a turn.
SMALL_TURN = 200_000


class Growth(Work):
    """Two works that differ in their number of simulations alone.

    Args:
      factory: "module:name" of something that gives a `Work` which measures simulations a second.
      arguments: for it, but for `simulations`.
      small: simulations of a small tree; those of a large one are the amount of a turn.
    """

    def __init__(self, factory: str, arguments: dict[str, Any], small: int) -> None:
        module, name = factory.split(":")
        self.factory = getattr(importlib.import_module(module), name)
        self.arguments = arguments
        self.small = self._work(small)
        self.large: Work | None = None
        self.nanoseconds = {"small": 0.0, "large": 0.0}

    def turn(self, amount: int) -> float:
        if self.large is None:
            self.large = self._work(amount)
        self.nanoseconds = {
            "small": 1e9 / self.small.turn(SMALL_TURN),
            "large": 1e9 / self.large.turn(amount),
        }
        return self.nanoseconds["large"] / self.nanoseconds["small"]

    def counts(self) -> dict[str, float]:
        small = self.small.counts()
        return {f"ns a simulation, {size}": cost for size, cost in self.nanoseconds.items()} | {
            "depth": small["depth"],
            "bytes": small["bytes"],
        }

    def close(self) -> None:
        for work in (self.small, self.large):
            if work is not None:
                work.close()

    def _work(self, simulations: int) -> Work:
        work: Work = self.factory(simulations=simulations, **self.arguments)
        return work

"""Ours: many trees at once over the latent model, with and without what goes around them."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from models.latent import STATES, NumpyLatent, native_latent
from sides.work import Work

from mcts_service._core import Search, SearchBatch
from mcts_service.planning import MCTS, Budget, SearchConfig
from mcts_service.planning.root_chance import add_root_noise
from mcts_service.planning.searches import Searches

__all__ = ["NumpyPlans", "NumpyTrees", "Plans", "Trees"]

MAX_BYTES = 2**30


class Batches(Work):
    """One batch of searches after the other, row i from state i.

    Args:
      preset: "puct" or "gumbel".
      batch: rows.
      simulations: of each.
      library: compiled from latent.c.
    """

    open_model: Callable[[str], Any] = staticmethod(native_latent)

    def __init__(self, preset: str, batch: int, simulations: int, library: str) -> None:
        self.model = self.open_model(library)
        self.config = SearchConfig.preset(preset, early_stop=False, max_depth=simulations)
        self.simulations = simulations
        self.states = np.arange(batch) % STATES
        self.seeds = list(range(batch))
        self.group = self._searches()

    def turn(self, amount: int) -> float:
        total = len(self.states) * self.simulations
        batches = max(1, amount // total)
        seconds = sum(self.work() for _ in range(batches))
        return batches * total / seconds

    @abstractmethod
    def work(self) -> float:
        """Seconds of one batch."""

    def counts(self) -> dict[str, float]:
        self.begin()
        SearchBatch(self.group).run(self.simulations)
        each = len(self.group) * self.simulations
        return {
            "depth": sum(search.mean_depth for search in self.group) / len(self.group),
            "steps": sum(search.model_steps for search in self.group) / each,
            "bytes": sum(search.bytes for search in self.group) / each,
        }

    def begin(self) -> None:
        """A fresh tree for every row."""
        for search, root, seed in zip(self.group, self.roots, self.seeds, strict=True):
            search.begin(
                root,
                horizon=0,
                allowed=None,
                seed=seed,
                max_bytes=MAX_BYTES,
                planned=self.simulations,
            )
            add_root_noise(search, self.config, seed)

    def _searches(self) -> list[Search]:
        searches = Searches(self.model, in_flight=1, keep_trees=False)
        first = searches.new(self.config, searches.asked_in_rows(list(self.states)))
        is_native = hasattr(self.model, "handle")
        self.roots = [self.model.pack_state(s) if is_native else s for s in self.states]
        return [first] + [Search(None, beside=first) for _ in self.states[1:]]


class Trees(Batches):
    """The searches alone: roots are begun and plans are read outside of the time."""

    def work(self) -> float:
        self.begin()
        started = time.perf_counter()
        SearchBatch(self.group).run(self.simulations)
        return time.perf_counter() - started


class Plans(Batches):
    """`MCTS.plan_batch`, to the columns that an agent acts and learns by."""

    def __init__(self, preset: str, batch: int, simulations: int, library: str) -> None:
        super().__init__(preset, batch, simulations, library)
        self.planner = MCTS(self.model, self.config)
        self.budget = Budget(simulations=simulations, max_bytes=MAX_BYTES)

    def work(self) -> float:
        started = time.perf_counter()
        plans = self.planner.plan_batch(self.states, self.budget, seeds=self.seeds)
        _ = plans.actions, plans.values, plans.visits
        seconds = time.perf_counter() - started
        for error in plans.errors.values():
            raise error
        if not (plans.simulations == self.simulations).all():
            raise RuntimeError(f"{plans.simulations} simulations: {plans.stop_reasons}")
        return seconds


class NumpyTrees(Trees):
    """The same with the model in NumPy."""

    open_model = NumpyLatent


class NumpyPlans(Plans):
    """The same with the model in NumPy."""

    open_model = NumpyLatent

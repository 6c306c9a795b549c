"""Ours: what a step down costs, in a graph of states and in plain UCT."""

from __future__ import annotations

import time
from typing import Any

from models.native_grids import native_grid1000
from sides.work import Work

from benchmarks.quality.factored_problems import factored_model, read_factored
from mcts_service._core import Search
from mcts_service.models import make
from mcts_service.planning import SearchConfig
from mcts_service.planning.searches import Searches

__all__ = ["Descents"]

MAX_BYTES = 2**32
SIMULATIONS = 1_000

RECIPES: dict[str, dict[str, Any]] = {
    "graph": {"name": "graph"},
    "graph, by frequencies": {"name": "graph", "backup": "max"},
    "uct": {"name": "uct", "rollout": "random"},
    "uct without rollouts": {"name": "uct", "evaluation": "constant"},
}

#: Steps of an episode.
HORIZONS = {"sysadmin_1": 40}
HORIZON = 200


class Descents(Work):
    """One search after the other, each with a fresh tree or graph.

    The measure is the time of the searches over the steps of all simulations: those down the tree
    and, where there are rollouts, those of rollouts too.

    Args:
      problem: "grid1000", "grid1000_by_samples", "sysadmin_1" or the name of a built-in model.
      recipe: one of `RECIPES`.
      library: compiled from grid1000.c.
    """

    def __init__(self, problem: str, recipe: str, library: str) -> None:
        self.model = _model(problem, library)
        self.horizon = HORIZONS.get(problem, HORIZON)
        config = SearchConfig.preset(**RECIPES[recipe], early_stop=False, max_depth=self.horizon)
        searches = Searches(self.model, in_flight=1, keep_trees=False)
        state = self.model.initial_state()
        handle = getattr(self.model, "handle", None)
        self.search: Search = searches.new(config, searches.asked_alone([state]))
        self.root = state if handle is None else self.model.pack_state(state)
        self.deterministic = bool(getattr(self.model, "deterministic", False))

    def turn(self, amount: int) -> float:
        seconds = steps = 0.0
        for seed in range(max(1, amount // SIMULATIONS)):
            seconds += self._run(min(amount, SIMULATIONS), seed)
            steps += self._steps()
        return 1e9 * seconds / steps

    def counts(self) -> dict[str, float]:
        seconds = self._run(SIMULATIONS, seed=0)
        search = self.search
        return {
            "steps down a simulation": search.mean_depth,
            "steps in all": self._steps() / search.simulations,
            "bytes a node": search.bytes / search.nodes,
            "nodes": search.nodes,
            "simulations a second": search.simulations / seconds,
        }

    def _run(self, simulations: int, seed: int) -> float:
        """Seconds of a search."""
        started = time.perf_counter()
        self.search.begin(
            self.root,
            horizon=self.horizon,
            allowed=None,
            seed=seed,
            max_bytes=MAX_BYTES,
            planned=simulations,
        )
        self.search.run(simulations)
        self.search.settle()
        return time.perf_counter() - started

    def _steps(self) -> float:
        """Of all simulations. A deterministic model was not asked again in the tree."""
        search = self.search
        down = search.mean_depth * search.simulations
        asked = search.nodes - 1 if self.deterministic else down
        return float(down + max(0.0, search.model_steps - asked))


def _model(problem: str, library: str) -> Any:
    if problem.startswith("grid1000"):
        return native_grid1000(library, knows_outcomes=problem == "grid1000")
    if problem.endswith("_1"):
        return factored_model(read_factored(problem))
    return make(problem)

"""Ours: `MCTS.plan`, in process."""

from __future__ import annotations

import time
from typing import Any

from models.grid10 import FORMS
from models.native_grids import native_grid10 as native_grid10_model
from sides.work import Work

from mcts_service._core import Search
from mcts_service.models import ConnectFour, TicTacToe
from mcts_service.planning import MCTS, Budget, SearchConfig

__all__ = ["connect_four", "native_grid10", "python_grid10", "tic_tac_toe"]

#: Enough for ten million simulations.
MAX_BYTES = 2**33
#: Simulations that counts are averaged over.
COUNTED_SIMULATIONS = 20_000


class Planning(Work):
    """One plan after the other from the first state, each with a fresh tree.

    Every plan runs all its simulations: none stops early, because the other sides do not.

    Args:
      unit: "simulations a second" or "nanoseconds a model step".
    """

    def __init__(
        self,
        model: Any,
        *,
        simulations: int,
        exploration: float,
        horizon: int | None = None,
        unit: str = "simulations a second",
    ) -> None:
        self.model, self.state, self.horizon = model, model.initial_state(), horizon
        self.config = SearchConfig.preset(
            "uct", exploration=exploration, prove=False, early_stop=False
        )
        self.budget = Budget(simulations=simulations, max_bytes=MAX_BYTES)
        self.simulations = simulations
        self.planner = MCTS(model, self.config)
        by_step = unit == "nanoseconds a model step"
        self.model_steps = self._search(seed=0).model_steps if by_step else None

    def turn(self, amount: int) -> float:
        plans = max(1, amount // self.simulations)
        started = time.perf_counter()
        for seed in range(plans):
            plan = self.planner.plan(self.state, self.budget, horizon=self.horizon, seed=seed)
            if plan.simulations != self.simulations:
                raise RuntimeError(f"{plan.simulations} simulations: {plan.stop_reason}")
        seconds = (time.perf_counter() - started) / plans
        if self.model_steps is not None:
            return 1e9 * seconds / self.model_steps
        return self.simulations / seconds

    def counts(self) -> dict[str, float]:
        seeds = range(max(1, COUNTED_SIMULATIONS // self.simulations))
        searches = [self._counts(self._search(seed)) for seed in seeds]
        return {name: sum(c[name] for c in searches) / len(searches) for name in searches[0]}

    def _counts(self, search: Search) -> dict[str, float]:
        steps = search.model_steps
        if self._is_game():  # the step into a new node is taken once; the peers count rollouts
            steps -= search.nodes - 1
        return {
            "depth": search.mean_depth,
            "steps": steps / search.simulations,
            "bytes": search.bytes / search.simulations,
        }

    def _is_game(self) -> bool:
        return getattr(self.model, "num_players", 1) > 1

    def _search(self, seed: int) -> Search:
        handle = getattr(self.model, "handle", None)
        search = Search(
            self.model if handle is None else handle,
            exploration=self.config.exploration,
            max_depth=self.config.max_depth,
            evaluation="rollout",
        )
        root = self.state if handle is None else self.model.pack_state(self.state)
        search.begin(root, horizon=self.horizon or 0, allowed=None, seed=seed, max_bytes=MAX_BYTES)
        search.run(self.simulations)
        return search


def connect_four(simulations: int, exploration: float) -> Work:
    model = ConnectFour(decisive=False)  # as the others roll out
    return Planning(model, simulations=simulations, exploration=exploration)


def tic_tac_toe(simulations: int, exploration: float) -> Work:
    model = TicTacToe(decisive=False)
    return Planning(model, simulations=simulations, exploration=exploration)


def native_grid10(
    simulations: int, exploration: float, horizon: int, library: str, own_rollout: bool
) -> Work:
    """grid10 as compiled into `library`, with its own rollout or step by step."""
    model = native_grid10_model(library, own_rollout=own_rollout)
    return Planning(model, simulations=simulations, exploration=exploration, horizon=horizon)


def python_grid10(form: str, simulations: int, exploration: float, horizon: int) -> Work:
    """grid10 in Python, in one of its `FORMS`."""
    return Planning(
        FORMS[form](),
        simulations=simulations,
        exploration=exploration,
        horizon=horizon,
        unit="nanoseconds a model step",
    )

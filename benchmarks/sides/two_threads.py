"""Two threads of ours: on one tree, or each on a tree of its own."""

from __future__ import annotations

import threading
import time

from models.native_grids import native_grid10
from sides.work import Work

from mcts_service.models import ConnectFour, TicTacToe, make
from mcts_service.planning import MCTS, Budget, SearchConfig

__all__ = ["OneTree", "TwoTrees"]

MAX_BYTES = 2**33


class _Planning(Work):
    """Plans from the first state of a problem, all of whose simulations are run.

    Args:
      problem: "connect_four", "tic_tac_toe", "grid10", or a built-in model by its name.
      library: of grid10, compiled.
      threads: on one tree.
    """

    def __init__(self, problem: str, simulations: int, threads: int, library: str = "") -> None:
        self.horizon = 50 if problem == "grid10" else None
        if problem == "grid10":
            self.model = native_grid10(library, own_rollout=True)
        elif problem in _GAMES:
            self.model = _GAMES[problem](decisive=False)
        else:
            self.model = make(problem)
        self.state = self.model.initial_state()
        self.config = SearchConfig.preset("uct", prove=False, early_stop=False, threads=threads)
        self.budget = Budget(simulations=simulations, max_bytes=MAX_BYTES)
        self.simulations = simulations

    def plan(self, planner: MCTS, seed: int) -> None:
        plan = planner.plan(self.state, self.budget, horizon=self.horizon, seed=seed)
        if plan.simulations != self.simulations:
            raise RuntimeError(f"{plan.simulations} simulations: {plan.stop_reason}")


class OneTree(_Planning):
    """Simulations a second of two threads that share a tree."""

    def __init__(self, problem: str, simulations: int, library: str = "") -> None:
        super().__init__(problem, simulations, 2, library)
        self.planner = MCTS(self.model, self.config)

    def turn(self, amount: int) -> float:
        plans = max(1, amount // self.simulations)
        started = time.perf_counter()
        for seed in range(plans):
            self.plan(self.planner, seed)
        return plans * self.simulations / (time.perf_counter() - started)


class TwoTrees(_Planning):
    """Simulations a second of two searches that know nothing of each other, together."""

    def __init__(self, problem: str, simulations: int, library: str = "") -> None:
        super().__init__(problem, simulations, 1, library)
        self.planners = [MCTS(self.model, self.config) for _ in range(2)]

    def turn(self, amount: int) -> float:
        plans = max(1, amount // (2 * self.simulations))
        started = time.perf_counter()
        threads = [
            threading.Thread(target=self._plan_all, args=(planner, plans, number))
            for number, planner in enumerate(self.planners)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return 2 * plans * self.simulations / (time.perf_counter() - started)

    def _plan_all(self, planner: MCTS, plans: int, number: int) -> None:
        for seed in range(plans):
            self.plan(planner, 1000 * number + seed)


_GAMES = {"connect_four": ConnectFour, "tic_tac_toe": TicTacToe}

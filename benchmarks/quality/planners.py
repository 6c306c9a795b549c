"""Whose decisions are judged: this package's recipes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from benchmarks.quality.problem import Problem
from mcts_service import MCTS, Budget, SearchConfig

__all__ = ["DEFAULT", "Planner", "RecipePlanner", "recipes"]

#: The preset that a planner follows that is told nothing.
DEFAULT = "auto"


class Planner(Protocol):
    """Decides in the states of one problem."""

    def decide(self, state: Any, left: int, simulations: int, seed: int) -> tuple[Any, float]:
        """An action, from a fresh tree.

        Args:
          state: of the problem's model.
          left: steps to the end of the episode, this one included.
          simulations: to spend on it.
          seed: of the search.
        Returns:
          The action, and the seconds of CPU time that it took.
        """


def recipes() -> Mapping[str, SearchConfig]:
    """Every preset of the package by its name, the default first."""
    names = sorted(SearchConfig.presets(), key=lambda name: (name != DEFAULT, name))
    return {name: SearchConfig.preset(name) for name in names}


class RecipePlanner:
    """`MCTS` with a recipe.

    Raises:
      InvalidRequest: the recipe does not suit the problem's model, as far as that shows before
        the first plan.
    """

    def __init__(self, problem: Problem, config: SearchConfig) -> None:
        self._tells_steps_left = problem.tells_steps_left
        self._search = MCTS(problem.model, config)

    def decide(self, state: Any, left: int, simulations: int, seed: int) -> tuple[Any, float]:
        # Of the process, as other programs share the machine.
        started = time.process_time()
        plan = self._search.plan(
            state,
            Budget(simulations=simulations),
            horizon=left if self._tells_steps_left else None,
            seed=seed,
        )
        return plan.action, time.process_time() - started

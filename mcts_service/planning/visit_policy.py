"""A planner as a distribution over actions: how often its search took each."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.checks import require_integer, require_number
from mcts_service.errors import InvalidRequest
from mcts_service.planning.budget import Budget
from mcts_service.planning.mcts import MCTS
from mcts_service.planning.plan import Plan

__all__ = ["VisitPolicy"]

#: Greater ones leave no difference between the visits of two actions.
MAX_TEMPERATURE = 1e6


class VisitPolicy:
    """A planner as a stochastic policy: probability ~ visits ** (1 / temperature).

    Source: Silver et al. (2017), "Mastering the game of Go without human knowledge", section
    "Play" of the methods.
    """

    def __init__(
        self,
        planner: MCTS,
        *,
        temperature: float = 1.0,
        budget: Budget | None = None,
        seed: int = 0,
    ):
        """Wraps a planner, which stays as it is.

        Args:
          planner: `SearchConfig(early_stop=False)` lets each search run to its end, so that the
            visits tell more than which action is best.
          temperature: 0 takes the action that the plan recommends; 1 goes by the visits
            themselves; more comes closer to uniform.
          budget: of each plan; default the planner's own.
          seed: of the plan behind `probabilities`, so that they depend on the state alone.
        Raises:
          InvalidRequest: an argument is out of range.
        """
        self.planner = planner
        self.temperature = require_number("temperature", temperature, 0.0, MAX_TEMPERATURE)
        self.budget = budget
        self.seed = require_integer("seed", seed, 0, 2**64 - 1)

    def probabilities(self, state: Any) -> np.ndarray:
        """How likely each action is to be taken: float64[num_actions], summing to 1.

        Raises:
          InvalidRequest: the model labels its actions: they have no numbers.
        """
        num_actions = getattr(self.planner.model, "num_actions", None)
        if num_actions is None:
            raise InvalidRequest(
                "planner", "is of a model that labels its actions; `action` alone can be asked"
            )
        plan = self.planner.plan(state, self.budget, seed=self.seed)
        weights = np.zeros(num_actions)
        weights[[tried.action for tried in plan.actions]] = self._shares(plan)
        return weights

    def action(self, state: Any, rng: np.random.Generator) -> Any:
        """An action of a new plan, drawn by its visits.

        Args:
          state: to plan from.
          rng: one number of it seeds the plan, and one more draws the action.
        """
        plan = self.planner.plan(state, self.budget, seed=int(rng.integers(2**64, dtype=np.uint64)))
        drawn = self._shares(plan).cumsum().searchsorted(rng.random(), side="right")
        # What rounding leaves over goes to the last.
        return plan.actions[min(int(drawn), len(plan.actions) - 1)].action

    def _shares(self, plan: Plan) -> np.ndarray:
        """Of the plan's actions, in its order: float64[K], summing to 1."""
        visits = np.array([tried.visits for tried in plan.actions], dtype=np.float64)
        if self.temperature == 0.0 or not visits.any():
            return np.array([float(tried.action == plan.action) for tried in plan.actions])
        # Over the greatest, so that no power overflows.
        weights = (visits / visits.max()) ** (1.0 / self.temperature)
        shares: np.ndarray = weights / weights.sum()
        return shares

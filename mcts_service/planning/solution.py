"""What a solver has found: values, action values and actions, with how far they may be off.

They are called by the names of `mcts_service.planning.acts_on_q`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from mcts_service.checks import require_integer
from mcts_service.planning.acts_on_q import action_or_terminal
from mcts_service.policies.table import TabularPolicy

__all__ = ["HorizonSolution", "Solution"]

S = TypeVar("S")


@dataclass(frozen=True, eq=False)
class Solution(Generic[S]):
    """Of a problem without an end in time. It is a policy itself, over the model's own states.

    Attributes:
      values: the best discounted return from each state, in reward units; 0 in terminal states.
        float64[num_states].
      q: that of each action; -inf where it is not legal. float64[num_states, num_actions].
      actions: the first of the best; -1 in terminal states. int64[num_states]. At a discount of 1
        it is, of those that tie, one by which an episode ends.
      iterations: of the solver.
      residual: the greatest change that the last backup of all states made.
      error_bound: how far a value may be from the exact one, as `mcts_service.planning.bounds`
        derives it, rounding aside; inf where nothing is known.
      converged: whether that is within the tolerance, or within what rounding allows.
      discount: per step.
    """

    values: np.ndarray
    q: np.ndarray
    actions: np.ndarray
    iterations: int
    residual: float
    error_bound: float
    converged: bool
    discount: float
    _index: Callable[[Any], int] = field(repr=False)

    @property
    def policy(self) -> Solution[S]:
        """What acts, as the others have it: the solution itself."""
        return self

    def index(self, state: S) -> int:
        """The number of a state of the model.

        Raises:
          InvalidRequest: the model has no such state, or it cannot be reached.
        """
        return self._index(state)

    def value(self, state: S) -> float:
        """The best return from a state of the model.

        Raises:
          InvalidRequest: the model has no such state, or it cannot be reached.
        """
        return float(self.values[self.index(state)])

    def action(self, state: S, rng: np.random.Generator | None = None) -> int:
        """The action in a state of the model. Draws nothing.

        Raises:
          InvalidRequest: the model has no such state, or it cannot be reached.
          TerminalState: there is nothing left to do in it.
        """
        return action_or_terminal(int(self.actions[self.index(state)]), state)

    def as_policy(self) -> TabularPolicy:
        """The policy over the numbers of the states; uniform in terminal ones."""
        return TabularPolicy.of_actions(self.actions, self.q.shape[1])


@dataclass(frozen=True, eq=False)
class HorizonSolution(Generic[S]):
    """Of a problem with a last step: what is best depends on how many are left.

    As a policy it takes all steps to be left, so that it looks as far ahead from wherever it is.

    Attributes:
      values: the best return from each state within so many steps; 0 in terminal states.
        float64[horizon + 1, num_states].
      actions: the first of the best with so many steps left; -1 in terminal states, and with no
        step left. int64[horizon + 1, num_states].
      q: with the whole horizon left; -inf where an action is not legal, and throughout where the
        horizon is 0. float64[num_states, num_actions].
      discount: per step.
    """

    values: np.ndarray
    actions: np.ndarray
    q: np.ndarray
    discount: float
    _index: Callable[[Any], int] = field(repr=False)

    @property
    def horizon(self) -> int:
        """Steps in all."""
        return len(self.values) - 1

    @property
    def policy(self) -> HorizonSolution[S]:
        """What acts, as the others have it: the solution itself."""
        return self

    def index(self, state: S) -> int:
        """The number of a state of the model; raises as that of `Solution`."""
        return self._index(state)

    def value(self, state: S, steps_left: int | None = None) -> float:
        """The best return from a state of the model, with so many steps left; None: all of them.

        Raises:
          InvalidRequest: there is no such state, or number of steps.
        """
        return float(self.values[self._left(steps_left), self.index(state)])

    def action(
        self, state: S, rng: np.random.Generator | None = None, *, steps_left: int | None = None
    ) -> int:
        """The best action in a state of the model, with so many steps left; None: all of them.

        Draws nothing.

        Raises:
          InvalidRequest: there is no such state, or number of steps.
          TerminalState: there is nothing left to do in it, or no step to do it.
        """
        left = self._left(steps_left)
        return action_or_terminal(int(self.actions[left, self.index(state)]), state)

    def as_policy(self, steps_left: int | None = None) -> TabularPolicy:
        """That of so many steps left, over the numbers of the states; uniform without an action.

        Raises:
          InvalidRequest: there is no such number of steps.
        """
        return TabularPolicy.of_actions(self.actions[self._left(steps_left)], self.q.shape[1])

    def _left(self, steps_left: int | None) -> int:
        if steps_left is None:
            return self.horizon
        return require_integer("steps_left", steps_left, 0, self.horizon)

"""What a solver has found: values, action values and a policy, with how far they may be off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from mcts_service.checks import require_integer
from mcts_service.errors import TerminalState
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
      policy: the first of the best actions; -1 in terminal states. int64[num_states]. At a discount
        of 1 it is, of those that tie, one by which an episode ends.
      iterations: of the solver.
      residual: the greatest change that the last backup of all states made.
      error_bound: how far a value may be from the exact one, as `mcts_service.planning.bounds`
        derives it, rounding aside; inf where nothing is known.
      converged: whether that is within the tolerance, or within what rounding allows.
      discount: per step.
    """

    values: np.ndarray
    q: np.ndarray
    policy: np.ndarray
    iterations: int
    residual: float
    error_bound: float
    converged: bool
    discount: float
    _index: Callable[[Any], int] = field(repr=False)

    def value(self, state: S) -> float:
        """The best return from a state of the model.

        Raises:
          InvalidRequest: the model has no such state, or it cannot be reached.
        """
        return float(self.values[self._index(state)])

    def action(self, state: S, rng: np.random.Generator | None = None) -> int:
        """The action of the policy in a state of the model. Draws nothing.

        Raises:
          InvalidRequest: the model has no such state, or it cannot be reached.
          TerminalState: there is nothing left to do in it.
        """
        return _taken(self.policy, self._index(state), state)

    def as_policy(self) -> TabularPolicy:
        """The policy over the numbers of the states; uniform in terminal ones."""
        return TabularPolicy.of_actions(self.policy, self.q.shape[1])


@dataclass(frozen=True, eq=False)
class HorizonSolution(Generic[S]):
    """Of a problem with a last step: what is best depends on how many are left.

    Attributes:
      values: the best return from each state within so many steps; 0 in terminal states.
        float64[horizon + 1, num_states].
      policy: the first of the best actions with so many steps left; -1 in terminal states, and with
        no step left. int64[horizon + 1, num_states].
      q: with the whole horizon left; -inf where an action is not legal, and throughout where the
        horizon is 0. float64[num_states, num_actions].
      discount: per step.
    """

    values: np.ndarray
    policy: np.ndarray
    q: np.ndarray
    discount: float
    _index: Callable[[Any], int] = field(repr=False)

    @property
    def horizon(self) -> int:
        """Steps in all."""
        return len(self.values) - 1

    def value(self, state: S, steps_left: int | None = None) -> float:
        """The best return from a state of the model, with so many steps left; None: all of them.

        Raises:
          InvalidRequest: there is no such state, or number of steps.
        """
        return float(self.values[self._left(steps_left), self._index(state)])

    def action(self, state: S, steps_left: int | None = None) -> int:
        """The best action in a state of the model, with so many steps left; None: all of them.

        Raises:
          InvalidRequest: there is no such state, or number of steps.
          TerminalState: there is nothing left to do in it, or no step to do it.
        """
        return _taken(self.policy[self._left(steps_left)], self._index(state), state)

    def _left(self, steps_left: int | None) -> int:
        if steps_left is None:
            return self.horizon
        return require_integer("steps_left", steps_left, 0, self.horizon)


def _taken(policy: np.ndarray, number: int, state: Any) -> int:
    action = int(policy[number])
    if action < 0:
        raise TerminalState(f"state {state!r} is terminal, or no step is left: no action to take")
    return action

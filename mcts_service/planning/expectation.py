"""V -> Q by expectation: with a distribution model, to learn V suffices to act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.planning.finite import finite_problem, require_transitions
from mcts_service.policies.from_q import QFunction

__all__ = ["q_from_v", "q_table_from_v"]


def q_from_v(model: Any, v: Callable[[Any], float], discount: float | None = None) -> QFunction:
    """The action values that a value function has, by asking the model for all outcomes.

    q(s, a) is the sum of p (r + discount v(s')) over the outcomes, with v = 0 where terminated, and
    in terminal states.

    Args:
      model: any DistributionModel of one player; its states need not be finitely many.
      v: state -> the value to expect from it on, in reward units.
      discount: per step, from 0 to 1; None: the model's own, 1 if it has none.
    Returns:
      state -> float64[num_actions], -inf where an action is not legal, and throughout in a
      terminal state: what `Greedy`, `EpsilonGreedy` and `Softmax` take.
    Raises:
      InvalidRequest: the model has no transitions, or the discount is out of range.
    Source: Sutton and Barto (2018), equation 4.6.
    """
    rate = require_transitions(model, discount)
    is_terminal = getattr(model, "is_terminal", None) or _never

    def expected(outcome: tuple[float, Any, float, bool]) -> float:
        probability, next_state, reward, terminated = outcome
        rest = 0.0 if terminated or is_terminal(next_state) else rate * v(next_state)
        return probability * (reward + rest)

    def q(state: Any) -> np.ndarray:
        values = np.full(model.num_actions, -np.inf)
        for action in () if is_terminal(state) else _legal_actions(model, state):
            values[action] = sum(expected(o) for o in model.transitions(state, action) if o[0] > 0)
        return values

    return q


def _never(state: Any) -> bool:
    return False


def _legal_actions(model: Any, state: Any) -> Any:
    legal_actions = getattr(model, "legal_actions", None)
    return range(model.num_actions) if legal_actions is None else legal_actions(state)


def q_table_from_v(model: Any, values: np.ndarray, discount: float | None = None) -> np.ndarray:
    """The same for all states of a finite model at once.

    Args:
      model: as of `value_iteration`.
      values: float64[num_states]; those of terminal states count as 0.
      discount: per step, from 0 to 1; None: the model's own.
    Returns:
      float64[num_states, num_actions], -inf where an action is not legal, and in terminal states.
    Raises:
      InvalidRequest: the values are of another shape; the model has no transitions.
    """
    problem = finite_problem(model, discount, has_horizon=True)
    if values is None:
        raise InvalidRequest("values", "is None; must be float64[num_states]")
    first = problem.first_values(values, "values")
    q = np.full((problem.table.num_states, problem.table.num_actions), -np.inf)
    problem.table.back_up(problem.discount, first, np.zeros_like(first), q)
    return q

"""Backward induction: what is best within so many steps, from the last step to the first."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.checks import require_integer
from mcts_service.errors import InvalidRequest
from mcts_service.planning.backups import MOST_THREADS
from mcts_service.planning.finite import finite_problem
from mcts_service.planning.solution import HorizonSolution

__all__ = ["backward_induction"]

MOST_STEPS = 2**31 - 1


def backward_induction(
    model: Any,
    horizon: int,
    discount: float | None = None,
    *,
    final_values: np.ndarray | None = None,
    threads: int = 1,
) -> HorizonSolution[Any]:
    """Solves a model that ends after so many steps, exactly but for rounding.

    Args:
      model: as of `value_iteration`.
      horizon: steps, >= 0.
      discount: per step, from 0 to 1; None: the model's own.
      final_values: what a state is worth with no step left, float64[num_states]; None: 0.
      threads: to back up with.
    Raises:
      InvalidRequest: an argument is out of range, or the model has no transitions.
    Source: Puterman (1994), section 4.5.
    """
    steps = require_integer("horizon", horizon, 0, MOST_STEPS)
    count = require_integer("threads", threads, 1, MOST_THREADS)
    problem = finite_problem(model, discount, has_horizon=True)
    table = problem.table
    values, policy = _arrays(steps, table.num_states)
    q = np.full((table.num_states, table.num_actions), -np.inf)
    values[0] = problem.first_values(final_values, "final_values")
    for left in range(1, steps + 1):
        table.back_up(
            problem.discount,
            values[left - 1],
            values[left],
            q if left == steps else None,
            policy[left],
            count,
        )
    return HorizonSolution(values, policy.astype(np.int64), q, problem.discount, problem.index)


def _arrays(steps: int, num_states: int) -> tuple[np.ndarray, np.ndarray]:
    """Room for all values and actions: float64 and int32 [steps + 1, num_states]."""
    shape = (steps + 1, num_states)
    try:
        return np.zeros(shape), np.full(shape, -1, np.int32)
    except (MemoryError, ValueError):
        raise InvalidRequest(
            "horizon",
            f"is {steps}, and there is no memory for {steps + 1} values of each of {num_states} "
            "states; must be less",
        ) from None

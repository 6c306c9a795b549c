"""Asynchronous value iteration: states are backed up one by one, in an order of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service._solvers import Predecessors, Prioritized
from mcts_service.checks import require_integer
from mcts_service.errors import InvalidRequest
from mcts_service.planning.backups import MOST_ITERATIONS, Backups
from mcts_service.planning.finite import finite_problem
from mcts_service.planning.solution import Solution

__all__ = ["asynchronous_value_iteration", "prioritized_value_iteration"]

# The threshold of priorities falls by so much from one look at the bounds to the next.
_FALL = 0.1
# Every state so often, at most, from one look at the bounds to the next.
_MOST_PASSES = 1024


def asynchronous_value_iteration(
    model: Any,
    discount: float | None = None,
    *,
    order: np.ndarray | None = None,
    tolerance: float = 1e-8,
    max_iterations: int = 100_000,
    initial_values: np.ndarray | None = None,
) -> Solution[Any]:
    """Backs states up in place in a given order, again and again.

    Args:
      model, discount, tolerance, initial_values: as of `value_iteration`.
      order: numbers of states in which every state that is not terminal occurs, some more often if
        they matter more. Integers [N]; None: from the last state to the first, where a problem
        numbered from its start to its end needs fewest passes.
      max_iterations: passes through the order.
    Raises:
      InvalidRequest: as `value_iteration`; or the order leaves out a state, which is named, or has
        one that there is not.
    Source: Bertsekas (1982); Bertsekas and Tsitsiklis (1989), section 6.2.
    """
    problem = finite_problem(model, discount)
    backups = Backups(problem, tolerance, max_iterations, 1)
    values = backups.first_values(initial_values)
    states = _order(order, problem.acts())
    iteration = 0
    while not backups.of(values) and iteration < backups.max_iterations:
        before = backups.bounds.residual
        for _ in range(min(_MOST_PASSES, backups.max_iterations - iteration)):
            least, greatest, largest = problem.table.sweep_listed(problem.discount, values, states)
            iteration += 1
            change = max(greatest, -least)
            if change <= max(0.5 * before, np.finfo(np.float64).eps * largest):
                break
    return backups.solution(iteration)


def _order(order: np.ndarray | None, acts: np.ndarray) -> np.ndarray:
    """int32[N]."""
    if order is None:
        return np.flatnonzero(acts)[::-1].astype(np.int32)
    states = np.asarray(order)
    if states.ndim != 1 or not np.issubdtype(states.dtype, np.integer):
        raise InvalidRequest("order", f"is {states.dtype}{list(states.shape)}; must be integers")
    if not ((states >= 0) & (states < len(acts))).all():
        raise InvalidRequest("order", f"must have states from 0 to {len(acts) - 1}")
    left_out = acts.copy()
    left_out[states] = False
    if left_out.any():
        raise InvalidRequest(
            "order", f"leaves out state {int(left_out.argmax())}; must have every one"
        )
    return states.astype(np.int32)


def prioritized_value_iteration(
    model: Any,
    discount: float | None = None,
    *,
    tolerance: float = 1e-8,
    max_backups: int = 10**9,
    initial_values: np.ndarray | None = None,
) -> Solution[Any]:
    """Always backs up the state whose value may change most; `iterations` counts such backups.

    A state's priority is its Bellman residual, or more: a change is passed on to the states before
    it, each by the probability to come from there. Ahead where changes matter in few places at a
    time, as around a goal; where all states hang together, sweeps are cheaper.

    Args:
      model, discount, tolerance, initial_values: as of `value_iteration`.
      max_backups: of single states.
    Raises:
      InvalidRequest: as `value_iteration`.
    Source: Moore and Atkeson (1993); Andre, Friedman and Parr (1998); Wingate and Seppi (2005).
    """
    require_integer("max_backups", max_backups, 1, MOST_ITERATIONS)
    problem = finite_problem(model, discount)
    backups = Backups(problem, tolerance, max_backups, 1)
    values = backups.first_values(initial_values)
    queue = Prioritized(Predecessors(problem.table), problem.discount, values)
    done = 0
    while not backups.of(values) and done < max_backups:
        most = max_backups - done
        if backups.may_gain_by_rounds:  # such a queue is never empty
            most = min(most, _MOST_PASSES * problem.table.num_states)
        ran = queue.run(_FALL * backups.bounds.residual, most)
        if ran == 0:  # no priority says where the rest is: rounding
            break
        done += ran
    return backups.solution(done)

"""Policy iteration: value a policy, take what is better, until nothing is."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service._solvers import SparseTable
from mcts_service.errors import InvalidRequest
from mcts_service.planning.backups import Backups, gains_for_ever
from mcts_service.planning.finite import finite_problem
from mcts_service.planning.policy_evaluation import DENSE_STATES, chain_values
from mcts_service.planning.solution import Solution

__all__ = ["policy_iteration"]

# A policy is valued so much more exactly than the answer must be; and the more so, by the same
# factor, where that shows no better policy and the bounds still do not suffice.
_SHARE = 0.01


def policy_iteration(
    model: Any,
    discount: float | None = None,
    *,
    tolerance: float = 1e-8,
    max_iterations: int = 10_000,
    initial_policy: np.ndarray | None = None,
) -> Solution[Any]:
    """Solves a model in few iterations, each of which values a policy to the end.

    A policy is valued by linear equations where there are few states, else by sweeps. An action
    gives way only to one that is better by more than rounding, so that no two policies take turns
    for ever. At discount 1 the first policy is one that ends from every state, and no policy that
    goes round for ever can follow it, unless the longer it goes round the more it gets.

    Args:
      model, discount, tolerance: as of `value_iteration`.
      max_iterations: improvements of the policy.
      initial_policy: a legal action of each state that is not terminal, integers [num_states]; at
        discount 1 one that always ends. None: the first action; at discount 1 one that may end, or
        that leads to it.
    Raises:
      InvalidRequest: as `value_iteration`; or `initial_policy` is not such; or a policy that never
        ends is worth the more, undiscounted, the longer it goes on.
    Source: Howard (1960); Puterman (1994), section 6.4; Bertsekas and Tsitsiklis (1991).
    """
    problem = finite_problem(model, discount)
    backups = Backups(problem, tolerance, max_iterations, 1)
    table, chain = problem.table, problem.table.for_policy()
    policy = _first_policy(backups, initial_policy)
    values = problem.first_values(None)
    rows = np.arange(table.num_states)
    inexact = _SHARE * backups.tolerance
    for iteration in range(1, max_iterations + 1):
        _follow(chain, backups, policy, iteration)
        values, _ = chain_values(chain, problem.discount, values, inexact)
        is_close = backups.of(values)
        acts = backups.policy >= 0
        slack = max(backups.bounds.rounding, _slack(backups, inexact))
        old = np.where(acts, backups.q[rows, np.maximum(policy, 0)], 0.0)
        better = acts & (backups.backed_up > old + slack)
        if is_close or (not better.any() and slack <= backups.bounds.rounding):
            break
        if not better.any():
            inexact *= _SHARE
            continue
        policy = np.where(better, backups.policy, policy).astype(np.int32)
    return backups.solution(iteration)


def _slack(backups: Backups, inexact: float) -> float:
    """How much better an action may look by that alone: not at all where equations gave values."""
    return 0.0 if backups.table.num_states <= DENSE_STATES else 2.0 * inexact


def _first_policy(backups: Backups, initial_policy: np.ndarray | None) -> np.ndarray:
    """int32[num_states]."""
    table = backups.table
    if initial_policy is not None:
        actions = np.asarray(initial_policy)
        if not np.issubdtype(actions.dtype, np.integer):
            raise InvalidRequest("initial_policy", f"is of {actions.dtype}; must be integers")
        if actions.shape != (table.num_states,):
            raise InvalidRequest(
                "initial_policy",
                f"has the shape {actions.shape}; must be {table.num_states} actions",
            )
        first: np.ndarray = np.clip(actions.astype(np.int64), -1, table.num_actions).astype(
            np.int32
        )
        return first
    policy = np.zeros(table.num_states, np.int32)
    state_start, row_action, *_ = table.rows()
    acts = np.diff(state_start) > 0
    policy[acts] = row_action[state_start[:-1][acts]]
    if backups.endings is not None:
        ending = backups.endings.first_policy()
        policy[acts] = ending[acts]  # from every state: `finite_problem` has seen to that
    return policy


def _follow(chain: SparseTable, backups: Backups, policy: np.ndarray, iteration: int) -> None:
    try:
        chain.follow(backups.table, policy)
    except ValueError as error:
        raise InvalidRequest("initial_policy", f"has a wrong action: {error}") from None
    if backups.endings is None:
        return
    reached = backups.endings.by(policy)
    if reached.all():
        return
    state = backups.problem.name(int(np.argmin(reached)))
    if iteration == 1:
        raise InvalidRequest(
            "initial_policy", f"does not end from state {state}; must, as the discount is 1"
        )
    raise gains_for_ever(state)

"""What a given policy is worth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mcts_service._solvers import Predecessors, SparseTable
from mcts_service.errors import InvalidRequest
from mcts_service.planning.bounds import bounds_after, greatest_steps
from mcts_service.planning.finite import FiniteProblem, finite_problem
from mcts_service.policies.table import TabularPolicy

__all__ = ["chain_values", "evaluate_policy"]

# Up to here the linear equations are solved as they are.
DENSE_STATES = 256
_MOST_SWEEPS = 1_000_000
# Up to here they are where sweeps do not suffice that take as long: seconds, and 128 MiB.
_MOST_DENSE_STATES = 4096
# Sweeps in place between two at once, which say how far it is.
_SWEEPS = 20


def evaluate_policy(
    model: Any,
    policy: TabularPolicy | np.ndarray,
    discount: float | None = None,
    *,
    tolerance: float = 1e-8,
) -> np.ndarray:
    """The discounted return to expect from each state by a policy.

    Args:
      model, discount: as of `value_iteration`.
      policy: a TabularPolicy over the numbers of the states; its table,
        float64[num_states, num_actions]; or an action of each state, integers [num_states], those
        of terminal states not looked at.
      tolerance: how far a value may be from the exact one, rounding aside.
    Returns:
      float64[num_states], 0 in terminal states.
    Raises:
      InvalidRequest: as `value_iteration`; or the policy is of another shape, takes an action that
        is not legal, or at discount 1 does not end from some state, which is named; or the sweeps
        that there are for more than 4096 states do not come within the tolerance.
    Source: Sutton and Barto (2018), section 4.1; Puterman (1994), section 6.1.
    """
    problem = finite_problem(model, discount)
    chain = _chain_of(problem, policy)
    if problem.discount * chain.greatest_mass >= 1.0:
        _require_ends(problem, chain)
    first = np.zeros(chain.num_states)
    values, is_close = chain_values(chain, problem.discount, first, tolerance)
    if not is_close:
        raise InvalidRequest(
            "tolerance",
            f"is {tolerance}, and {_MOST_SWEEPS} sweeps do not suffice for {chain.num_states} "
            "states; must be greater, or the discount less",
        )
    return values


def chain_values(
    chain: SparseTable, discount: float, values: np.ndarray, tolerance: float
) -> tuple[np.ndarray, bool]:
    """The values of a table of one action: exact for few states, else by sweeps.

    Where sweeps come too slowly to the end, equations are solved for more states.

    Args:
      values: where to begin, float64[num_states]; changed.
      tolerance: how far a value may be from the exact one.
    Returns:
      The values, and whether they are within the tolerance, or what rounding allows. Float64
      [num_states].
    """
    if chain.num_states <= DENSE_STATES:
        return _solved(chain, discount), True
    may_solve = chain.num_states <= _MOST_DENSE_STATES
    most_sweeps = _sweeps_worth_equations(chain) if may_solve else _MOST_SWEEPS
    values, is_close = _swept(chain, discount, values, tolerance, most_sweeps)
    if may_solve and not is_close:
        return _solved(chain, discount), True
    return values, is_close


def _sweeps_worth_equations(chain: SparseTable) -> int:
    """Sweeps that take about as long as to solve the equations: n^3 / 16 entries are read."""
    return max(1000, chain.num_states**3 // (16 * (chain.num_entries + 4 * chain.num_states)))


def _swept(
    chain: SparseTable, discount: float, values: np.ndarray, tolerance: float, most_sweeps: int
) -> tuple[np.ndarray, bool]:
    """As `chain_values`, by sweeps alone."""
    spare = values.copy()
    steps = math.inf
    for _ in range(most_sweeps // _SWEEPS):
        bounds = bounds_after(chain.back_up(discount, values, spare), discount, chain)
        radius = bounds.radius
        if discount * chain.greatest_mass >= 1.0 and bounds.residual <= tolerance:
            if math.isinf(steps):
                steps = greatest_steps(
                    chain, np.zeros(chain.num_states, np.int32), chain.for_policy()
                )
            radius = bounds.residual * steps
        values, spare = spare, values
        if radius <= tolerance or bounds.residual <= bounds.rounding:
            if bounds.middle != 0.0:
                values[np.diff(chain.rows()[0]) > 0] += bounds.middle
            return values, True
        for sweep in range(_SWEEPS):
            chain.sweep(discount, values, backwards=sweep % 2 == 0)
    return values, False


def _solved(chain: SparseTable, discount: float) -> np.ndarray:
    """By linear equations: (1 - discount P) v = r."""
    state_start, _, row_start, reward, probability, next_state = chain.rows()
    size = chain.num_states
    row_state = np.repeat(np.arange(size), np.diff(state_start))
    matrix, right = np.eye(size), np.zeros(size)
    entry_state = np.repeat(row_state, np.diff(row_start))
    matrix[entry_state, next_state] -= discount * probability
    right[row_state] = reward
    if discount == 1.0:  # what stays for nothing is worth nothing
        stays = (entry_state == next_state) & (matrix[entry_state, entry_state] <= 0.0)
        matrix[entry_state[stays], entry_state[stays]] = 1.0
    solved: np.ndarray = np.linalg.solve(matrix, right)
    return solved


def _chain_of(problem: FiniteProblem, policy: TabularPolicy | np.ndarray) -> SparseTable:
    table = problem.table
    weights = policy.table if isinstance(policy, TabularPolicy) else np.asarray(policy)
    if weights.ndim == 1 and np.issubdtype(weights.dtype, np.integer):
        return _followed(table, weights)
    shape = (table.num_states, table.num_actions)
    if weights.shape != shape:
        raise InvalidRequest("policy", f"has the shape {weights.shape}; must be {shape}")
    weights = TabularPolicy(weights).table
    legal = _legal(table)
    wrong = (weights * ~legal).any(axis=1) & legal.any(axis=1)
    if wrong.any():
        state = int(wrong.argmax())
        action = int((weights[state] * ~legal[state]).argmax())
        raise InvalidRequest(
            "policy", f"takes action {action} in state {problem.name(state)}; must be legal there"
        )
    return table.mix(np.ascontiguousarray(weights))


def _followed(table: SparseTable, actions: np.ndarray) -> SparseTable:
    if len(actions) != table.num_states:
        raise InvalidRequest(
            "policy", f"has {len(actions)} actions; must have {table.num_states}, one a state"
        )
    chain = table.for_policy()
    try:
        chain.follow(
            table, np.clip(actions.astype(np.int64), -1, table.num_actions).astype(np.int32)
        )
    except ValueError as error:
        raise InvalidRequest("policy", f"has a wrong action: {error}") from None
    return chain


def _legal(table: SparseTable) -> np.ndarray:
    """bool[num_states, num_actions]."""
    state_start, row_action, *_ = table.rows()
    legal = np.zeros((table.num_states, table.num_actions), np.bool_)
    legal[np.repeat(np.arange(table.num_states), np.diff(state_start)), row_action] = True
    return legal


def _require_ends(problem: FiniteProblem, chain: SparseTable) -> None:
    reached = Predecessors(chain).ending_policy(np.zeros(chain.num_states, np.int32))
    if not reached.all():
        state = problem.name(int(np.argmin(reached)))
        raise InvalidRequest(
            "discount",
            f"is 1, and the policy does not end from state {state}; must be below 1, or the "
            "policy have a way to an end",
        )

"""Discount 1 where episodes may go round: the best of the policies that end, or a refusal."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from finite_problems import Table
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcts_service.errors import InvalidRequest
from mcts_service.models import TabularModel
from mcts_service.planning import (
    Solution,
    asynchronous_value_iteration,
    evaluate_policy,
    modified_policy_iteration,
    policy_iteration,
    prioritized_value_iteration,
    value_iteration,
)


def in_place(*args: Any, **kwargs: Any) -> Solution[Any]:
    return value_iteration(*args, sweep="in_place", **kwargs)


SWEEPING = [
    value_iteration,
    in_place,
    modified_policy_iteration,
    asynchronous_value_iteration,
    prioritized_value_iteration,
]
SOLVERS = [*SWEEPING, policy_iteration]
Solver = Callable[..., Solution[Any]]
each_solver = pytest.mark.parametrize("solve", SOLVERS)

GAINS = "discount: is 1, and from state . a policy that never ends gets the more the longer"


@st.composite
def rounds(draw: st.DrawFn) -> Table:
    """Small tables of small integer rewards, in which many a round pays nothing in all."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, is_random = draw(st.integers(1, 5)), draw(st.booleans())
    rewards = draw(st.sampled_from([[0.0], [-1.0, 0.0], [-1.0, 0.0, 1.0], [-2.0, -1.0, 1.0]]))

    def outcomes() -> list[Any]:
        count = int(rng.integers(1, 3)) if is_random else 1
        share = 1.0 / count
        return [(share, int(rng.integers(size)), _one_of(rewards), False) for _ in range(count)]

    def _one_of(choices: list[float]) -> float:
        return float(rng.choice(choices))

    table: Table = [
        {action: outcomes() for action in range(int(rng.integers(1, 4)))} for _ in range(size)
    ]
    for actions in table:
        if rng.random() < 0.4:
            actions[len(actions)] = [(1.0, 0, float(rng.integers(-5, 3)), True)]
    return table


def _stays_for_nothing(state: int, outcomes: list[Any]) -> bool:
    stays = all(following == state and not ended for _, following, _, ended in outcomes)
    return stays and sum(p * reward for p, _, reward, _ in outcomes) == 0.0


def best_that_ends(table: Table) -> np.ndarray | None:
    """The best values over all policies that end from every state; None: there is none.

    To stay for 0 is an end where a state has nothing else, and there alone.
    """
    size, best = len(table), None
    idle = [
        all(_stays_for_nothing(state, outcomes) for outcomes in actions.values())
        for state, actions in enumerate(table)
    ]
    for policy in itertools.product(*(sorted(actions) for actions in table)):
        matrix, right, going = np.eye(size), np.zeros(size), np.zeros((size, size))
        for state in range(size):
            for probability, following, reward, ended in table[state][policy[state]]:
                right[state] += probability * reward
                going[state, following] += probability * (not ended and not idle[state])
        if not (np.linalg.matrix_power(going, 64).sum(axis=1) < 1.0 - 1e-12).all():
            continue
        values = np.linalg.solve(matrix - going, right)
        best = values if best is None else np.maximum(best, values)
    return best


def gains(table: Table, values: np.ndarray) -> bool:
    """Whether what ends best is not even a fixpoint: so it is beaten by going round once more."""
    backed_up = [
        max(
            sum(p * (reward + (not ended) * values[to]) for p, to, reward, ended in outcomes)
            for outcomes in actions.values()
        )
        for actions in table
    ]
    return bool((np.array(backed_up) > values + 1e-9).any())


#: Where passes in place leave a free round tied with one that gains.
HIDDEN: Table = [
    {
        0: [(0.5, 0, 0.0, False), (0.5, 0, -1.0, False)],
        1: [(1.0, 0, 0.0, False)],
        2: [(0.5, 2, 0.0, False), (0.5, 1, 1.0, False)],
    },
    {
        0: [(0.5, 0, 1.0, False), (0.5, 2, -1.0, False)],
        1: [(0.5, 2, 1.0, False), (0.5, 0, -1.0, False)],
        2: [(0.5, 0, 0.0, False), (0.5, 1, 0.0, False)],
        3: [(1.0, 0, -2.0, True)],
    },
    {
        0: [(0.5, 2, 1.0, False), (0.5, 0, 0.0, False)],
        1: [(1.0, 2, -1.0, False)],
        2: [(1.0, 0, 1.0, False)],
    },
]


#: A round of two states gains; every second backup ties it with staying for nothing.
BY_TURNS: Table = [
    {0: [(1.0, 0, 0.0, False)], 1: [(1.0, 1, 0.0, False)], 2: [(1.0, 0, -2.0, True)]},
    {0: [(1.0, 1, 0.0, False)], 1: [(1.0, 0, 1.0, False)], 2: [(1.0, 0, -2.0, True)]},
]


@each_solver
@given(table=rounds())
@example(table=BY_TURNS)
@example(table=HIDDEN)
@settings(max_examples=100, deadline=None)
def test_solver_finds_the_best_of_all_policies_that_end(solve: Solver, table: Table) -> None:
    model, best = TabularModel.from_transitions(table), best_that_ends(table)
    if best is None:
        with pytest.raises(InvalidRequest, match="no policy ends from state"):
            solve(model, 1.0)
    elif gains(table, best):
        with pytest.raises(InvalidRequest, match=GAINS):
            solve(model, 1.0)
    else:
        solution = solve(model, 1.0)
        assert solution.converged
        assert solution.values == pytest.approx(best, abs=1e-6)
        assert solution.error_bound <= 1e-8 or solution.residual == pytest.approx(0.0, abs=1e-12)
        acts = np.where(solution.actions >= 0, solution.actions, 0)
        assert evaluate_policy(model, acts, 1.0) == pytest.approx(best, abs=1e-6)


#: State 0 may stay for nothing, or pay +5 on the way to state 1, which ends with -10.
STAY_OR_PAY: Table = [
    {0: [(1.0, 0, 0.0, False)], 1: [(1.0, 1, 5.0, False)]},
    {0: [(1.0, 1, -10.0, True)]},
]
#: Two states go round for nothing, or end with -1.
ROUND_OR_PAY: Table = [
    {0: [(1.0, 1, 0.0, False)], 1: [(1.0, 0, -1.0, True)]},
    {0: [(1.0, 0, 0.0, False)], 1: [(1.0, 0, -1.0, True)]},
]


@each_solver
@pytest.mark.parametrize(
    ("table", "best"), [(STAY_OR_PAY, [-5.0, -10.0]), (ROUND_OR_PAY, [-1.0, -1.0])]
)
def test_to_go_round_for_nothing_is_no_choice(
    solve: Solver, table: Table, best: list[float]
) -> None:
    solution = solve(TabularModel.from_transitions(table), 1.0)
    assert solution.converged
    assert solution.values == pytest.approx(best)


@pytest.mark.parametrize("solve", SWEEPING)
def test_values_to_begin_with_are_taken_where_they_do_not_decide(solve: Solver) -> None:
    model = TabularModel.from_transitions(ROUND_OR_PAY)
    with pytest.raises(InvalidRequest, match="initial_values: are given at discount 1"):
        solve(model, 1.0, initial_values=np.array([5.0, 0.0]))
    costly: Table = [
        {0: [(1.0, 0, -0.5, False)], 1: [(1.0, 1, 1.0, False)]},
        {0: [(1.0, 1, 0.0, False)]},  # stays for nothing, whatever it is said to be worth
    ]
    solution = solve(
        TabularModel.from_transitions(costly), 1.0, initial_values=np.array([5.0, 7.0])
    )
    assert solution.values == pytest.approx([1.0, 0.0])


def test_policy_that_stays_is_no_policy_to_begin_with() -> None:
    model = TabularModel.from_transitions(STAY_OR_PAY)
    with pytest.raises(InvalidRequest, match="initial_policy: does not end from state 0"):
        policy_iteration(model, 1.0, initial_policy=np.array([0, 0]))


@each_solver
@pytest.mark.parametrize("length", [1, 2, 7, 300])
def test_round_that_gains_is_refused(solve: Solver, length: int) -> None:
    table: Table = [
        {
            0: [(1.0, (state + 1) % length, float(state == 0), False)],
            1: [(1.0, state, 0.0, True)],
        }
        for state in range(length)
    ]
    with pytest.raises(InvalidRequest, match="policy that never ends gets the more the longer"):
        solve(TabularModel.from_transitions(table), 1.0)


@each_solver
def test_large_problem_with_free_rounds(solve: Solver) -> None:
    """A ring of 600 states to go round in either way for nothing, with three ends that cost."""
    size = 600
    table: Table = [
        {
            0: [(1.0, (state + 1) % size, 0.0, False)],
            1: [(1.0, (state - 1) % size, 0.0, False)],
        }
        for state in range(size)
    ]
    for state, reward in ((17, -3.0), (200, -2.0), (431, -7.0)):
        table[state][2] = [(1.0, state, reward, True)]
    solution = solve(TabularModel.from_transitions(table), 1.0)
    assert solution.converged
    assert solution.values == pytest.approx(np.full(size, -2.0), abs=1e-8)

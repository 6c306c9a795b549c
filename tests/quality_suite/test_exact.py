"""Exact values: numbers worked out by hand, and those that others have published."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.quality.exact import (
    best_values,
    discounted_values,
    expected_return,
    greedy_policy,
    policy_values,
    uniform_policy,
)
from benchmarks.quality.factored_problems import factored_model, read_factored
from benchmarks.quality.finite import FiniteProblem, finite_table
from mcts_service._solvers import SparseTable
from mcts_service.models import TabularModel
from mcts_service.planning import backward_induction
from mcts_service.planning.finite import FiniteProblem as SolvableProblem

Finite = Callable[[str], FiniteProblem]


@pytest.fixture(scope="module")
def bet() -> FiniteProblem:
    """State 0: stay for 1, or bet: nothing, then half the time state 1, else the end.

    In state 1 there is one action, worth 4, which leads back. State 2 is terminal.
    """
    return finite_table(
        TabularModel.from_transitions(
            [
                [[(1.0, 0, 1.0, False)], [(0.5, 1, 0.0, False), (0.5, 2, 0.0, True)]],
                [[(1.0, 0, 4.0, False)]],
                [],
            ],
            initial=[0.75, 0.25, 0.0],
        )
    )


# ---- by hand ----------------------------------------------------------------------------


def test_best_values_within_zero_one_and_two_steps(bet: FiniteProblem) -> None:
    np.testing.assert_allclose(
        best_values(bet, 3), [[0, 0, 0], [1, 4, 0], [2, 5, 0], [3, 6, 0]], rtol=1e-15
    )


def test_values_of_the_uniform_policy(bet: FiniteProblem) -> None:
    """In state 0 with two steps left: (1 + 1/2) / 2 + (0 + 4 / 2) / 2 = 1.75."""
    values = policy_values(bet, uniform_policy(bet), 2)
    np.testing.assert_allclose(values, [[0, 0, 0], [0.5, 4, 0], [1.75, 4.5, 0]], rtol=1e-15)
    assert expected_return(bet, values) == 0.75 * 1.75 + 0.25 * 4.5


def test_values_of_a_given_policy(bet: FiniteProblem) -> None:
    always_bet = np.array([[0, 1], [1, 0], [0, 0]], float)
    values = policy_values(bet, always_bet, 3)
    np.testing.assert_allclose(values[:, 0], [0, 0, 2, 2], rtol=1e-15)


def test_discounted_values_solve_the_equations(bet: FiniteProblem) -> None:
    """At 0.5: v0 = max(1 + v0 / 2, v1 / 4) = 2, v1 = 4 + v0 / 2 = 5."""
    values = discounted_values(bet, 0.5)
    np.testing.assert_allclose(values, [2, 5, 0], atol=1e-12)
    np.testing.assert_array_equal(greedy_policy(bet, values, 0.5), [[1, 0], [1, 0], [0, 0]])
    assert expected_return(bet, values) == pytest.approx(0.75 * 2 + 0.25 * 5)


def test_action_values_leave_out_what_is_not_legal(bet: FiniteProblem) -> None:
    values = np.array([10.0, 20.0, 40.0])
    q = bet.action_values(values, 0.5)
    np.testing.assert_array_equal(q, [[6, 5], [9, -np.inf], [-np.inf, -np.inf]])
    assert bet.action_value(values, 0, 1) == 10.0


def test_a_policy_is_worth_at_most_the_best_and_the_greedy_one_as_much(finite: Finite) -> None:
    lake = finite("frozen_lake_4x4")
    stationary = greedy_policy(lake, discounted_values(lake, 0.99), 0.99)
    best, found = best_values(lake, 400), policy_values(lake, stationary, 400)
    assert (found <= best + 1e-12).all()
    assert expected_return(lake, found) == pytest.approx(expected_return(lake, best), abs=1e-4)


# ---- as published -----------------------------------------------------------------------

FINITE_HORIZON = [
    ("frozen_lake_4x4", 100, 0.74419, 5e-6),
    ("frozen_lake_8x8", 200, 0.91322, 5e-6),
    ("cliff_walking", 100, -13.0, 1e-12),
    ("taxi", 200, 7.93, 5e-3),
    ("sysadmin_1", 40, 342.68, 5e-3),
    ("game_of_life_1", 40, 209.435, 5e-4),
    ("navigation_1", 40, -9.567, 5e-4),
]
RANDOM_PLAY = [
    ("sysadmin_1", 40, 215.94, 5e-3),
    ("game_of_life_1", 40, 63.84, 5e-3),
    ("navigation_1", 40, -38.91, 5e-3),
]


@pytest.mark.parametrize(("name", "horizon", "published", "digits"), FINITE_HORIZON)
def test_the_best_return(
    finite: Finite, name: str, horizon: int, published: float, digits: float
) -> None:
    values = best_values(finite(name), horizon)
    assert expected_return(finite(name), values) == pytest.approx(published, abs=digits)


@pytest.mark.parametrize(("name", "horizon", "published", "digits"), FINITE_HORIZON)
def test_backward_induction_finds_the_best_return(
    finite: Finite, name: str, horizon: int, published: float, digits: float
) -> None:
    """By the package's own solver, state by state as by the one of the benchmarks."""
    problem = finite(name)
    solution = backward_induction(solvable(problem), horizon)
    assert expected_return(problem, solution.values) == pytest.approx(published, abs=digits)
    np.testing.assert_allclose(solution.values, best_values(problem, horizon), atol=1e-9)


def solvable(problem: FiniteProblem) -> SolvableProblem:
    """The same rows as the package's solvers take them; what is left of a row ends."""
    num_states, num_actions = problem.legal.shape
    lengths = np.diff(problem.row_start)
    going_on = np.bincount(
        np.repeat(np.arange(len(lengths)), lengths), problem.probabilities, len(lengths)
    )
    # One more entry of each legal row, which ends; the whole row is rewarded alike.
    row = np.concatenate([np.repeat(np.arange(len(lengths)), lengths), np.arange(len(lengths))])
    ends = np.arange(len(row)) >= len(problem.probabilities)
    weight = np.concatenate([problem.probabilities, np.maximum(1.0 - going_on, 0.0)])
    following = np.concatenate([problem.next_states, np.zeros(len(lengths), np.intp)])
    kept = problem.legal.ravel()[row]
    order = np.argsort(row[kept], kind="stable")
    table = SparseTable.of_arrays(
        num_states,
        num_actions,
        np.concatenate(([0], np.cumsum(np.bincount(row[kept], minlength=len(lengths))))).astype(
            np.int32
        ),
        weight[kept][order],
        following[kept][order].astype(np.int32),
        problem.rewards.ravel()[row[kept]][order],
        ends[kept][order].astype(np.uint8),
        (~problem.legal.any(axis=1)).astype(np.uint8),
    )
    return SolvableProblem(table, 1.0, problem.index, str)


def test_backward_induction_solves_a_factored_model_as_it_is() -> None:
    model = factored_model(read_factored("navigation_1"))
    solution = backward_induction(model, 40)
    assert solution.value(model.initial_state()) == pytest.approx(-9.567, abs=5e-4)


@pytest.mark.parametrize(("name", "horizon", "published", "digits"), RANDOM_PLAY)
def test_the_return_of_random_play(
    finite: Finite, name: str, horizon: int, published: float, digits: float
) -> None:
    problem = finite(name)
    values = policy_values(problem, uniform_policy(problem), horizon)
    assert expected_return(problem, values) == pytest.approx(published, abs=digits)


@pytest.mark.parametrize(
    ("name", "published"), [("frozen_lake_4x4", 0.54203), ("frozen_lake_8x8", 0.41464)]
)
def test_the_best_discounted_return(finite: Finite, name: str, published: float) -> None:
    values = discounted_values(finite(name), 0.99)
    assert expected_return(finite(name), values) == pytest.approx(published, abs=5e-6)


@pytest.mark.parametrize(("discount", "published"), [(0.99, 0.863), (0.995, 0.894)])
def test_what_a_discount_allows_on_the_large_lake(
    finite: Finite, discount: float, published: float
) -> None:
    """The best stationary policy for a discount, judged by its return in 200 steps."""
    lake = finite("frozen_lake_8x8")
    policy = greedy_policy(lake, discounted_values(lake, discount), discount)
    found = expected_return(lake, policy_values(lake, policy, 200))
    assert found == pytest.approx(published, abs=5e-4)

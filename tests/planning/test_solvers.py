"""Value iteration, policy iteration and their like: exact optima, and each other."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from finite_problems import Table, exact_policy_values, exact_q, exact_values, tables
from hypothesis import given, settings
from hypothesis import strategies as st

from mcts_service.errors import TerminalState
from mcts_service.models import TabularModel, make, tabulate
from mcts_service.models.toy_text import cliff_walking, frozen_lake, taxi
from mcts_service.planning import (
    Solution,
    asynchronous_value_iteration,
    backward_induction,
    evaluate_policy,
    modified_policy_iteration,
    policy_iteration,
    prioritized_value_iteration,
    value_iteration,
)


def in_place(*args: Any, **kwargs: Any) -> Solution[Any]:
    return value_iteration(*args, sweep="in_place", **kwargs)


Solver = Callable[..., Solution[Any]]
SOLVERS: dict[str, Solver] = {
    "value_iteration": value_iteration,
    "in_place": in_place,
    "policy_iteration": policy_iteration,
    "modified_policy_iteration": modified_policy_iteration,
    "asynchronous": asynchronous_value_iteration,
    "prioritized": prioritized_value_iteration,
}
each_solver = pytest.mark.parametrize("solve", SOLVERS.values(), ids=list(SOLVERS))


def from_start(model: TabularModel, values: np.ndarray) -> float:
    return float(model.initial_distribution @ values)


def best_within(model: TabularModel, steps: int) -> np.ndarray:
    """The best undiscounted return within so many steps, by definition."""
    values = np.zeros(model.num_states)
    for _ in range(steps):
        q = exact_q(model, values, 1.0)
        values = np.where(np.isfinite(q).any(axis=1), q.max(axis=1), 0.0)
    return values


# ---- published optima ----


@pytest.mark.parametrize(
    ("size", "horizon", "best"), [("4x4", 100, 0.74419), ("8x8", 200, 0.91322)]
)
def test_backward_induction_gives_the_published_optimum_of_frozen_lake(
    size: Any, horizon: int, best: float
) -> None:
    model = frozen_lake(size, discount=1.0)
    solution = backward_induction(model, horizon)
    assert round(from_start(model, solution.values[-1]), 5) == best
    reference = best_within(model, horizon)
    np.testing.assert_allclose(solution.values[-1], reference, rtol=0, atol=1e-12)


@each_solver
@pytest.mark.parametrize(("size", "best"), [("4x4", 0.54203), ("8x8", 0.41464)])
def test_solver_gives_the_published_discounted_optimum_of_frozen_lake(
    solve: Solver, size: Any, best: float
) -> None:
    model = frozen_lake(size)
    solution = solve(model, tolerance=1e-10)
    assert round(from_start(model, solution.values), 5) == best
    assert solution.converged
    assert np.abs(solution.values - exact_values(model, 0.99)).max() <= 1e-8


@each_solver
def test_solver_walks_the_cliff_and_drives_the_taxi_undiscounted(solve: Solver) -> None:
    cliff, cab = cliff_walking(discount=1.0), taxi(discount=1.0)
    assert from_start(cliff, solve(cliff).values) == pytest.approx(-13.0, abs=1e-8)
    # No shortest ride is longer than 20 steps.
    shortest = from_start(cab, best_within(cab, 20))
    assert from_start(cab, solve(cab).values) == pytest.approx(shortest, abs=1e-8)
    assert shortest == pytest.approx(7.93)


@each_solver
def test_undiscounted_lake_is_worth_fourteen_seventeenths_and_the_policy_gets_it(
    solve: Solver,
) -> None:
    model = frozen_lake("4x4", discount=1.0)
    solution = solve(model, tolerance=1e-11)
    assert from_start(model, solution.values) == pytest.approx(float(Fraction(14, 17)), abs=1e-9)
    got = evaluate_policy(model, solution.actions)  # raises if it goes round for ever
    np.testing.assert_allclose(got, solution.values, rtol=0, atol=1e-9)


# ---- random problems ----


@each_solver
@given(table=tables(), discount=st.sampled_from([0.0, 0.3, 0.9, 0.99]))
@settings(max_examples=40, deadline=None)
def test_solver_agrees_with_equations_on_random_problems(
    solve: Solver, table: Table, discount: float
) -> None:
    model = TabularModel.from_transitions(table)
    solution = solve(model, discount, tolerance=1e-9)
    exact = exact_values(model, discount)
    assert solution.converged
    assert solution.error_bound <= 1e-9
    assert np.abs(solution.values - exact).max() <= 1.1e-9
    q = exact_q(model, exact, discount)
    legal = np.isfinite(q)
    assert (np.isfinite(solution.q) == legal).all()
    assert np.abs(solution.q[legal] - q[legal]).max(initial=0.0) <= 1.1e-9
    acts = legal.any(axis=1)
    assert (solution.actions[~acts] == -1).all()
    assert (solution.q[acts].max(axis=1) == solution.values[acts]).all()
    taken = q[np.flatnonzero(acts), solution.actions[acts]]
    assert (taken >= q[acts].max(axis=1) - 3e-9).all()


@each_solver
@given(table=tables(always_ends=True))
@settings(max_examples=40, deadline=None)
def test_solver_agrees_with_equations_undiscounted_where_every_policy_ends(
    solve: Solver, table: Table
) -> None:
    model = TabularModel.from_transitions(table)
    solution = solve(model, 1.0, tolerance=1e-8)
    exact = exact_values(model, 1.0)
    assert solution.converged
    scale = max(1.0, float(np.abs(exact).max()))
    assert np.abs(solution.values - exact).max() <= 1e-7 * scale
    worth = exact_policy_values(model, solution.as_policy().table, 1.0)
    assert np.abs(worth - exact).max() <= 1e-7 * scale


@given(table=tables(), discount=st.sampled_from([0.0, 0.5, 0.95]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_evaluation_of_a_random_policy_solves_its_equations(
    table: Table, discount: float, seed: int
) -> None:
    model = TabularModel.from_transitions(table)
    legal = np.isfinite(exact_q(model, np.zeros(model.num_states), discount))
    legal[~legal.any(axis=1)] = True  # terminal states, where nothing is asked of a policy
    weights = np.random.default_rng(seed).random(legal.shape) * legal
    policy = weights / weights.sum(axis=1, keepdims=True)
    got = evaluate_policy(model, policy, discount)
    expected = exact_policy_values(model, policy, discount)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)


@given(table=tables(), horizon=st.integers(0, 6), discount=st.sampled_from([0.5, 1.0]))
@settings(max_examples=60, deadline=None)
def test_backward_induction_is_the_recursion_written_out(
    table: Table, horizon: int, discount: float
) -> None:
    model = TabularModel.from_transitions(table)
    solution = backward_induction(model, horizon, discount)
    assert solution.horizon == horizon
    values = np.zeros(model.num_states)
    for left in range(1, horizon + 1):
        q = exact_q(model, values, discount)
        acts = np.isfinite(q).any(axis=1)
        values = np.where(acts, q.max(axis=1), 0.0)
        np.testing.assert_allclose(solution.values[left], values, rtol=0, atol=1e-12)
        taken = q[np.flatnonzero(acts), solution.actions[left][acts]]
        assert (taken >= q[acts].max(axis=1) - 1e-12).all()
    assert (solution.actions[0] == -1).all()


# ---- large ones, whose values are swept and not solved ----


@pytest.fixture(scope="module")
def garnet() -> TabularModel:
    """3,000 states, 4 actions, 5 outcomes each: more than equations are solved for at once."""
    rng = np.random.default_rng(3)
    rows, outcomes = 3000 * 4, 5
    return TabularModel.from_arrays(
        np.arange(0, rows * outcomes + 1, outcomes),
        rng.dirichlet(np.ones(outcomes), rows).ravel(),
        rng.integers(0, 3000, rows * outcomes),
        np.repeat(rng.random(rows), outcomes),
        rng.random(rows * outcomes) < 0.001,
        num_actions=4,
    )


@each_solver
def test_solvers_agree_within_their_bounds_on_a_large_problem(
    solve: Solver, garnet: TabularModel
) -> None:
    best = value_iteration(garnet, 0.95, tolerance=1e-10)
    solution = solve(garnet, 0.95, tolerance=1e-6)
    assert solution.error_bound <= 1e-6
    difference = np.abs(solution.values - best.values).max()
    assert difference <= solution.error_bound + best.error_bound


@pytest.mark.parametrize("tolerance", [1e-2, 1e-6])
def test_policy_iteration_of_many_states_goes_on_until_its_bounds_suffice(
    garnet: TabularModel, tolerance: float
) -> None:
    best = modified_policy_iteration(garnet, 0.999, tolerance=1e-9)
    solution = policy_iteration(garnet, 0.999, tolerance=tolerance)
    assert solution.converged
    assert solution.error_bound <= tolerance
    assert np.abs(solution.values - best.values).max() <= 1.1 * tolerance


def test_any_number_of_threads_gives_the_same_bits(garnet: TabularModel) -> None:
    for solve in (value_iteration, modified_policy_iteration):
        one, three = (solve(garnet, 0.95, threads=threads) for threads in (1, 3))
        assert (one.values == three.values).all()
        assert (one.q == three.q).all()
        assert (one.actions == three.actions).all()


def test_evaluation_by_sweeps_is_within_its_tolerance(garnet: TabularModel) -> None:
    solution = value_iteration(garnet, 0.95, tolerance=1e-9)
    worth = evaluate_policy(garnet, solution.actions, 0.95, tolerance=1e-7)
    assert np.abs(worth - solution.values).max() <= 1.1e-7
    again = evaluate_policy(garnet, solution.as_policy(), 0.95, tolerance=1e-7)
    assert np.abs(worth - again).max() <= 2e-7


# ---- what a solution offers ----


class Stairs:
    """States are pairs; up costs 1, the third step pays 10 and ends it; down is free."""

    num_actions = 2
    discount = 0.9

    def initial_state(self, rng: Any = None) -> tuple[str, int]:
        return ("step", 0)

    def legal_actions(self, state: tuple[str, int]) -> list[int]:
        return [1] if state[1] == 0 else [0, 1]

    def transitions(self, state: tuple[str, int], action: int) -> list[Any]:
        height = state[1] + (1 if action else -1)
        return [(1.0, ("step", height), 10.0 if height == 3 else -float(action), height == 3)]


@each_solver
def test_solution_answers_in_the_states_of_the_model(solve: Solver) -> None:
    solution = solve(Stairs())
    assert solution.value(("step", 2)) == pytest.approx(10.0)
    assert solution.value(("step", 0)) == pytest.approx(-1 + 0.9 * (-1 + 0.9 * 10))
    assert solution.action(("step", 0)) == solution.action(("step", 2)) == 1
    with pytest.raises(TerminalState):
        solution.action(("step", 3))


def test_solution_of_a_tabulated_model_is_that_of_the_model() -> None:
    direct, tabulated = value_iteration(Stairs()), value_iteration(tabulate(Stairs()))
    assert (direct.values == tabulated.values).all()
    assert tabulated.action(("step", 1)) == 1


def test_solution_of_gymnasiums_own_table() -> None:
    gymnasium = pytest.importorskip("gymnasium")
    from mcts_service.models import from_gymnasium

    model = from_gymnasium(gymnasium.make("FrozenLake-v1"), discount=0.99)
    solution = value_iteration(model, tolerance=1e-10)
    best = exact_values(make("frozen_lake_4x4"), 0.99)
    assert solution.value(0) == pytest.approx(best[0], abs=1e-9)


def test_horizon_solution_depends_on_the_steps_that_are_left() -> None:
    solution = backward_induction(Stairs(), 3)
    assert solution.value(("step", 0)) == pytest.approx(-1 + 0.9 * (-1 + 0.9 * 10))
    assert solution.value(("step", 0), 2) == pytest.approx(-1.0)
    assert solution.value(("step", 1), 1) == 0.0
    assert solution.action(("step", 1), steps_left=1) == 0
    assert solution.action(("step", 1), steps_left=2) == 1
    with pytest.raises(TerminalState):
        solution.action(("step", 1), steps_left=0)
    with pytest.raises(ValueError, match="steps_left: is 4; must be an integer from 0 to 3"):
        solution.value(("step", 0), 4)


def test_values_to_begin_with_save_sweeps(garnet: TabularModel) -> None:
    first = modified_policy_iteration(garnet, 0.95)
    again = modified_policy_iteration(garnet, 0.95, initial_values=first.values)
    assert again.iterations < first.iterations
    assert policy_iteration(garnet, 0.95, initial_policy=first.actions).iterations <= 2


def test_order_of_backups_decides_how_many_passes_a_corridor_takes() -> None:
    corridor: Table = [{0: [(1.0, cell + 1, -1.0, cell == 98)]} for cell in range(99)] + [{}]
    model = TabularModel.from_transitions(corridor)
    backwards = asynchronous_value_iteration(model, 1.0)
    forwards = asynchronous_value_iteration(model, 1.0, order=np.arange(100))
    assert backwards.iterations <= 3
    assert forwards.iterations >= 99
    assert (backwards.values == forwards.values).all()
    assert backwards.values[0] == -99.0


def test_priorities_back_up_only_what_changes() -> None:
    corridor: Table = [
        {0: [(1.0, cell + 1, float(cell == 98), cell == 98)]} for cell in range(99)
    ] + [{}]
    solution = prioritized_value_iteration(TabularModel.from_transitions(corridor), 0.5)
    assert solution.iterations < 40  # 0.5 ** 27 is below the tolerance
    assert solution.values[98] == pytest.approx(1.0)
    assert solution.values[97] == pytest.approx(0.5)


def test_solver_that_may_not_go_on_says_so(garnet: TabularModel) -> None:
    solution = value_iteration(garnet, 0.95, max_iterations=2)
    assert not solution.converged
    assert solution.error_bound > 1e-8
    best = value_iteration(garnet, 0.95)
    assert np.abs(solution.values - best.values).max() <= solution.error_bound + 1e-8

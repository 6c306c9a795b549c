"""What the solvers refuse, and how they say it."""

from __future__ import annotations

import signal
import threading
from typing import Any

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.models import SampledModel, TabularModel, make
from mcts_service.planning import (
    asynchronous_value_iteration,
    backward_induction,
    evaluate_policy,
    modified_policy_iteration,
    policy_evaluation,
    policy_iteration,
    prioritized_value_iteration,
    q_from_v,
    q_table_from_v,
    value_iteration,
)
from mcts_service.planning.finite import finite_problem

SOLVERS = [
    value_iteration,
    policy_iteration,
    modified_policy_iteration,
    asynchronous_value_iteration,
    prioritized_value_iteration,
]
each_solver = pytest.mark.parametrize("solve", SOLVERS)

#: State 2 can only go round; the others end.
ENDLESS: list[Any] = [
    {0: [(1.0, 1, -1.0, False)]},
    {0: [(1.0, 3, 0.0, True)]},
    {0: [(1.0, 2, 1.0, False)]},
    {},
]


@each_solver
def test_discount_1_names_a_state_from_which_no_policy_ends(solve: Any) -> None:
    model = TabularModel.from_transitions(ENDLESS)
    with pytest.raises(InvalidRequest, match="discount: is 1, and no policy ends from state 2"):
        solve(model, 1.0)
    assert solve(model, 0.5).values[2] == pytest.approx(2.0)


@each_solver
def test_absorbing_state_that_pays_nothing_counts_as_an_end(solve: Any) -> None:
    absorbing: list[Any] = [
        {0: [(0.5, 0, -1.0, False), (0.5, 1, -1.0, False)]},
        {0: [(1.0, 1, 0.0, False)]},
    ]
    solution = solve(TabularModel.from_transitions(absorbing), 1.0)
    assert solution.values == pytest.approx([-2.0, 0.0])


def test_problem_that_is_compiled_once_is_solved_at_any_discount() -> None:
    model = make("frozen_lake_4x4")
    problem = finite_problem(model)
    assert problem.discount == model.discount
    for discount in (None, 0.5, 1.0):
        once, anew = value_iteration(problem, discount), value_iteration(model, discount)
        assert (once.values == anew.values).all()
    with pytest.raises(InvalidRequest, match="no policy ends from state 2"):
        value_iteration(finite_problem(TabularModel.from_transitions(ENDLESS), 0.5), 1.0)


def test_policy_iteration_refuses_a_round_that_pays_for_ever() -> None:
    rounds: list[Any] = [
        {0: [(1.0, 1, 0.0, False)], 1: [(1.0, 2, 0.0, True)]},
        {0: [(1.0, 0, 1.0, False)], 1: [(1.0, 2, 0.0, True)]},
        {},
    ]
    with pytest.raises(InvalidRequest, match="never ends gets the more the longer it goes on"):
        policy_iteration(TabularModel.from_transitions(rounds), 1.0)


@each_solver
def test_model_that_can_only_be_sampled_is_told_what_it_lacks(solve: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"CartPole has no transitions\(state, action\)"):
        solve(make("cart_pole"))


def test_game_of_two_players_is_refused() -> None:
    class Game:
        num_actions = 2
        num_players = 2

        def transitions(self, state: int, action: int) -> list[Any]:
            return [(1.0, state, (0.0, 0.0), True)]

    with pytest.raises(InvalidRequest, match="model: has 2 players"):
        value_iteration(Game())


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"discount": 1.5}, "discount"),
        ({"discount": float("nan")}, "discount"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"max_iterations": 0}, "max_iterations"),
        ({"threads": 0}, "threads"),
        ({"initial_values": np.zeros(3)}, "initial_values"),
        ({"initial_values": np.full(16, np.nan)}, "initial_values"),
        ({"sweep": "sideways"}, "sweep"),
    ],
)
def test_value_iteration_names_the_argument_that_is_wrong(
    arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"^{field}: "):
        value_iteration(make("frozen_lake_4x4"), **arguments)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (np.arange(3), "leaves out state 3"),
        (np.arange(17), "must have states from 0 to 15"),
        (np.zeros((2, 2), np.int64), "must be integers"),
        (np.zeros(16), "must be integers"),
        (np.ones(16, np.bool_), "must be integers"),
    ],
)
def test_order_must_have_every_state(order: np.ndarray, words: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^order: .*{words}"):
        asynchronous_value_iteration(make("frozen_lake_4x4"), order=order)


def test_policy_of_an_illegal_action_is_refused() -> None:
    model = TabularModel.from_transitions([{1: [(1.0, 1, 0.0, True)]}, {}])
    with pytest.raises(InvalidRequest, match="action 0 is not legal in state 0"):
        evaluate_policy(model, np.array([0, -1]))
    with pytest.raises(InvalidRequest, match="takes action 0 in state 0"):
        evaluate_policy(model, np.array([[0.5, 0.5], [0.5, 0.5]]))
    with pytest.raises(InvalidRequest, match=r"initial_policy: .*not legal in state 0"):
        policy_iteration(model, initial_policy=np.array([0, -1]))
    with pytest.raises(InvalidRequest, match="policy: has 1 actions; must have 2"):
        evaluate_policy(model, np.array([1]))
    assert evaluate_policy(model, np.array([1, -1])).tolist() == [0.0, 0.0]


def test_undiscounted_policy_that_does_not_end_is_refused() -> None:
    model = make("cliff_walking")
    up = np.zeros(model.num_states, np.int64)
    with pytest.raises(InvalidRequest, match="the policy does not end from state 0"):
        evaluate_policy(model, up, 1.0)
    with pytest.raises(InvalidRequest, match="initial_policy: does not end from state 0"):
        policy_iteration(model, 1.0, initial_policy=up)
    assert evaluate_policy(model, up, 0.9)[0] == pytest.approx(-10.0)


def test_wrong_horizon_and_values_are_refused() -> None:
    model = make("frozen_lake_4x4")
    with pytest.raises(InvalidRequest, match=r"^horizon: is -1"):
        backward_induction(model, -1)
    with pytest.raises(InvalidRequest, match=r"^horizon: is 2147483647, and there is no memory"):
        backward_induction(model, 2**31 - 1)
    assert (backward_induction(model, 0).q == -np.inf).all()
    with pytest.raises(InvalidRequest, match=r"^values: has the shape"):
        q_table_from_v(model, np.zeros(3))
    with pytest.raises(InvalidRequest, match=r"^final_values: is nan in state 0"):
        backward_induction(model, 1, final_values=np.full(16, np.nan))
    with pytest.raises(InvalidRequest, match=r"^max_backups: is 0"):
        prioritized_value_iteration(model, max_backups=0)
    with pytest.raises(InvalidRequest, match="has no transitions"):
        q_from_v(make("cart_pole"), lambda state: 0.0)


def test_interrupt_ends_a_long_solve() -> None:
    """A signal's handler is Python's, and must run while a solver is at work."""
    model = make("frozen_lake_8x8")

    def solve_for_ever() -> None:
        while True:
            value_iteration(model, 0.999999, tolerance=1e-12, max_iterations=10**9)

    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            solve_for_ever()
    finally:
        timer.cancel()
        timer.join()


@pytest.mark.parametrize("actions", [np.full(16, np.nan), np.zeros(16), np.zeros(16, np.bool_)])
def test_policy_to_begin_with_must_be_of_integers(actions: np.ndarray) -> None:
    with pytest.raises(InvalidRequest, match=r"^initial_policy: is of .*; must be integers"):
        policy_iteration(make("frozen_lake_4x4"), initial_policy=actions)


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize(
    ("solve", "arguments"),
    [
        (value_iteration, {}),
        (value_iteration, {"sweep": "in_place"}),
        (policy_iteration, {}),
        (modified_policy_iteration, {}),
        (asynchronous_value_iteration, {}),
    ],
)
def test_no_more_iterations_than_were_asked_for(
    solve: Any, arguments: dict[str, Any], most: int
) -> None:
    model = make("frozen_lake_8x8")
    solution = solve(model, 0.999, max_iterations=most, **arguments)
    assert solution.iterations <= most
    assert solution.converged or solution.iterations == most


def test_state_that_ends_the_one_way_or_goes_round_is_no_fault_of_the_policy() -> None:
    """1 only leads back to 0, 2 stays for nothing: all of it is undiscounted, and never ends."""
    model = TabularModel.from_transitions(
        [
            {0: [(1.0, 1, -1.0, False)], 1: [(1.0, 2, 3.0, False)]},
            {0: [(1.0, 0, -1.0, False)]},
            {0: [(1.0, 2, 0.0, False)]},
        ]
    )
    assert policy_iteration(model, 1.0).values == pytest.approx([3.0, 2.0, 0.0])


def test_model_around_a_table_counts_with_its_own_outcomes() -> None:
    class Dearer(SampledModel[int]):
        def transitions(self, state: int, action: int) -> Any:
            outcomes = self.model.transitions(state, action)
            return [(p, to, reward - 1.0, ended) for p, to, reward, ended in outcomes]

    table = TabularModel.from_transitions([{0: [(1.0, 1, 3.0, True)]}, {}])
    assert value_iteration(SampledModel(table)).value(0) == 3.0
    assert value_iteration(Dearer(table)).value(0) == 2.0


def test_slow_chain_is_evaluated_by_equations_or_refused(monkeypatch: Any) -> None:
    size, discount = 300, 1.0 - 1e-6
    model = TabularModel.from_transitions(
        [{0: [(1.0, state, float(state), False)]} for state in range(size)]
    )
    stay = np.zeros(size, np.int64)
    exact = np.arange(size) / 1e-6
    assert evaluate_policy(model, stay, discount) == pytest.approx(exact, rel=1e-9)
    monkeypatch.setattr(policy_evaluation, "_MOST_DENSE_STATES", 256)
    monkeypatch.setattr(policy_evaluation, "_MOST_SWEEPS", 1000)
    with pytest.raises(InvalidRequest, match="tolerance: is 1e-08, and 1000 sweeps do not suff"):
        evaluate_policy(model, stay, discount)

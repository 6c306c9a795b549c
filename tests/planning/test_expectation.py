"""V -> Q by expectation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from finite_problems import Table, exact_q, tables
from hypothesis import given, settings

from mcts_service.models import TabularModel, make
from mcts_service.planning import q_from_v, q_table_from_v, value_iteration
from mcts_service.policies import Greedy


@given(table=tables())
@settings(max_examples=40, deadline=None)
def test_both_forms_are_the_sum_over_the_outcomes(table: Table) -> None:
    model = TabularModel.from_transitions(table)
    values = np.cos(np.arange(model.num_states)) * ~model.terminal_states()
    exact = exact_q(model, values, 0.8)
    assert q_table_from_v(model, values, 0.8) == pytest.approx(exact, abs=1e-12)
    q = q_from_v(model, lambda state: float(values[state]), 0.8)
    for state in np.flatnonzero(~model.terminal_states()):
        assert q(int(state)) == pytest.approx(exact[state], abs=1e-12)


def test_greedy_over_expected_values_is_the_solution_policy() -> None:
    model = make("taxi")
    solution = value_iteration(model)
    q = q_from_v(model, solution.value)
    policy = Greedy[int](q)
    rng = np.random.default_rng(0)
    for state in np.flatnonzero(solution.actions >= 0)[::17]:
        action = policy.action(int(state), rng)
        assert solution.q[state, action] == pytest.approx(solution.values[state], abs=1e-7)


def test_states_need_not_be_finitely_many() -> None:
    class Walk:
        num_actions = 2
        discount = 0.5

        def legal_actions(self, state: int) -> list[int]:
            return [1] if state == 0 else [0, 1]

        def transitions(self, state: int, action: int) -> list[Any]:
            step = 1 if action else -1
            return [
                (0.75, state + step, 1.0, False),
                (0.25, state, 2.0, True),
                (0.0, 9, 0.0, False),
            ]

    q = q_from_v(Walk(), lambda state: float(state))
    assert q(4) == pytest.approx([0.75 * (1 + 0.5 * 3) + 0.5, 0.75 * (1 + 0.5 * 5) + 0.5])
    assert q(0)[0] == -np.inf


def test_terminal_states_count_as_such_though_no_outcome_says_so() -> None:
    class Stairs:
        num_actions = 1
        discount = 0.5

        def initial_state(self) -> int:
            return 0

        def is_terminal(self, state: int) -> bool:
            return state == 2

        def transitions(self, state: int, action: int) -> list[Any]:
            return [(1.0, state + 1, 1.0, False)]

    q, table = q_from_v(Stairs(), lambda state: 8.0), q_table_from_v(Stairs(), np.full(3, 8.0))
    assert [q(state).tolist() for state in range(3)] == [[5.0], [1.0], [-np.inf]]
    assert table.tolist() == [[5.0], [1.0], [-np.inf]]

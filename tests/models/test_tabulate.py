"""Any finite distribution model becomes a native table, asked in the model's own states."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models.ladder import SampledModel
from mcts_service.models.tabulate import tabulate
from mcts_service.models.toy_text import frozen_lake
from mcts_service.testing import assert_model

SIZE = 4


class WindyGrid:
    """From (0, 0) to (3, 3) against the wind; the way left is closed at the left edge."""

    num_actions = 3
    discount = 0.9
    horizon = 20
    description = "a windy grid"

    def initial_state(self, rng=None):
        return (0, 0)

    def legal_actions(self, state):
        return [0, 1] if state[1] == 0 else [0, 1, 2]

    def is_terminal(self, state):
        return state == (SIZE - 1, SIZE - 1)

    def transitions(self, state, action):
        assert not self.is_terminal(state), "asked in a terminal state"
        row, column = state
        target = {
            0: (row, min(column + 1, SIZE - 1)),
            1: (min(row + 1, SIZE - 1), column),
            2: (row, column - 1),
        }[action]
        return [
            (0.75, target, -1.0, self.is_terminal(target)),
            (0.25, state, -1.0, False),
            (0.0, (99, 99), 0.0, False),
        ]


class Crossing:
    """A state, 2, that one way ends in and another goes on in; numbered before it goes on."""

    num_actions = 2

    def transitions(self, state, action):
        if action == 0:
            return [(1.0, 2, 1.0, True)]
        return [(1.0, min(state + 1, 3), 0.0, state >= 2)]


@pytest.fixture
def grid():
    return tabulate(WindyGrid())


def test_table_keeps_the_contract(grid):
    assert_model(grid)
    assert_model(grid.table)


def test_every_outcome_is_the_models(grid):
    model = WindyGrid()
    for state in grid.states:
        if not model.is_terminal(state):
            assert grid.legal_actions(state) == model.legal_actions(state)
            for action in model.legal_actions(state):
                possible = [o for o in model.transitions(state, action) if o[0] > 0]
                assert len({o[1:] for o in possible}) == len(grid.transitions(state, action))
                for outcome in grid.transitions(state, action):
                    share = sum(o[0] for o in possible if o[1:] == outcome[1:])
                    assert outcome[0] == pytest.approx(share)


def test_what_the_model_declares_carries_over(grid):
    assert (grid.num_actions, grid.discount, grid.horizon) == (3, 0.9, 20)
    assert grid.description == "a windy grid"
    assert not grid.deterministic
    assert not hasattr(grid, "value")


def test_states_and_numbers_translate_both_ways(grid):
    assert grid.states[0] == grid.initial_state() == (0, 0)
    assert all(grid.index(state) == number for number, state in enumerate(grid.states))
    assert grid.unpack_state(grid.pack_state((2, 1))) == (2, 1)
    assert grid.is_terminal((3, 3))


def test_impossible_outcomes_bring_no_states(grid):
    assert len(grid.states) == SIZE * SIZE


def test_plan_is_that_of_the_sampled_model_number_for_number(grid):
    budget = Budget(simulations=500)
    native = MCTS(grid, SearchConfig.preset("uct"), seed=3).plan((0, 0), budget)
    sampled = MCTS(SampledModel(WindyGrid()), SearchConfig.preset("uct"), seed=3).plan(
        (0, 0), budget
    )
    assert native.actions == sampled.actions
    assert native.principal_variation == sampled.principal_variation
    assert (native.action, native.value) == (sampled.action, sampled.value)


def test_table_of_a_table_is_the_same_table():
    lake = frozen_lake("4x4")
    again = tabulate(lake)
    assert sorted(again.states) == [*range(16)]
    for state in again.states:
        assert again.is_terminal(state) == lake.is_terminal(state)
        for action in lake.legal_actions(state):
            assert again.transitions(state, action) == lake.transitions(state, action)


def test_state_that_one_way_ends_in_and_another_goes_on_in_is_explored():
    model = tabulate(Crossing(), initial_states=[0])
    assert sorted(model.states) == [0, 1, 2, 3]
    assert not model.is_terminal(2)
    assert model.transitions(2, 0) == [(1.0, 2, 1.0, True)]
    assert model.is_terminal(3)


def test_initial_states_are_equally_probable():
    # 1,000 draws of two: outside 400 .. 600 by chance for less than one seed in 10^9.
    model = tabulate(Crossing(), initial_states=[0, 1])
    rng = np.random.default_rng(0)
    drawn = [model.initial_state(rng) for _ in range(1_000)]
    assert 400 <= drawn.count(0) <= 600
    assert set(drawn) == {0, 1}


def test_array_states_are_told_apart_by_their_bytes():
    class Arrays(Crossing):
        def initial_state(self, rng=None):
            return np.array([0])

        def transitions(self, state, action):
            outcomes = super().transitions(int(state[0]), action)
            return [(p, np.array([s]), r, end) for p, s, r, end in outcomes]

    model = tabulate(Arrays())
    assert [int(state[0]) for state in sorted(model.states, key=lambda s: s[0])] == [0, 1, 2, 3]
    assert model.index(np.array([2])) == model.index(model.states[model.index(np.array([2]))])


def test_state_key_joins_states():
    class Parity(Crossing):
        """An endless corridor, of which only the parity matters."""

        def state_key(self, state):
            return state % 2

        def transitions(self, state, action):
            return [(1.0, state + 1, float(state % 2), False)]

    assert tabulate(Parity(), initial_states=[0]).states == [0, 1]


def test_too_many_states_are_refused_with_the_count():
    class Endless(Crossing):
        def transitions(self, state, action):
            return [(1.0, state + 1, 0.0, False)]

    with pytest.raises(InvalidRequest, match="max_states: is 50; 50 states were found"):
        tabulate(Endless(), initial_states=[0], max_states=50)
    assert len(tabulate(WindyGrid(), max_states=SIZE * SIZE).states) == SIZE * SIZE


@pytest.mark.parametrize("state", [(7, 7), [0, 0], None])
def test_state_that_cannot_be_reached_is_refused(grid, state):
    with pytest.raises(InvalidRequest, match=r"state: is .*must be one of the 16 states"):
        grid.pack_state(state)
    with pytest.raises(InvalidRequest, match="state: is "):
        grid.validate_state(state)


def test_model_of_two_players_is_refused():
    class Game(Crossing):
        num_players = 2

    with pytest.raises(InvalidRequest, match="model: has 2 players; a table has one"):
        tabulate(Game(), initial_states=[0])


def test_initial_states_are_needed():
    with pytest.raises(InvalidRequest, match="initial_states: is not given"):
        tabulate(Crossing())
    with pytest.raises(InvalidRequest, match="initial_states: is empty"):
        tabulate(Crossing(), initial_states=[])


def test_state_without_actions_must_be_terminal():
    class Stuck(WindyGrid):
        def legal_actions(self, state):
            return [] if state == (0, 1) else super().legal_actions(state)

    with pytest.raises(ModelFault, match=r"legal_actions\(\(0, 1\)\) is empty"):
        tabulate(Stuck())


def test_broken_distribution_is_named():
    class Leaky(WindyGrid):
        def transitions(self, state, action):
            return super().transitions(state, action)[:1]

    with pytest.raises(ModelFault, match=r"transitions\(\(0, 0\), 0\) gives .* sum to 0.75"):
        tabulate(Leaky())

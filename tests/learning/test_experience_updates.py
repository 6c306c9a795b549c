"""Updates of one step, on numbers worked out by hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from small_trajectories import CUT, ENDED, Q_TABLE, RNG, V_TABLE, Q, V, change_of

from mcts_service.errors import InvalidRequest
from mcts_service.learning import (
    TD,
    DoubleQ,
    ExpectedSarsa,
    LinearQ,
    QLearning,
    Sarsa,
    TileCoding,
    applied,
    lifted,
    one_by_one,
)
from mcts_service.policies import EpsilonGreedy
from mcts_service.protocols import Experience

#: From state 0 by action 1 to state 1, where action 0 comes next.
STEP = Experience(0, 1, 1.0, 1, False, 0)
LAST = Experience(0, 1, -1.0, 2, True)


def only(table, *places):
    """Zero but at the places: (index, value) each."""
    expected = np.zeros_like(table)
    for index, value in places:
        expected[index] = value
    return expected


def test_td_moves_towards_the_next_states_value():
    # 1 + 0.5 * v(1) - v(0) = 1 - 0.5 - 0.5.
    assert change_of(TD(V, 0.5), STEP, V_TABLE).tolist() == [0.0, 0.0, 0.0]
    assert change_of(TD(V, 0.9), STEP, V_TABLE) == pytest.approx(only(V_TABLE, (0, -0.4)))
    assert change_of(TD(V, 0.9), LAST, V_TABLE) == pytest.approx(only(V_TABLE, (0, -1.5)))


def test_sarsa_moves_towards_the_action_that_was_taken():
    # 1 + 0.9 * q(1, 0) - q(0, 1) = 1 + 2.7 - 2.
    expected = only(Q_TABLE, ((0, 1), 1.7))
    assert change_of(Sarsa(Q, 0.9), STEP, Q_TABLE) == pytest.approx(expected)
    expected = only(Q_TABLE, ((0, 1), -3.0))
    assert change_of(Sarsa(Q, 0.9), LAST, Q_TABLE) == pytest.approx(expected)


def test_sarsa_leaves_out_a_step_after_which_no_action_is_known():
    cut = Experience(0, 1, 1.0, 1, False, None)
    assert not change_of(Sarsa(Q, 0.9), cut, Q_TABLE).any()
    assert change_of(QLearning(Q, 0.9), cut, Q_TABLE).any()


def test_expected_sarsa_moves_towards_what_the_policy_expects():
    # Of (3, 0.5), epsilon-greedy with 0.2: 0.9 * 3 + 0.1 * 0.5 = 2.75; 1 + 0.9 * 2.75 - 2.
    update = ExpectedSarsa(Q, 0.9, partial(EpsilonGreedy, epsilon=0.2))
    expected = only(Q_TABLE, ((0, 1), 1.475))
    assert change_of(update, STEP, Q_TABLE) == pytest.approx(expected)


def test_q_learning_moves_towards_the_best_legal_action():
    step = Experience(0, 1, 1.0, 2, False, 0)
    # 1 + 0.9 * 8 - 2, and with action 0 alone legal 1 - 0.9 - 2.
    expected = only(Q_TABLE, ((0, 1), 6.2))
    assert change_of(QLearning(Q, 0.9), step, Q_TABLE) == pytest.approx(expected)
    only_zero = QLearning(Q, 0.9, lambda state: [0])
    expected = only(Q_TABLE, ((0, 1), -1.9))
    assert change_of(only_zero, step, Q_TABLE) == pytest.approx(expected)


class Coin:
    """Falls as it is told."""

    def __init__(self, fall):
        self.random = lambda: fall


@pytest.mark.parametrize(("fall", "changed"), [(0.7, 0), (0.2, 1)])
def test_double_q_chooses_by_one_table_and_values_by_the_other(fall, changed):
    tables = (Q_TABLE, Q_TABLE[:, ::-1].copy())
    step = Experience(0, 1, 1.0, 2, False, 0)
    changes = DoubleQ(Q, 0.9)(step, tables, Coin(fall))
    # Table 0 has (-1, 8) at state 2 and chooses 1, which table 1 values at -1: 1 - 0.9 - 2.
    # Table 1 chooses 0 there, which table 0 values at -1: 1 - 0.9 - 1.
    error = [-1.9, -0.9][changed]
    moved = applied((np.zeros((3, 2)), np.zeros((3, 2))), changes, 1.0)
    assert moved[changed] == pytest.approx(only(Q_TABLE, ((0, 1), error)))
    assert not moved[1 - changed].any()
    assert DoubleQ(Q, 0.9).mean(tables)(2).tolist() == [3.5, 3.5]


def test_linear_values_share_the_change_among_their_features():
    q = LinearQ(TileCoding([0.0], [1.0], 2, 2), 2)
    step = Experience([0.0], 1, 1.0, [1.0], True)
    change = change_of(QLearning(q, 1.0), step, q.initial())
    # Tiles 0 and 3 are active, and action 1 was taken.
    assert np.argwhere(change).tolist() == [[0, 1], [3, 1]]
    assert change[0, 1] == change[3, 1] == 1.0


def test_a_lifted_update_sums_over_the_steps_at_the_same_parameters():
    # v(0), v(1) = 0.5, -1 throughout: errors 1 - 0.9 - 0.5, 2 + 0.45 + 1, -1 - 0.5.
    change = change_of(lifted(TD(V, 0.9)), ENDED, V_TABLE)
    assert change == pytest.approx([-0.4 - 1.5, 3.45, 0.0])
    # Cut, the last step goes on to v(2) = 4: -1 + 3.6 - 0.5.
    change = change_of(lifted(TD(V, 0.9)), CUT, V_TABLE)
    assert change == pytest.approx([-0.4 + 2.1, 3.45, 0.0])


def test_one_by_one_learns_from_what_the_steps_before_left():
    # Step size 0.5. v(0) = 0.5 - 0.2 = 0.3; v(1) = -1 + 0.5 * (2 + 0.27 + 1) = 0.635;
    # v(0) = 0.3 + 0.5 * (-1 - 0.3) = -0.35.
    for native in (True, False):
        learned = one_by_one(TD(V, 0.9), native=native)(ENDED, V_TABLE, 0.5, RNG)
        assert learned == pytest.approx([-0.35, 0.635, 4.0])
    assert V_TABLE.tolist() == [0.5, -1.0, 4.0]


def test_lifting_goes_for_tuples_of_parameters_too():
    tables = (Q_TABLE, Q_TABLE.copy())
    rng = np.random.default_rng(1)
    falls = [np.random.default_rng(1).random(3) < 0.5]
    moved = applied((Q.initial(), Q.initial()), lifted(DoubleQ(Q, 0.9))(ENDED, tables, rng), 1.0)
    assert [part.any() for part in moved] == [not falls[0].all(), falls[0].any()]


@pytest.mark.parametrize("kind", [TD, Sarsa, QLearning, DoubleQ])
@pytest.mark.parametrize("discount", [-0.1, 1.1, np.nan, "high"])
def test_a_discount_out_of_range_is_refused(kind, discount):
    with pytest.raises(InvalidRequest, match="discount: is"):
        kind(V if kind is TD else Q, discount)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Experience(0, 1, np.nan, 1, False, 0), "experience.reward: is nan"),
        (Experience(0, 1, (1.0, 0.0), 1, False, 0), r"experience.reward: is \(1.0, 0.0\)"),
        (Experience(3, 1, 0.0, 1, False, 0), "state: is 3"),
        (Experience(0, 1, 0.0, -1, False, 0), "state: is -1"),
    ],
)
def test_steps_of_wrong_numbers_are_refused(step, said):
    with pytest.raises(InvalidRequest, match=said):
        QLearning(Q, 0.9)(step, Q_TABLE, RNG)


@pytest.mark.parametrize(
    "parameters", [np.zeros((2, 3)), np.zeros(6), np.zeros((3, 2), np.float32), [[0, 0]] * 3]
)
def test_parameters_of_another_shape_are_refused(parameters):
    with pytest.raises(InvalidRequest, match=r"parameters: are .*; must be float64\[3, 2\]"):
        QLearning(Q, 0.9)(STEP, parameters, RNG)
    with pytest.raises(InvalidRequest, match=r"parameters: are .*; must be float64\[3, 2\]"):
        one_by_one(QLearning(Q, 0.9))(ENDED, parameters, 0.1, RNG)

"""Actions that nobody has tried: worse, or better, than all that somebody has."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service import MCTS, Budget
from mcts_service.learning.fit import fit_table
from mcts_service.learning.fit.unseen import UNDISCOUNTED_STEPS
from mcts_service.planning import backward_induction, value_iteration
from mcts_service.protocols import Trajectory

DISCOUNTS = (0.9, 1.0)
#: Acting states of the worlds that are drawn; after them one that ends, one that nobody left.
ACTING = 6
ENDS, UNKNOWN = ACTING, ACTING + 1
NUM_ACTIONS = 3


def drawn_data(seed, low, high):
    """Walks that end, or are cut in a state that nobody left; many actions are never tried."""
    rng = np.random.default_rng(seed)
    walks = []
    for _ in range(4):
        states = rng.integers(ACTING, size=1 + rng.integers(1, 6)).tolist()
        ended = bool(rng.random() < 0.7)
        states.append(ENDS if ended else UNKNOWN)
        steps = len(states) - 1
        actions = rng.integers(NUM_ACTIONS, size=steps).tolist()
        walks.append(Trajectory(states, actions, rng.uniform(low, high, steps).tolist(), ended))
    return walks


def assert_apart(table, q, sign):
    """Of each row of q, what was tried lies above what was not, or below: by the sign."""
    tried = table.counts > 0
    for row in np.flatnonzero(tried.any(axis=1) & ~tried.all(axis=1)):
        assert (sign * q[row][tried[row]]).min() > (sign * q[row][~tried[row]]).max()


@pytest.mark.parametrize("discount", DISCOUNTS)
@pytest.mark.parametrize(("low", "high"), [(-2.0, -1.0), (1.0, 2.0), (-1.0, 1.0), (0.0, 0.0)])
def test_no_action_that_was_tried_is_as_bad_as_a_pessimistic_one(discount, low, high):
    for seed in range(20):
        table = fit_table(drawn_data(seed, low, high), UNKNOWN + 1, NUM_ACTIONS, discount=discount)
        for horizon in (1, 2, 7, 40):
            assert_apart(table, backward_induction(table, horizon).q, 1)
        if discount < 1.0 or high <= 0.0:  # else a round may gain, which no solver takes
            assert_apart(table, value_iteration(table).q, 1)


@pytest.mark.parametrize(("low", "high"), [(-2.0, -1.0), (1.0, 2.0), (-1.0, 1.0), (0.0, 0.0)])
def test_no_action_that_was_tried_is_as_good_as_an_optimistic_one(low, high):
    for seed in range(20):
        table = fit_table(
            drawn_data(seed, low, high), UNKNOWN + 1, NUM_ACTIONS, discount=0.9, unseen="optimistic"
        )
        for horizon in (1, 2, 7, 40):
            assert_apart(table, backward_induction(table, horizon).q, -1)
        assert_apart(table, value_iteration(table).q, -1)


def test_undiscounted_an_optimistic_plan_goes_and_tries():
    # To walk on and to end earns 1 a step; what was never tried waits in state 2.
    data = [Trajectory([0, 1, 2, 3], [0, 0, 0], [1.0, 1.0, 1.0], True)]
    data += [Trajectory([state, 3], [1], [1.0], True) for state in (0, 1)]
    table = fit_table(data, discount=1.0, unseen="optimistic")
    solution = value_iteration(table)
    assert [solution.action(state) for state in (0, 1, 2)] == [0, 0, 1]
    assert MCTS(table).plan(0, Budget(simulations=200)).action == 0


@pytest.mark.parametrize("discount", DISCOUNTS)
@pytest.mark.parametrize("reward", [-1.0, 0.0, 1.0])
def test_no_plan_takes_a_pessimistic_action_while_another_is_known(discount, reward):
    # Of -1 a step, as in taxi, to stay for nothing or to end would be the best there is; of 1 a
    # step, as in cart-pole, to stay for ever.
    data = [Trajectory([0, 1, 2, 3], [0, 0, 0], [reward] * 3, True)]
    table = fit_table(data, num_actions=2, discount=discount)
    assert value_iteration(table).value(0) == pytest.approx(reward * (1 + discount + discount**2))
    for state in range(3):
        assert MCTS(table).plan(state, Budget(simulations=200)).action == 0


@pytest.mark.parametrize("discount", DISCOUNTS)
def test_a_plan_walks_to_the_edge_of_what_is_known_before_it_gives_up(discount):
    # Nobody has seen an end: the way leads to 3, where nothing was tried.
    data = [Trajectory([0, 1, 2, 3], [0, 0, 0], [-1.0] * 3, False)]
    table = fit_table(data, num_actions=2, discount=discount)
    solution = value_iteration(table)
    for state in range(3):
        assert solution.action(state) == 0
        assert MCTS(table).plan(state, Budget(simulations=200)).action == 0


def test_the_bound_is_of_single_rewards():
    # Twice the same outcome: -3 and 1, so -1 on average.
    data = [Trajectory([0, 1, 0, 1], [0, 0, 0], [-3.0, 0.0, 1.0], False)]
    table = fit_table(data, num_actions=2, discount=0.9)
    assert table.outcomes.reward_range == (-3.0, 1.0)
    assert table.transitions(0, 1) == [(1.0, 0, pytest.approx(-3.0 / 0.1 - 3.0), True)]
    above = fit_table(data, num_actions=2, discount=0.9, unseen="optimistic")
    assert above.transitions(0, 1) == [(1.0, 0, pytest.approx(1.0 / 0.1 + 3.0), True)]


def test_undiscounted_the_bound_is_of_so_many_steps():
    data = [Trajectory([0, 1], [0], [-2.0], False)]
    table = fit_table(data, num_actions=2, discount=1.0)
    bound = -2.0 * UNDISCOUNTED_STEPS - 2.0
    assert table.transitions(0, 1) == [(1.0, 0, 2 * bound, True)]
    assert table.transitions(1, 0) == [(1.0, 1, bound, True)]  # nothing was tried there


def test_to_stay_is_for_nothing():
    data = [Trajectory([0, 1, 0], [0, 0], [1.0, 2.0], False)]
    table = fit_table(data, num_actions=2, unseen="stay")
    assert table.transitions(0, 1) == [(1.0, 0, 0.0, False)]


def test_an_end_that_is_assumed_is_one_that_was_seen():
    data = [Trajectory([0, 2], [0], [5.0], True), Trajectory([1, 0], [1], [0.0], False)]
    table = fit_table(data, discount=0.9)
    assert table.transitions(1, 0) == [(1.0, 2, -5.0, True)]
    assert table.is_terminal(2)


def test_an_action_never_tried_may_be_illegal():
    data = [Trajectory([0, 1], [0], [-1.0], False)]
    table = fit_table(data, num_actions=2, unseen="illegal", discount=0.9)
    assert table.legal_actions(0) == [0]
    assert table.legal_actions(1) == [0, 1]  # nothing was tried there: pessimistic
    assert table.transitions(1, 1) == [(1.0, 1, pytest.approx(-11.0), True)]

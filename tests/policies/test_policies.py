"""Policies as distributions over actions, and the actions that they induce."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest, NoLegalAction
from mcts_service.policies import (
    ActionDistribution,
    EpsilonGreedy,
    Greedy,
    Softmax,
    TabularPolicy,
    Uniform,
)
from mcts_service.protocols import StochasticPolicy

Q = np.array([[1.0, 3.0, 2.0], [2.0, 0.0, 2.0]])


def q(state):
    return Q[state]


def legal(state):
    return [0, 2]


def test_greedy_takes_a_best_action_and_shares_among_those_that_tie():
    assert Greedy(q).probabilities(0).tolist() == [0, 1, 0]
    assert Greedy(q).probabilities(1).tolist() == [0.5, 0, 0.5]
    assert Greedy(q, legal).probabilities(0).tolist() == [0, 0, 1]


def test_epsilon_greedy_explores_among_the_legal_actions():
    assert EpsilonGreedy(q, 0.3).probabilities(0) == pytest.approx([0.1, 0.8, 0.1])
    assert EpsilonGreedy(q, 0.3, legal).probabilities(0) == pytest.approx([0.15, 0, 0.85])
    assert EpsilonGreedy(q, 0.0).probabilities(0).tolist() == [0, 1, 0]
    assert EpsilonGreedy(q, 1.0).probabilities(0) == pytest.approx([1 / 3] * 3)


def test_softmax_weighs_by_values_over_the_temperature():
    # e^0.5 : e^1.5 : e^1, and large values do not overflow.
    weights = np.exp([0.5, 1.5, 1.0])
    assert Softmax(q, 2.0).probabilities(0) == pytest.approx(weights / weights.sum())
    assert Softmax(lambda state: np.array([1e4, 0.0])).probabilities(0).tolist() == [1, 0]
    weights = np.exp([1.0, 2.0])
    expected = [weights[0] / weights.sum(), 0, weights[1] / weights.sum()]
    assert Softmax(q, legal_actions=legal).probabilities(0) == pytest.approx(expected)


def test_uniform_knows_only_what_is_legal():
    assert Uniform(4).probabilities("any state").tolist() == [0.25] * 4
    assert Uniform(3, legal).probabilities("any state").tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize(
    "policy",
    [Uniform(3), Greedy(q), EpsilonGreedy(q, 0.3, legal), Softmax(q), TabularPolicy(np.eye(3))],
    ids=lambda policy: type(policy).__name__,
)
def test_actions_are_drawn_by_their_probabilities(policy):
    # 4,000 draws: five standard errors, a false alarm in 1e6 for each of 15 figures.
    assert isinstance(policy, StochasticPolicy)
    rng = np.random.default_rng(0)
    expected = policy.probabilities(1)
    drawn = np.bincount([policy.action(1, rng) for _ in range(4000)], minlength=3) / 4000
    assert (abs(drawn - expected) <= 5 * np.sqrt(expected * (1 - expected) / 4000)).all()


def test_a_sure_action_draws_no_number():
    rng, untouched = np.random.default_rng(0), np.random.default_rng(0)
    assert Greedy(q).action(0, rng) == 1
    assert Greedy(q, legal).action(0, rng) == 2
    assert rng.random() == untouched.random()


def test_a_table_of_actions_is_uniform_where_there_is_none_to_take():
    policy = TabularPolicy.of_actions(np.array([2, -1]), 3)
    assert policy.table.tolist() == [[0, 0, 1], [1 / 3] * 3]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EpsilonGreedy(q, 1.5), "epsilon: is 1.5; must be from 0 to 1"),
        (lambda: EpsilonGreedy(q, np.nan), "epsilon"),
        (lambda: Softmax(q, 0.0), "temperature: is 0.0; must be a finite number above 0"),
        (lambda: TabularPolicy(np.array([[1.0, 0.0], [0.5, 0.4]])), r"table\[1\]"),
        (lambda: TabularPolicy(np.array([[np.nan, 1.0]])), r"table\[0\]"),
        (lambda: TabularPolicy(np.array([1.0])), "num_states, num_actions"),
        (lambda: TabularPolicy.of_actions(np.array([3]), 3), "actions: must be from -1 to 2"),
    ],
)
def test_what_is_no_policy_is_refused_by_its_field(make, message):
    with pytest.raises(InvalidRequest, match=message):
        make()


ALL_FROM_Q = pytest.mark.parametrize(
    "make", [Greedy, lambda q, legal=None: EpsilonGreedy(q, 0.5, legal), lambda q, legal=None:
             Softmax(q, 1.0, legal)], ids=["Greedy", "EpsilonGreedy", "Softmax"]
)  # fmt: skip


@ALL_FROM_Q
def test_an_action_of_minus_infinity_is_never_taken(make):
    values = np.array([-np.inf, 1.0, -np.inf, 1.0])
    assert make(lambda state: values).probabilities(0).tolist() == [0, 0.5, 0, 0.5]
    # Legal is what both say.
    assert make(lambda state: values, lambda state: [0, 3]).probabilities(0).tolist() == [
        0,
        0,
        0,
        1,
    ]


@ALL_FROM_Q
def test_without_a_legal_action_there_is_no_distribution(make):
    for policy in (
        make(lambda state: np.full(2, -np.inf)),
        make(lambda state: np.zeros(2), lambda state: []),
    ):
        with pytest.raises(NoLegalAction, match="state 7 has no legal action"):
            policy.action(7, np.random.default_rng(0))


@ALL_FROM_Q
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(make, wrong):
    values = np.array([0.0, wrong, 1.0])
    with pytest.raises(InvalidRequest, match=r"q: gives .* in state 3; must be finite"):
        make(lambda state: values).probabilities(3)
    # What is not legal has no value to be wrong.
    make(lambda state: values, lambda state: [0, 2]).probabilities(3)


def test_uniform_counts_an_action_once_and_needs_one():
    assert Uniform(3, lambda state: [1, 1, 2]).probabilities(0).tolist() == [0, 0.5, 0.5]
    with pytest.raises(NoLegalAction, match="state 4 has no legal action"):
        Uniform(3, lambda state: []).probabilities(4)


@pytest.mark.parametrize("row", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 0.0]])
def test_no_action_is_drawn_from_what_is_no_distribution(row):
    class Broken(ActionDistribution):
        def probabilities(self, state):
            return np.array(row)

    with pytest.raises(InvalidRequest, match="probabilities: of state 5 sum to"):
        Broken().action(5, np.random.default_rng(0))


def test_a_table_knows_its_states_and_stays_as_it_is():
    policy = TabularPolicy(np.eye(2))
    for state in (-1, 2, 0.0):
        with pytest.raises(InvalidRequest, match=r"state: is .*; must be an integer from 0 to 1"):
            policy.probabilities(state)
    with pytest.raises(ValueError, match="read-only"):
        policy.table[0, 0] = 0.5
    with pytest.raises(InvalidRequest, match=r"actions: are float64\[2\]; must be integers"):
        TabularPolicy.of_actions(np.array([0.0, 1.0]), 2)

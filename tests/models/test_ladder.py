"""A distribution model is sampled by its own probabilities."""

from __future__ import annotations

import copy
import pickle
from collections import Counter

import numpy as np
import pytest

from mcts_service.errors import ModelFault
from mcts_service.models.ladder import SampledModel, draw_index
from mcts_service.testing import assert_model


class Dice:
    """Add a die to the state until it passes 20; action 1 adds 1 for certain."""

    num_actions = 2
    discount = 0.9

    def initial_state(self, rng=None):
        return 0

    def transitions(self, state, action):
        faces = range(1, 7) if action == 0 else [1]
        return [(1 / len(faces), state + n, float(n), state + n > 20) for n in faces]

    def is_terminal(self, state):
        return state > 20


class CountingRng:
    """How many uniform numbers were drawn."""

    def __init__(self):
        self.draws = 0

    def random(self):
        self.draws += 1
        return 0.5


def test_sampled_model_keeps_the_contract():
    assert_model(SampledModel(Dice()))


def test_outcomes_come_as_often_as_they_should():
    # 6,000 throws: each face 1,000 times, with a standard deviation of 29. One of the six is
    # further out than six of them by chance for one seed in 10^8.
    model, rng = SampledModel(Dice()), np.random.default_rng(0)
    counts = Counter(model.sample(0, 0, rng)[0] for _ in range(6_000))
    assert set(counts) == {1, 2, 3, 4, 5, 6}
    assert all(abs(count - 1_000) < 6 * 29 for count in counts.values())


def test_one_outcome_draws_no_number_and_several_draw_one():
    model, rng = SampledModel(Dice()), CountingRng()
    assert model.sample(3, 1, rng) == (4, 1.0, False)
    assert rng.draws == 0
    assert model.sample(3, 0, rng) == (7, 4.0, False)
    assert rng.draws == 1


def test_optional_capabilities_are_passed_on():
    model = SampledModel(Dice())
    assert (model.num_actions, model.discount) == (2, 0.9)
    assert model.is_terminal(21)
    assert len(model.transitions(0, 0)) == 6
    assert getattr(model, "value", None) is None
    assert not hasattr(model, "_anything")


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_sampled_model_can_be_copied_and_pickled(duplicate):
    assert duplicate(SampledModel(Dice())).discount == 0.9


@pytest.mark.parametrize(
    ("uniform", "index"), [(0.0, 0), (0.249, 0), (0.25, 1), (0.749, 1), (0.75, 2), (0.999, 2)]
)
def test_index_is_the_first_whose_cumulative_probability_exceeds_the_number(uniform, index):
    assert draw_index([0.25, 0.5, 0.25], uniform) == index


def test_what_rounding_leaves_over_goes_to_the_last_outcome():
    tenths = [0.1] * 10  # adds up to 0.9999999999999999
    assert draw_index(tenths, np.nextafter(1.0, 0.0)) == 9


def test_same_outcomes_are_put_together_and_impossible_ones_left_out():
    class Walls(Dice):
        def transitions(self, state, action):
            impossible, wall = (0.0, 9, 0.0, False), (0.5, 0, 0.0, False)
            return [impossible, wall, wall] if action else [wall, (0.5, 1, 0.0, False), impossible]

    model, rng = SampledModel(Walls()), CountingRng()
    assert model.sample(0, 1, rng)[0] == 0
    assert rng.draws == 0
    assert {model.sample(0, 0, np.random.default_rng(s))[0] for s in range(20)} == {0, 1}


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([], "no outcome; must give at least one"),
        ([(0.5, 1, 0.0, False)], "sum to 0.5; must sum to 1"),
        ([(1.5, 1, 0.0, False), (-0.5, 2, 0.0, False)], "the probability -0.5; must be >= 0"),
        ([(float("nan"), 1, 0.0, False)], "the probability nan"),
    ],
)
def test_broken_distribution_names_the_state_and_the_action(outcomes, said):
    class Broken(Dice):
        def transitions(self, state, action):
            return outcomes

    with pytest.raises(ModelFault, match=rf"transitions\(7, 1\) gives .*{said}"):
        SampledModel(Broken()).sample(7, 1, np.random.default_rng(0))

"""Which level a model is of, and what is said of one that is of too low a level."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.models import (
    EnvironmentModel,
    Level,
    SampledModel,
    UnrolledModel,
    as_trajectory_model,
    from_gymnasium,
    level_of,
    make,
    require_level,
)


class Coin:
    num_actions = 2

    def initial_state(self, rng=None):
        return 0

    def sample(self, state, action, rng):
        return state, float(rng.random() < 0.5), True


class Coins:
    num_actions = 2

    def sample_batch(self, states, actions, rng):
        return states, np.ones(len(states)), np.ones(len(states), bool)


class Recorded:
    def trajectory(self, policy, rng):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("make_model", "level"),
    [
        (lambda: make("taxi"), Level.DISTRIBUTION),
        (lambda: make("game_2048"), Level.DISTRIBUTION),
        (lambda: from_gymnasium("FrozenLake-v1"), Level.DISTRIBUTION),
        (lambda: SampledModel(make("taxi")), Level.DISTRIBUTION),
        (lambda: make("cart_pole"), Level.SAMPLE),
        (lambda: from_gymnasium("CartPole-v1"), Level.SAMPLE),
        (Coin, Level.SAMPLE),
        (Coins, Level.SAMPLE),
        (lambda: UnrolledModel(make("taxi")), Level.TRAJECTORY),
        (lambda: EnvironmentModel("CartPole-v1"), Level.TRAJECTORY),
        (lambda: gymnasium.make("CartPole-v1"), Level.TRAJECTORY),
        (Recorded, Level.TRAJECTORY),
    ],
)
def test_the_level_is_the_highest_that_the_methods_give(make_model, level):
    assert level_of(make_model()) is level


def test_what_is_of_no_level_is_told_what_would_make_it_one():
    with pytest.raises(InvalidRequest, match=r"model: is a dict, a model of no level; must have"):
        level_of({})


def test_a_level_gives_all_below_it_and_nothing_above():
    require_level(make("taxi"), Level.SAMPLE, "Dyna")
    require_level(Coin(), Level.SAMPLE, "Dyna")
    with pytest.raises(
        InvalidRequest,
        match=r"model: is a sample model; value iteration takes a distribution model: one with "
        r"transitions\(state, action\)",
    ):
        require_level(Coin(), Level.DISTRIBUTION, "value iteration")
    with pytest.raises(InvalidRequest, match=r"is a trajectory model; planning .* learned from"):
        require_level(Recorded(), Level.SAMPLE, "planning")


def test_every_level_becomes_a_trajectory_model():
    recorded = Recorded()
    assert as_trajectory_model(recorded) is recorded
    assert isinstance(as_trajectory_model(gymnasium.make("CartPole-v1")), EnvironmentModel)
    assert as_trajectory_model(gymnasium.make("CartPole-v1"), max_steps=3).max_steps == 3
    for model in (make("taxi"), Coin()):
        unrolled = as_trajectory_model(model, initial_state=1, max_steps=7)
        assert isinstance(unrolled, UnrolledModel)
        assert unrolled.max_steps == 7


@pytest.mark.parametrize(
    ("model", "arguments", "said"),
    [
        (Recorded(), {"max_steps": 3}, "max_steps: goes with"),
        (Recorded(), {"initial_state": 3}, "initial_state: goes with"),
        (object(), {}, "of no level"),
    ],
)
def test_arguments_that_would_be_ignored_are_refused(model, arguments, said):
    with pytest.raises(InvalidRequest, match=said):
        as_trajectory_model(model, **arguments)

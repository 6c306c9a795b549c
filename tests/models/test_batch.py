"""A batch model asked for one row at a time."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import ModelFault
from mcts_service.models import UnbatchedModel
from mcts_service.protocols import SampleModel


class Walk:
    """A walk on a line of vectors, float64[N, 2], that ends at 3."""

    num_actions = 2
    discount = 0.9

    def __init__(self, rows: int = 1) -> None:
        self.rows = rows

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        steps = np.where(rng.random(len(states)) < 0.8, 2 * actions - 1, 0)
        states = states + steps[:, None]
        ended = states[:, 0] >= 3
        return np.repeat(states, self.rows, axis=0), ended.astype(float), ended

    def is_terminal(self, state: np.ndarray) -> bool:
        return bool(state[0] >= 3)


class ScalarWalk:
    """The same, one state at a time."""

    num_actions = 2
    discount = 0.9

    def sample(self, state: np.ndarray, action: int, rng: np.random.Generator) -> Any:
        following = state + (2 * action - 1 if rng.random() < 0.8 else 0)
        ended = bool(following[0] >= 3)
        return following, float(ended), ended

    def is_terminal(self, state: np.ndarray) -> bool:
        return bool(state[0] >= 3)


class Team(Walk):
    """As `Walk`, for two players: rewards float64[N, 2]."""

    num_players = 2

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        states, rewards, ended = super().sample_batch(states, actions, rng)
        return states, np.stack([rewards, -rewards], axis=1), ended

    def current_player(self, state: np.ndarray) -> int:
        return 0


def test_a_row_is_a_sample() -> None:
    model = UnbatchedModel(Walk())
    assert isinstance(model, SampleModel)
    state = np.array([2.0, 0.0])
    following, reward, terminated = model.sample(state, 1, np.random.default_rng(0))
    assert following.tolist() == [3.0, 1.0]
    assert (reward, terminated) == (1.0, True)
    assert (type(reward), type(terminated)) == (float, bool)
    assert state.tolist() == [2.0, 0.0]


def test_a_plan_is_that_of_the_scalar_model() -> None:
    plans = [
        MCTS(model, SearchConfig.preset("uct")).plan(
            np.zeros(2), Budget(simulations=300), horizon=10, seed=5
        )
        for model in (UnbatchedModel(Walk()), ScalarWalk())
    ]
    assert plans[0].actions == plans[1].actions
    assert plans[0].action == 1


def test_players_have_a_reward_each() -> None:
    plan = MCTS(UnbatchedModel(Team()), SearchConfig.preset("uct")).plan(
        np.zeros(2), Budget(simulations=50), horizon=10
    )
    first, second = plan.player_values
    assert first == -second > 0


def test_capabilities_are_passed_on_and_private_names_are_not() -> None:
    model = UnbatchedModel(Walk())
    assert model.discount == 0.9
    assert model.is_terminal(np.array([3.0, 0.0]))
    assert not hasattr(model, "legal_actions")
    assert not hasattr(model, "_hidden")
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.num_actions == 2


def test_an_answer_of_several_rows_is_a_fault() -> None:
    with pytest.raises(ModelFault, match="gives 3 next states, 1 rewards and 1 ends for one row"):
        UnbatchedModel(Walk(rows=3)).sample(np.zeros(2), 1, np.random.default_rng(0))

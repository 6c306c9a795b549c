"""The referee of the connect-four example plays by the rules of the built-in model."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcts_service.models import make

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "connect_four_against_random.py"


@pytest.fixture
def environment() -> Any:
    spec = importlib.util.spec_from_file_location("connect_four_against_random", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ConnectFourAgainstRandom()


def _drops(before: np.ndarray, after: np.ndarray, first: int) -> list[int]:
    """The columns that were filled between two boards, in the order of play."""
    cells = sorted(np.argwhere(before != after), key=lambda cell: after[tuple(cell)] * -first)
    return [int(column) for _, column in cells]


def _drop_seven_times(environment: Any, column: int) -> None:
    for _ in range(7):
        environment.step(column)


def test_games_go_and_end_as_the_model_says(environment: Any) -> None:
    model = make("connect_four")
    rng = np.random.default_rng(0)
    outcomes = set()
    for game in range(200):
        agent = 1 if game % 2 == 0 else -1
        board, _ = environment.reset(seed=game)
        terminated, reward = False, 0.0
        state = board
        while not terminated:
            assert not model.is_terminal(state)
            assert [1, -1][model.current_player(state)] == agent
            after, reward, terminated, truncated, _ = environment.step(
                int(rng.choice(model.legal_actions(state)))
            )
            rewards: Any = (0.0, 0.0)
            for column in _drops(state, after, agent):
                state, rewards, ended = model.sample(state, column, rng)
            np.testing.assert_array_equal(state, after)
            assert (ended, truncated) == (terminated, False)
            assert reward == rewards[0 if agent == 1 else 1]
        outcomes.add((agent, reward))
    assert outcomes >= {(1, 1.0), (1, -1.0), (-1, 1.0), (-1, -1.0)}


def test_a_full_column_is_refused(environment: Any) -> None:
    environment.reset(seed=0)
    with pytest.raises(ValueError, match="column 3 is full"):
        _drop_seven_times(environment, 3)

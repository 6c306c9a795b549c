"""Decisive rollouts of the board games: a win in one, else a block, else any move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service._core import SplitMix64
from mcts_service.errors import InvalidRequest
from mcts_service.models import ConnectFour, TicTacToe, make
from mcts_service.models.board import BoardModel

GAMES: list[type[BoardModel]] = [ConnectFour, TicTacToe]
SHAPES = {ConnectFour: (6, 7, 4), TicTacToe: (3, 3, 3)}


class InPython:
    """The same game and policy by the words of the documentation, on the board.

    The rules are those of the compiled game; what wins and what must be stopped is found by
    trying every move.
    """

    num_players = 2
    deterministic = True

    def __init__(self, game: type[BoardModel]) -> None:
        self.game = game()
        self.num_actions = self.game.num_actions
        self.sample = self.game.sample
        self.legal_actions = self.game.legal_actions
        self.is_terminal = self.game.is_terminal
        self.current_player = self.game.current_player
        self.rows, self.columns, self.length = SHAPES[game]

    def rollout_action(self, state: np.ndarray, rng: np.random.Generator) -> int:
        legal = self.legal_actions(state)
        mover = 1 if state.sum() == 0 else -1
        for mark in (mover, -mover):
            for action in legal:
                if self.completes(state, action, mark):
                    return action
        drawn = int(rng.integers(0, 2**64, dtype=np.uint64))  # the stream's next number as it is
        return legal[((drawn >> 32) * len(legal)) >> 32]

    def completes(self, state: np.ndarray, action: int, mark: int) -> bool:
        board = state.copy()
        if isinstance(self.game, ConnectFour):
            board[np.flatnonzero(board[:, action] == 0).max(), action] = mark
        else:
            board[divmod(action, 3)] = mark
        return any(
            0 <= row + (self.length - 1) * down < self.rows
            and 0 <= column + (self.length - 1) * right < self.columns
            and all(board[row + i * down, column + i * right] == mark for i in range(self.length))
            for row in range(self.rows)
            for column in range(self.columns)
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1))
        )


def positions(model: BoardModel, games: int, seed: int) -> Iterator[np.ndarray]:
    """Every position before the last of random games."""
    rng = np.random.default_rng(seed)
    for _ in range(games):
        state, terminated = model.initial_state(), False
        while not terminated:
            yield state
            state, _, terminated = model.sample(state, rng.choice(model.legal_actions(state)), rng)


@pytest.mark.parametrize("game", GAMES)
def test_the_policy_is_the_documented_one(game: type[BoardModel]) -> None:
    model, words = game(decisive=True), InPython(game)
    decided = 0
    for seed, state in enumerate(positions(model, games=25, seed=3)):
        ours, theirs = SplitMix64(seed), SplitMix64(seed)
        chosen = model.handle.rollout_action(model.pack_state(state), np.random.Generator(ours))
        assert chosen == words.rollout_action(state, np.random.Generator(theirs)), state
        assert ours.counter == theirs.counter
        decided += ours.counter == SplitMix64(seed).counter
    assert decided >= 20


@pytest.mark.parametrize("game", GAMES)
def test_a_whole_rollout_plays_as_single_steps_do(
    game: type[BoardModel], assert_rolls_out_step_by_step: Callable[..., None]
) -> None:
    model = game(decisive=True)
    for seed, state in enumerate(positions(model, games=15, seed=4)):
        for max_steps in (0, 1, 2, 7, 100):
            assert_rolls_out_step_by_step(model.handle, model.pack_state(state), max_steps, seed)


@pytest.mark.parametrize("game", GAMES)
def test_the_search_gets_the_same_tree_from_whole_rollouts_and_from_single_steps(
    game: type[BoardModel],
) -> None:
    config = SearchConfig.preset("uct", prove=False)
    whole, stepwise = MCTS(game(decisive=True), config), MCTS(InPython(game), config)
    for seed, state in enumerate(islice(positions(game(), games=3, seed=5), 2, None, 7)):
        one = whole.plan(state, Budget(simulations=30), seed=seed)
        other = stepwise.plan(state, Budget(simulations=30), seed=seed)
        assert [(a.action, a.visits, a.value) for a in one.actions] == [
            (a.action, a.visits, a.value) for a in other.actions
        ]


def test_rollouts_are_decisive_unless_asked_otherwise() -> None:
    won_in_one = "112233"
    for model, ends_at_once in ((ConnectFour(decisive=False), False), (ConnectFour(), True)):
        state = model.pack_state(model.state_from_json(won_in_one))
        wins = [
            model.handle.rollout(state, 1, np.random.Generator(SplitMix64(seed)))
            for seed in range(50)
        ]
        assert all(returns == (1, -1) for returns in wins) == ends_at_once


def test_the_choice_is_an_argument_by_name() -> None:
    model = make("connect_four", decisive=True)
    state = model.pack_state(model.state_from_json("112233"))
    assert model.handle.rollout_action(state, np.random.default_rng(0)) == 3


@pytest.mark.parametrize("value", [1, None, "yes"])
def test_the_choice_is_yes_or_no(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="decisive: is"):
        ConnectFour(decisive=value)

"""The compiled connect four plays by the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models import ConnectFour

# A game that fills the board without a winner.
DRAW = "624477131145577572611726456562521644323333"
# Sequences of 1, 2, ... moves; the first that fail to fit are seven in one column.
SEQUENCES = [7, 49, 343, 2_401, 16_807, 117_649, 823_536]


@pytest.fixture(scope="module")
def model() -> ConnectFour:
    return ConnectFour()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


class Game:
    """The rules once more, independently: columns of discs, from the bottom up."""

    def __init__(self) -> None:
        self.columns: list[list[int]] = [[] for _ in range(7)]
        self.mover = 1

    def board(self) -> np.ndarray:
        board = np.zeros((6, 7), np.int8)
        for column, discs in enumerate(self.columns):
            for height, disc in enumerate(discs):
                board[5 - height, column] = disc
        return board

    def open_columns(self) -> list[int]:
        return [column for column in range(7) if len(self.columns[column]) < 6]

    def drop(self, column: int) -> bool:
        """True if the disc wins."""
        self.columns[column].append(self.mover)
        height = len(self.columns[column]) - 1
        won = any(
            1 + self.run(column, height, *way) + self.run(column, height, -way[0], -way[1]) >= 4
            for way in ((1, 0), (0, 1), (1, 1), (1, -1))
        )
        self.mover = -self.mover
        return won

    def run(self, column: int, height: int, right: int, up: int) -> int:
        """How many discs of the mover follow in one direction."""
        column, height = column + right, height + up
        inside = 0 <= column < 7 and 0 <= height < len(self.columns[column])
        if not inside or self.columns[column][height] != self.mover:
            return 0
        return 1 + self.run(column, height, right, up)


def positions(model: ConnectFour, games: int, seed: int) -> Iterator[Any]:
    """Every position before the last of random games."""
    rng = np.random.default_rng(seed)
    for _ in range(games):
        state, terminated = model.initial_state(), False
        while not terminated:
            yield state
            action = int(rng.choice(model.legal_actions(state)))
            state, _, terminated = model.sample(state, action, rng)


def test_random_games_are_played_by_the_rules(model: ConnectFour) -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        game, state, over = Game(), model.initial_state(), False
        while not over:
            assert (state == game.board()).all()
            assert not model.is_terminal(state)
            assert model.current_player(state) == (0 if game.mover == 1 else 1)
            assert model.legal_actions(state) == game.open_columns()
            column, mover = int(rng.choice(game.open_columns())), game.mover
            won = game.drop(column)
            over = won or not game.open_columns()
            before = state.copy()
            following, rewards, terminated = model.sample(state, column, rng)
            assert rewards == ((mover, -mover) if won else (0, 0))
            assert terminated == over
            assert (state == before).all()
            state = following
        assert (state == game.board()).all()
        assert model.is_terminal(state)
        assert model.legal_actions(state) == []


def test_number_of_move_sequences_is_known(model: ConnectFour, rng: np.random.Generator) -> None:
    sequences = {model.pack_state(model.initial_state()): 1}
    counts = []
    for _ in SEQUENCES:
        following: dict[bytes, int] = {}
        for state, number in sequences.items():
            if not model.handle.is_terminal(state):
                for action in model.handle.legal_actions(state):
                    after, _, _ = model.handle.sample(state, action, rng)
                    following[after] = following.get(after, 0) + number
        sequences = following
        counts.append(sum(sequences.values()))
    assert counts == SEQUENCES


def test_a_full_board_without_a_winner_is_a_draw(
    model: ConnectFour, rng: np.random.Generator
) -> None:
    board = model.state_from_json(DRAW[:-1])
    assert not model.is_terminal(board)
    full, rewards, terminated = model.sample(board, int(DRAW[-1]) - 1, rng)
    assert (rewards, terminated) == ((0.0, 0.0), True)
    assert np.count_nonzero(full) == 42
    assert model.is_terminal(full)


def test_rollout_plays_as_single_steps_do(
    model: ConnectFour, assert_rolls_out_step_by_step: Callable[..., None]
) -> None:
    for seed, board in enumerate(positions(model, games=40, seed=1)):
        state = model.pack_state(board)
        for max_steps in (0, 1, 2, 7, 100):
            assert_rolls_out_step_by_step(model.handle, state, max_steps, seed)


def test_rollout_fills_the_board_as_single_steps_do(
    model: ConnectFour, assert_rolls_out_step_by_step: Callable[..., None]
) -> None:
    state = model.pack_state(model.state_from_json(DRAW[:30]))
    for seed in range(200):
        assert_rolls_out_step_by_step(model.handle, state, 100, seed)


def test_every_position_of_a_game_is_accepted_and_survives_packing(model: ConnectFour) -> None:
    for board in positions(model, games=50, seed=2):
        unpacked = model.unpack_state(model.pack_state(board))
        assert unpacked.dtype == np.int8
        assert (unpacked == board).all()


def board_of(*rows: str) -> np.ndarray:
    """The lowest rows of a board, written with x for the first player and o for the second."""
    cells = [[{"x": 1, "o": -1}.get(cell, 0) for cell in row] for row in rows]
    return np.array([[0] * 7] * (6 - len(rows)) + cells, np.int8)


@pytest.mark.parametrize(
    ("board", "message"),
    [
        (board_of("x......", "......."), "has a disc in column 0 above an empty cell"),
        (board_of("xx....."), "has 2 discs of the first player .1. and 0 of the second .-1."),
        (board_of("o......"), "has 0 discs of the first player .1. and 1 of the second .-1."),
        (board_of("oooo...", "xxxx..."), "has four in a line of the side to move"),
        (board_of("ooo....", "xxxxo.."), "has four in a line of the side to move"),
        (board_of("xxxx...", "ooo.o..", "xxxxooo"), "has a disc in column 3 above an empty cell"),
        (board_of("xxxxo..", "ooxoo..", "xxxxooo"), "has fours in a line that no one disc"),
    ],
)
def test_an_impossible_board_is_refused_with_the_reason(
    model: ConnectFour, board: np.ndarray, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"state: {message}"):
        model.pack_state(board)


def test_two_fours_made_by_one_disc_are_accepted(model: ConnectFour) -> None:
    # Column 3 completes the row to its left and the row to its right at once.
    board = model.state_from_json("1122335566774")
    assert model.is_terminal(board)
    assert (board[5] == 1).all()


def test_a_four_below_the_last_disc_of_a_column_is_refused(model: ConnectFour) -> None:
    won = model.state_from_json("1122334")
    won[4, 3] = -1
    with pytest.raises(InvalidRequest, match="side to move"):
        model.pack_state(won)


def test_a_string_of_moves_drops_discs_in_turn(model: ConnectFour) -> None:
    board = model.state_from_json("4455")
    assert board[4].tolist() == [0, 0, 0, -1, -1, 0, 0]
    assert board[5].tolist() == [0, 0, 0, 1, 1, 0, 0]
    assert not board[:4].any()


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ("4444444", "move 7, '4', has no room; each column with room: 1, 2, 3, 5, 6, 7"),
        ("48", "is '48': move 2, '8', is not a column from 1 to 7"),
        ("4a", "is '4a': move 2, 'a', is not a column from 1 to 7"),
        ("12121212", "move 8, '2', comes after the end of the game"),
        (DRAW + "1", "move 43, '1', comes after the end of the game"),
        ({"moves": "44"}, "must be a board or a string of moves"),
    ],
)
def test_a_string_that_is_no_game_is_refused_at_its_first_wrong_move(
    model: ConnectFour, moves: object, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        model.state_from_json(moves)


@pytest.mark.parametrize("action", [-1, 3, 7, True, 1.5, "0", None])
def test_an_action_that_is_not_legal_is_refused(
    model: ConnectFour, rng: np.random.Generator, action: Any
) -> None:
    full_column = model.state_from_json("444444")
    with pytest.raises(InvalidRequest, match=r"action: is .*; must be one of 0, 1, 2, 4, 5, 6"):
        model.sample(full_column, action, rng)


def test_a_finished_game_cannot_be_played_on(model: ConnectFour, rng: np.random.Generator) -> None:
    with pytest.raises(TerminalState, match="no action is left"):
        model.sample(model.state_from_json("1212121"), 0, rng)

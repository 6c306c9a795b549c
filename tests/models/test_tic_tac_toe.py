"""The compiled tic-tac-toe plays by the rules, and knows which boards a game can reach."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models import TicTacToe

LINES = [
    (0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6),
]  # fmt: skip
NON_TERMINAL, TERMINAL = 4_520, 958

Cells = tuple[int, ...]


@pytest.fixture(scope="module")
def model() -> TicTacToe:
    return TicTacToe()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# ---- the rules once more, independently ----


def mover(cells: Cells) -> int:
    return 1 if sum(cells) == 0 else -1


def has_won(cells: Cells, mark: int) -> bool:
    return any(all(cells[i] == mark for i in line) for line in LINES)


def is_over(cells: Cells) -> bool:
    return 0 not in cells or has_won(cells, 1) or has_won(cells, -1)


def after(cells: Cells, action: int) -> Cells:
    return (*cells[:action], mover(cells), *cells[action + 1 :])


def reachable() -> set[Cells]:
    found: set[Cells] = set()
    pending: list[Cells] = [(0,) * 9]
    while pending:
        cells = pending.pop()
        if cells not in found:
            found.add(cells)
            if not is_over(cells):
                pending += [after(cells, a) for a in range(9) if cells[a] == 0]
    return found


REACHABLE = reachable()


def board_of(cells: Cells) -> np.ndarray:
    return np.array(cells, np.int8).reshape(3, 3)


def test_every_move_of_every_position_is_played_by_the_rules(
    model: TicTacToe, rng: np.random.Generator
) -> None:
    terminal = 0
    for cells in REACHABLE:
        board = board_of(cells)
        assert model.is_terminal(board) == is_over(cells)
        assert model.current_player(board) == (0 if mover(cells) == 1 else 1)
        legal = [] if is_over(cells) else [a for a in range(9) if cells[a] == 0]
        assert model.legal_actions(board) == legal
        terminal += is_over(cells)
        for action in legal:
            expected = after(cells, action)
            result = float(mover(cells)) if has_won(expected, mover(cells)) else 0.0
            next_board, rewards, terminated = model.sample(board, action, rng)
            assert (next_board == board_of(expected)).all()
            assert rewards == (result, -result)
            assert terminated == is_over(expected)
    assert (len(REACHABLE) - terminal, terminal) == (NON_TERMINAL, TERMINAL)


def test_a_board_is_accepted_exactly_where_a_game_reaches_it(model: TicTacToe) -> None:
    accepted = set()
    for cells in itertools.product((0, 1, -1), repeat=9):
        try:
            model.validate_state(board_of(cells))
        except InvalidRequest:
            continue
        accepted.add(cells)
    assert accepted == REACHABLE


def test_every_state_survives_packing(model: TicTacToe) -> None:
    for cells in REACHABLE:
        board = model.unpack_state(model.pack_state(board_of(cells)))
        assert board.dtype == np.int8
        assert (board == board_of(cells)).all()


def test_rollout_plays_as_single_steps_do(
    model: TicTacToe, assert_rolls_out_step_by_step: Callable[..., None]
) -> None:
    for seed, cells in enumerate(sorted(REACHABLE)):
        if not is_over(cells):
            state = model.pack_state(board_of(cells))
            for max_steps in (0, 1, 2, 100):
                assert_rolls_out_step_by_step(model.handle, state, max_steps, seed)


@pytest.mark.parametrize(
    ("board", "message"),
    [
        ([[1, 1, 0], [0, 0, 0], [0, 0, 0]], "has 2 marks of the first player .1. and 0 of the"),
        ([[-1, 0, 0], [0, 0, 0], [0, 0, 0]], "has 0 marks of the first player .1. and 1 of the"),
        ([[1, 1, 1], [-1, -1, -1], [0, 0, 0]], "has three in a line of the side to move"),
        ([[1, 1, 1], [-1, -1, 0], [0, -1, 0]], "has three in a line of the side to move"),
        ([[1, 2, 0], [0, 0, 0], [0, 0, 0]], r"has 2 at \[0, 1\]; must be integers of shape"),
    ],
)
def test_an_impossible_board_is_refused_with_the_reason(
    model: TicTacToe, board: list[list[int]], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"state: {message}"):
        model.pack_state(board)


def test_the_order_of_a_string_of_moves_is_the_order_of_play(model: TicTacToe) -> None:
    assert model.state_from_json("519").tolist() == [[-1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert model.state_from_json("").tolist() == [[0, 0, 0]] * 3


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ("55", "is '55': move 2, '5', has no room; each cell with room: 1, 2, 3, 4, 6, 7, 8, 9"),
        ("50", "is '50': move 2, '0', is not a cell from 1 to 9"),
        ("5 1", "is '5 1': move 2, ' ', is not a cell from 1 to 9"),
        ("1425367", "is '1425367': move 6, '6', comes after the end of the game"),
        (5, "is 5; must be a board or a string of moves"),
    ],
)
def test_a_string_that_is_no_game_is_refused_at_its_first_wrong_move(
    model: TicTacToe, moves: object, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        model.state_from_json(moves)


def test_a_finished_game_and_a_taken_cell_cannot_be_played(
    model: TicTacToe, rng: np.random.Generator
) -> None:
    with pytest.raises(TerminalState, match="no action is left"):
        model.sample(model.state_from_json("14253"), 5, rng)
    with pytest.raises(InvalidRequest, match="action: is 4; must be one of 0, 1, 2, 3, 5, 6, 7, 8"):
        model.sample(model.state_from_json("5"), 4, rng)

"""The exact values that plans of connect four are measured against."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from benchmarks.quality.connect_four_positions import (
    DISCS,
    SolvedPosition,
    generate,
    read_positions,
)
from benchmarks.quality.connect_four_solver import NOT_LEGAL, Solver
from mcts_service.errors import InvalidRequest
from mcts_service.models import ConnectFour

Columns = tuple[tuple[int, ...], ...]


@pytest.fixture(scope="module")
def positions() -> list[SolvedPosition]:
    return read_positions()


@pytest.fixture(scope="module")
def solver() -> Solver:
    return Solver()


# ---- connect four once more, in plain Python: discs of each column from the bottom up ----


def columns_of(moves: str) -> Columns:
    columns: list[tuple[int, ...]] = [()] * 7
    for number, move in enumerate(moves):
        columns[int(move) - 1] += (number % 2,)
    return tuple(columns)


def wins(columns: Columns, column: int) -> bool:
    """Whether the top disc of the column is part of a four."""
    height = len(columns[column]) - 1
    disc = columns[column][height]

    def run(right: int, up: int) -> int:
        for distance in range(1, 4):
            x, y = column + distance * right, height + distance * up
            if not (0 <= x < 7 and 0 <= y < len(columns[x]) and columns[x][y] == disc):
                return distance - 1
        return 3

    ways = ((1, 0), (0, 1), (1, 1), (1, -1))
    return any(1 + run(*way) + run(-way[0], -way[1]) >= 4 for way in ways)


@cache
def move_value(columns: Columns, column: int, mover: int) -> int:
    """What the move is worth to its side, by searching on to the end of every game."""
    after = (*columns[:column], (*columns[column], mover), *columns[column + 1 :])
    if wins(after, column):
        return 1
    answers = [c for c in range(7) if len(after[c]) < 6]
    worst = -1 if answers else 0
    for answer in answers:
        worst = max(worst, move_value(after, answer, 1 - mover))
        if worst == 1:
            break
    return -worst


def test_late_positions_have_the_values_that_plain_search_finds(
    positions: list[SolvedPosition],
) -> None:
    for position in [p for p in positions if len(p.moves) == 26][:4]:
        columns = columns_of(position.moves)
        expected = tuple(
            move_value(columns, c, 0) if len(columns[c]) < 6 else NOT_LEGAL for c in range(7)
        )
        assert position.values == expected, position


def test_solver_finds_the_committed_values_again(
    positions: list[SolvedPosition], solver: Solver
) -> None:
    game = ConnectFour()
    late = [p for p in positions if len(p.moves) >= 18]
    assert len(late) >= 100
    for position in late:
        board = game.state_from_json(position.moves)
        assert tuple(solver.move_values(board)) == position.values, position
        assert tuple(solver.move_values(board[:, ::-1])) == position.values[::-1], position


def test_there_are_enough_positions_of_every_length(positions: list[SolvedPosition]) -> None:
    assert len(positions) >= 300
    assert len({p.moves for p in positions}) == len(positions)
    by_length = Counter(len(p.moves) for p in positions)
    assert sorted(by_length) == list(DISCS)
    assert min(by_length.values()) >= 15


def test_every_position_is_unfinished_and_a_choice(positions: list[SolvedPosition]) -> None:
    game = ConnectFour()
    for position in positions:
        board = game.state_from_json(position.moves)
        legal = game.legal_actions(board)
        assert [c for c, v in enumerate(position.values) if v != NOT_LEGAL] == legal
        assert len({position.values[c] for c in legal}) >= 2


def test_values_worked_out_by_hand(solver: Solver) -> None:
    game = ConnectFour()
    # Three of each side on the bottom two rows: the first player completes a four in column 4.
    assert solver.move_values(game.state_from_json("112233"))[3] == 1
    # The second player must stop it, and whatever else it does loses at once; but three in a row
    # with both ends open cannot be stopped.
    assert solver.move_values(game.state_from_json("33445")) == [-1] * 7


def test_solver_refuses_what_is_no_unfinished_board(solver: Solver) -> None:
    game = ConnectFour()
    with pytest.raises(ValueError, match="the game is over"):
        solver.move_values(game.state_from_json("1122334"))
    with pytest.raises(InvalidRequest, match="state: has 0 discs"):
        solver.move_values(-np.eye(6, 7, k=-5, dtype=np.int8))


def test_positions_are_generated_alike_for_the_same_seed(solver: Solver) -> None:
    ours, again = (generate(24, 3, np.random.default_rng(1), solver) for _ in range(2))
    assert ours == again
    assert all(len(p.moves) == 24 and p.is_a_choice for p in ours)

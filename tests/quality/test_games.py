"""The plans of plain UCT in games whose right answer is known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from mcts_service import MCTS, Budget
from mcts_service.models import make

LINES = [
    (0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6),
]  # fmt: skip


@cache
def value(cells: tuple[int, ...]) -> int:
    """The value of a tic-tac-toe position for the side to move, by exhaustive search."""
    mover = 1 if sum(cells) == 0 else -1
    if any(all(cells[i] == -mover for i in line) for line in LINES):
        return -1
    return max((-value(after(cells, a)) for a in range(9) if cells[a] == 0), default=0)


def after(cells: tuple[int, ...], action: int) -> tuple[int, ...]:
    mover = 1 if sum(cells) == 0 else -1
    return (*cells[:action], mover, *cells[action + 1 :])


def unfinished_positions() -> list[tuple[int, ...]]:
    found, pending = set(), [(0,) * 9]
    while pending:
        cells = pending.pop()
        over = any(abs(sum(cells[i] for i in line)) == 3 for line in LINES) or 0 not in cells
        if over or cells in found:
            continue
        found.add(cells)
        pending += [after(cells, a) for a in range(9) if cells[a] == 0]
    return sorted(found)


def test_tic_tac_toe_keeps_the_value_of_nearly_every_position() -> None:
    positions = unfinished_positions()
    assert len(positions) == 4520
    planner = MCTS(make("tic_tac_toe"))
    lost = []
    for cells in positions:
        board = np.array(cells, np.int8).reshape(3, 3)
        plan = planner.plan(board, Budget(simulations=2_000), seed=1)
        if -value(after(cells, plan.action)) != value(cells):
            lost.append(cells)
    assert len(lost) <= 0.001 * len(positions), lost


class Board:
    """Connect four on the public board, for positions and their immediate wins."""

    def __init__(self) -> None:
        self.model = make("connect_four")
        self.rng = np.random.default_rng(5)

    def random_position(self) -> np.ndarray:
        """After 8 to 30 random moves of a game that has not ended."""
        while True:
            state = self.model.initial_state()
            for _ in range(self.rng.integers(8, 31)):
                legal = self.model.legal_actions(state)
                state, _, over = self.model.sample(state, int(self.rng.choice(legal)), self.rng)
                if over:
                    break
            else:
                return state

    def wins(self, state: np.ndarray) -> list[int]:
        """Columns that win at once for the side to move."""
        return [
            action
            for action in self.model.legal_actions(state)
            if max(self.model.sample(state, action, self.rng)[1]) == 1
        ]

    def threats(self, state: np.ndarray) -> list[int]:
        """Columns in which the other side would win, were it to move."""
        mover = 1 if state.sum() == 0 else -1
        found = []
        for column in self.model.legal_actions(state):
            row = max(np.flatnonzero(state[:, column] == 0))
            board = state.copy()
            board[row, column] = -mover
            if has_four(board == -mover):
                found.append(column)
        return found


def has_four(discs: np.ndarray) -> bool:
    rows, columns = discs.shape
    return any(
        0 <= row + 3 * down < rows
        and 0 <= column + 3 * right < columns
        and all(discs[row + i * down, column + i * right] for i in range(4))
        for row in range(rows)
        for column in range(columns)
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1))
    )


@pytest.fixture(scope="module")
def board() -> Board:
    return Board()


@pytest.fixture(scope="module")
def planner(board: Board) -> MCTS:
    return MCTS(board.model)


@pytest.mark.parametrize("seed", range(5))
def test_connect_four_opens_in_the_centre(board: Board, planner: MCTS, seed: int) -> None:
    plan = planner.plan(board.model.initial_state(), Budget(simulations=10_000), seed=seed)
    assert plan.action == 3


def test_connect_four_finds_every_win_in_one(board: Board, planner: MCTS) -> None:
    positions = [p for p in (board.random_position() for _ in range(600)) if board.wins(p)]
    assert len(positions) >= 200
    for position in positions:
        plan = planner.plan(position, Budget(simulations=10_000), seed=0)
        assert plan.action in board.wins(position), position


def test_connect_four_finds_every_forced_block(board: Board, planner: MCTS) -> None:
    """One move of the other side wins, and stopping it does not lose at once elsewhere."""
    checked = 0
    for position in (board.random_position() for _ in range(1_500)):
        threats = board.threats(position)
        if board.wins(position) or len(threats) != 1:
            continue
        blocked, _, over = board.model.sample(position, threats[0], board.rng)
        if not over and board.wins(blocked):
            continue
        plan = planner.plan(position, Budget(simulations=10_000), seed=0)
        assert plan.action == threats[0], position
        checked += 1
    assert checked >= 200

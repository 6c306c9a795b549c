"""Games for two and three players, in Python."""

from __future__ import annotations

from typing import Any

Board = tuple[int, ...]


class TicTacToe:
    """The game that everybody knows; a board is a tuple of nine marks, 0, 1 or -1."""

    num_actions = 9
    num_players = 2
    deterministic = True
    start: Board = (0,) * 9
    lines = (
        (0, 1, 2), (3, 4, 5), (6, 7, 8),
        (0, 3, 6), (1, 4, 7), (2, 5, 8),
        (0, 4, 8), (2, 4, 6),
    )  # fmt: skip

    def current_player(self, state: Board) -> int:
        return sum(mark != 0 for mark in state) % 2

    def legal_actions(self, state: Board) -> list[int]:
        return [cell for cell, mark in enumerate(state) if mark == 0]

    def is_terminal(self, state: Board) -> bool:
        return 0 not in state or any(self._wins(state, mark) for mark in (1, -1))

    def sample(
        self, state: Board, action: int, rng: Any
    ) -> tuple[Board, tuple[float, float], bool]:
        mark = 1 - 2 * self.current_player(state)
        board = (*state[:action], mark, *state[action + 1 :])
        won = self._wins(board, mark)
        rewards = (float(mark), -float(mark)) if won else (0.0, 0.0)
        return board, rewards, won or 0 not in board

    def _wins(self, board: Board, mark: int) -> bool:
        return any(all(board[cell] == mark for cell in line) for line in self.lines)


class RaceOfThree:
    """Three players move one, two or a random number of steps in turn; the first at 6 wins.

    A state is the three positions and who moves. The last in the field pays one to the
    winner, so the rewards are three different numbers.
    """

    num_actions = 3
    num_players = 3
    discount = 0.98
    start = (0, 0, 0, 0)

    def current_player(self, state: tuple[int, ...]) -> int:
        return state[3]

    def sample(
        self, state: tuple[int, ...], action: int, rng: Any
    ) -> tuple[tuple[int, ...], list[float], bool]:
        mover, positions = state[3], list(state[:3])
        positions[mover] += action if action else int(rng.random() * 4)
        rewards = [0.0, 0.0, 0.0]
        if positions[mover] >= 6:
            rewards[mover] += 2.0
            rewards[positions.index(min(positions))] -= 1.0
        return (*positions, (mover + 1) % 3), rewards, positions[mover] >= 6


class Race:
    """Three players go one or two steps in turn; who comes to the fifth first has won."""

    num_actions, num_players, start = 2, 3, (0, 0, 0, 0)
    return_bounds = (-0.5, 1.0)
    deterministic = True

    def sample(self, state: Any, action: int, rng: Any) -> tuple[Any, list[float], bool]:
        places, mover = list(state[:3]), state[3]
        places[mover] += 1 + action
        won = places[mover] >= 5
        rewards = [(1.0 if player == mover else -0.5) * won for player in range(3)]
        return (*places, (mover + 1) % 3), rewards, won

    def current_player(self, state: Any) -> int:
        return int(state[3])

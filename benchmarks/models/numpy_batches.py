"""FrozenLake 4x4 and tic-tac-toe as batch models written with NumPy."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from mcts_service.models import make

LINES = np.array(
    [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]
)


class FrozenLake:
    """A table of outcomes, from which every row draws by its cumulative probabilities."""

    num_actions = 4
    discount = 0.99

    def __init__(self) -> None:
        table = make("frozen_lake_4x4")
        self.ends = np.ones((16, 4, 3))  # cumulative probabilities
        self.following = np.zeros((16, 4, 3), np.int64)
        self.rewards = np.zeros((16, 4, 3))
        self.ended = np.ones((16, 4, 3), np.bool_)
        for state in range(16):
            if table.is_terminal(state):
                continue
            for action in range(4):
                for k, outcome in enumerate(table.transitions(state, action)):
                    before = self.ends[state, action, k - 1] if k else 0.0
                    self.ends[state, action, k] = before + outcome[0]
                    self.following[state, action, k:] = outcome[1]
                    self.rewards[state, action, k:] = outcome[2]
                    self.ended[state, action, k:] = outcome[3]

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        """One step a row."""
        drawn = rng.random(len(states))[:, None]
        outcome = np.minimum((drawn >= self.ends[states, actions]).sum(axis=1), 2)
        at = states, actions, outcome
        return self.following[at], self.rewards[at], self.ended[at]


class TicTacToe:
    """Boards int8[9]: 0 empty, 1 the first player's, -1 the second's."""

    num_actions = 9
    num_players = 2
    deterministic = True

    def current_player_batch(self, states: np.ndarray) -> np.ndarray:
        """0 where as many marks are the first player's as the second's."""
        return (states.sum(axis=1) > 0).astype(np.int64)

    def legal_actions_batch(self, states: np.ndarray) -> np.ndarray:
        """The empty cells."""
        return states == 0

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        """One mark a row."""
        marks = (1 - 2 * self.current_player_batch(states)).astype(np.int8)
        states = states.copy()
        states[np.arange(len(states)), actions] = marks
        won = (states[:, LINES].sum(axis=2) == 3 * marks[:, None]).any(axis=1)
        rewards = np.where(won, marks, 0).astype(np.float64)
        return states, np.stack([rewards, -rewards], axis=1), won | (states != 0).all(axis=1)


@cache
def value(cells: tuple[int, ...]) -> int:
    """Of a position for the side to move, by exhaustive search."""
    mover = 1 if sum(cells) == 0 else -1
    if any(all(cells[i] == -mover for i in line) for line in LINES):
        return -1
    return max((-value(_after(cells, a)) for a in range(9) if cells[a] == 0), default=0)


def keeps_value(board: np.ndarray, action: int) -> bool:
    """True if the action loses nothing that the position is worth."""
    cells = tuple(board.tolist())
    return -value(_after(cells, int(action))) == value(cells)


def unfinished_positions() -> np.ndarray:
    """All that can be played on in: int8[4520, 9]."""
    found, pending = set(), [(0,) * 9]
    while pending:
        cells = pending.pop()
        over = any(abs(sum(cells[i] for i in line)) == 3 for line in LINES) or 0 not in cells
        if over or cells in found:
            continue
        found.add(cells)
        pending += [_after(cells, a) for a in range(9) if cells[a] == 0]
    return np.array(sorted(found), np.int8)


def _after(cells: tuple[int, ...], action: int) -> tuple[int, ...]:
    mover = 1 if sum(cells) == 0 else -1
    return (*cells[:action], mover, *cells[action + 1 :])

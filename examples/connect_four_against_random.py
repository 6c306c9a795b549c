"""Connect four as a Gymnasium environment: the other side drops at random.

The rules are written here once more, apart from the server's, so that the game has a referee
who does not share the planner's mistakes.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

__all__ = ["ConnectFourAgainstRandom"]

ROWS, COLUMNS, LENGTH = 6, 7, 4
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))

Board = npt.NDArray[np.int8]


class ConnectFourAgainstRandom(gym.Env[Board, Any]):
    """The agent begins every other game, starting with the first.

    Observations are boards, int8[6, 7], row 0 on top: 0 empty, 1 the side that began, -1 the
    other. Actions are columns. The return is 1 for a win, 0 for a draw, -1 for a loss.
    """

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(-1, 1, (ROWS, COLUMNS), np.int8)
        self.action_space = gym.spaces.Discrete(COLUMNS)
        self._games = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Board, dict[str, Any]]:
        """Empties the board; where the opponent begins, it has dropped its first disc."""
        super().reset(seed=seed, options=options)
        self._board = np.zeros((ROWS, COLUMNS), np.int8)
        self._agent = 1 if self._games % 2 == 0 else -1
        self._games += 1
        if self._agent == -1:
            self._drop(self._random_column(), 1)
        return self._board.copy(), {}

    def step(self, action: int) -> tuple[Board, float, bool, bool, dict[str, Any]]:
        """Drops the agent's disc, then, unless the game is over, the opponent's.

        Raises:
          ValueError: the column is full.
        """
        reward = 1.0 if self._drop(action, self._agent) else 0.0
        if not (reward or self._is_full()) and self._drop(self._random_column(), -self._agent):
            reward = -1.0
        return self._board.copy(), reward, bool(reward) or self._is_full(), False, {}

    def _random_column(self) -> int:
        return int(self.np_random.choice(np.flatnonzero(self._board[0] == 0)))

    def _is_full(self) -> bool:
        return bool(self._board[0].all())

    def _drop(self, column: int, side: int) -> bool:
        """Lets a disc fall, and tells whether it makes four in a row."""
        empty = np.flatnonzero(self._board[:, column] == 0)
        if empty.size == 0:
            raise ValueError(f"column {column} is full")
        row = int(empty[-1])
        self._board[row, column] = side
        return any(
            self._run(row, column, dy, dx, side) + self._run(row, column, -dy, -dx, side) + 1
            >= LENGTH
            for dy, dx in DIRECTIONS
        )

    def _run(self, row: int, column: int, dy: int, dx: int, side: int) -> int:
        """Discs of a side in one direction from a cell, the cell itself left out."""
        length = 0
        row, column = row + dy, column + dx
        while 0 <= row < ROWS and 0 <= column < COLUMNS and self._board[row, column] == side:
            length += 1
            row, column = row + dy, column + dx
        return length

"""grid10 in Python: the same walk as grid10.c, drawing the same numbers."""

from __future__ import annotations

import numpy as np

__all__ = ["GOAL", "NEIGHBOURS", "START", "Grid10"]

SIDE = 10
START = 0
GOAL = SIDE * SIDE - 1


def _neighbours(cell: int) -> list[int]:
    """The cells above, right, below and left of one; itself where the board ends."""
    row, column = divmod(cell, SIDE)
    return [
        cell - SIDE if row > 0 else cell,
        cell + 1 if column < SIDE - 1 else cell,
        cell + SIDE if row < SIDE - 1 else cell,
        cell - 1 if column > 0 else cell,
    ]


#: NEIGHBOURS[cell][action]
NEIGHBOURS = [_neighbours(cell) for cell in range(SIDE * SIDE)]


class Grid10:
    """A slippery walk over ten by ten cells: states 0 .. 99, actions up, right, down, left.

    A step goes as meant with probability 0.8, else a quarter turn to either side. Reaching the
    goal pays 10 and ends it; every other step pays -0.1.
    """

    num_actions = 4
    discount = 0.95

    def sample(self, state: int, action: int, rng: np.random.Generator) -> tuple[int, float, bool]:
        """(next_state, reward, terminated), from one uniform number."""
        draw = rng.random()
        if draw >= 0.8:
            action = (action + (1 if draw < 0.9 else 3)) % 4
        cell = NEIGHBOURS[state][action]
        if cell == GOAL:
            return cell, 10.0, True
        return cell, -0.1, False

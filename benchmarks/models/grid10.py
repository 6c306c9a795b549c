"""grid10 in Python: the same walk as grid10.c, drawing the same numbers.

Once for each kind of state that a Python model may have, and once without chance.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["FORMS", "GOAL", "NEIGHBOURS", "START", "Grid10"]

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

    def initial_state(self, rng: Any = None) -> int:
        """The first corner."""
        return START

    def sample(self, state: int, action: int, rng: np.random.Generator) -> tuple[int, float, bool]:
        """(next_state, reward, terminated), from one uniform number."""
        draw = rng.random()
        if draw >= 0.8:
            action = (action + (1 if draw < 0.9 else 3)) % 4
        cell = NEIGHBOURS[state][action]
        if cell == GOAL:
            return cell, 10.0, True
        return cell, -0.1, False


class FirmGrid10(Grid10):
    """The same, but every step goes as meant, and nothing is drawn."""

    def sample(self, state: int, action: int, rng: np.random.Generator) -> tuple[int, float, bool]:
        """(next_state, reward, terminated)."""
        cell = NEIGHBOURS[state][action]
        if cell == GOAL:
            return cell, 10.0, True
        return cell, -0.1, False


Place = tuple[int, int]
CORNER: Place = (SIDE - 1, SIDE - 1)
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


class TupleGrid10:
    """The same walk with states (row, column)."""

    num_actions = 4
    discount = 0.95

    def initial_state(self, rng: Any = None) -> Place:
        """The first corner."""
        return (0, 0)

    def sample(
        self, state: Place, action: int, rng: np.random.Generator
    ) -> tuple[Place, float, bool]:
        """(next_state, reward, terminated), from one uniform number."""
        draw = rng.random()
        if draw >= 0.8:
            action = (action + (1 if draw < 0.9 else 3)) % 4
        down, right = MOVES[action]
        row, column = state[0] + down, state[1] + right
        place = (row, column) if 0 <= row < SIDE and 0 <= column < SIDE else state
        if place == CORNER:
            return place, 10.0, True
        return place, -0.1, False


class ArrayGrid10:
    """The same walk with states int64[2]: row and column."""

    num_actions = 4
    discount = 0.95

    def __init__(self) -> None:
        self.moves = np.array(MOVES)

    def initial_state(self, rng: Any = None) -> np.ndarray:
        """The first corner."""
        return np.zeros(2, np.int64)

    def sample(
        self, state: np.ndarray, action: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, float, bool]:
        """(next_state, reward, terminated), from one uniform number."""
        draw = rng.random()
        if draw >= 0.8:
            action = (action + (1 if draw < 0.9 else 3)) % 4
        place = state + self.moves[action]
        row, column = place.tolist()
        if not (0 <= row < SIDE and 0 <= column < SIDE):
            return state, -0.1, False
        if row == column == SIDE - 1:
            return place, 10.0, True
        return place, -0.1, False


#: Models by what their states are; "firm" has those of "int".
FORMS: dict[str, type[Any]] = {
    "int": Grid10,
    "tuple": TupleGrid10,
    "array": ArrayGrid10,
    "firm": FirmGrid10,
}

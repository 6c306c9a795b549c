"""Drive a car round the bend of a small track: accelerate, brake, and mind the skidding.

An action changes each part of the velocity by -1, 0 or 1; with probability 0.1 the car skids, and
the velocity stays as it was. A car that leaves the track is put back on the starting line and
stands. A step costs 1 until the finishing line is crossed.

Source: Barto, Bradtke and Singh (1995), section 4; a smaller track of the same shape.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mcts_service.models import TabularModel, tabulate

__all__ = ["racetrack"]

_TRACK = (
    "     .........F",
    "    ..........F",
    "   ...........F",
    "  ............F",
    " .............F",
    " ......        ",
    " .....         ",
    " .....         ",
    " .....         ",
    " .....         ",
    " .....         ",
    " SSSSS         ",
)
_SKID_RATE = 0.1
_CHANGES = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]

#: row, column, and the velocity: rows down and columns to the right in a step.
Car = tuple[int, int, int, int]


def racetrack(*, discount: float = 0.99) -> TabularModel:
    """The track as a table of every car that can come about.

    Args:
      discount: per step.
    """
    model = _Racetrack(discount)
    return tabulate(model, initial_states=model.starts).table


class _Racetrack:
    num_actions = len(_CHANGES)

    def __init__(self, discount: float) -> None:
        self.discount = discount
        self.starts: list[Car] = [
            (row, column, 0, 0)
            for row, squares in enumerate(_TRACK)
            for column, square in enumerate(squares)
            if square == "S"
        ]

    def is_terminal(self, car: Car) -> bool:
        return _square(car[0], car[1]) == "F"

    def transitions(self, car: Car, action: int) -> list[tuple[float, Car, float, bool]]:
        down, right = _CHANGES[action]
        row, column, speed_down, speed_right = car
        meant = self._drive((row, column, speed_down + down, speed_right + right))
        skidded = self._drive(car)
        return [
            (share * probability, following, -1.0, self.is_terminal(following))
            for share, outcomes in ((1 - _SKID_RATE, meant), (_SKID_RATE, skidded))
            for probability, following in outcomes
        ]

    def _drive(self, car: Car) -> list[tuple[float, Car]]:
        """Where a car of that velocity comes to."""
        for row, column in _way(car):
            square = _square(row, column)
            if square == "F":
                return [(1.0, (row, column, 0, 0))]
            if square == " ":
                return [(1.0 / len(self.starts), start) for start in self.starts]
        row, column, down, right = car
        return [(1.0, (row + down, column + right, down, right))]


def _way(car: Car) -> Iterator[tuple[int, int]]:
    """The squares that a step leads over, the last one included."""
    row, column, down, right = car
    steps = max(abs(down), abs(right))
    for step in range(1, steps + 1):
        share = step / steps
        yield row + int(np.rint(down * share)), column + int(np.rint(right * share))


def _square(row: int, column: int) -> str:
    inside = 0 <= row < len(_TRACK) and 0 <= column < len(_TRACK[0])
    return _TRACK[row][column] if inside else " "

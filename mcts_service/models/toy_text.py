"""Gymnasium's toy-text problems as tables, without Gymnasium.

Each function builds the transition table P[state][action] = [(probability, next_state, reward,
terminated), ...] of a published problem, with Gymnasium's numbering of states and actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.models.tabular import TabularModel

__all__ = ["DISCOUNT", "cliff_walking", "frozen_lake", "taxi"]

Outcome = tuple[float, int, float, bool]
Table = list[list[list[Outcome]]]

#: At 1 a stationary choice between equally good ways would dither.
DISCOUNT = 0.99

_LAKES = {
    "4x4": ("SFFF", "FHFH", "FFFH", "HFFG"),
    "8x8": (
        "SFFFFFFF",
        "FFFFFFFF",
        "FFFHFFFF",
        "FFFFFHFF",
        "FFFHFFFF",
        "FHHFFFHF",
        "FHFFHFHF",
        "FFFHFFFG",
    ),
}
# (rows down, columns right) of each action.
_LAKE_MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))
_SUCCESS_RATE = 1.0 / 3.0

_CLIFF_ROWS, _CLIFF_COLUMNS = 4, 12
_CLIFF_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))

_TAXI_SIDE = 5
_TAXI_STANDS = ((0, 0), (0, 4), (4, 0), (4, 3))
_IN_TAXI = len(_TAXI_STANDS)
# The squares whose east side is a wall, by row.
_TAXI_WALLS = frozenset({(0, 1), (1, 1), (3, 0), (3, 2), (4, 0), (4, 2)})


def frozen_lake(
    size: Literal["4x4", "8x8"] = "4x4", slippery: bool = True, *, discount: float = DISCOUNT
) -> TabularModel:
    """Cross a frozen lake to the goal (reward 1) without falling into a hole (reward 0).

    Args:
      size: the map.
      slippery: a move goes as meant, or to one of its two sides, each with probability 1/3.
      discount: per step.
    Raises:
      InvalidRequest: there is no map of that size.
    Source: Gymnasium, FrozenLake-v1.
    """
    if size not in _LAKES:
        raise InvalidRequest("size", f"is {size!r}; must be one of {', '.join(_LAKES)}")
    lake = _LAKES[size]
    return TabularModel.from_transitions(
        _frozen_lake_table(lake, slippery),
        discount=discount,
        initial="".join(lake).index("S"),
        description=f"FrozenLake {size}{', slippery' if slippery else ''}: reach the goal",
        state_description=f"row * {len(lake[0])} + column, from the top left",
        action_description="0 left, 1 down, 2 right, 3 up",
    )


def cliff_walking(*, discount: float = DISCOUNT) -> TabularModel:
    """Walk along a cliff to the goal: -1 a step, -100 and back to the start for a fall.

    Source: Sutton and Barto (2018), example 6.6; Gymnasium, CliffWalking-v1.
    """
    return TabularModel.from_transitions(
        _cliff_walking_table(),
        discount=discount,
        initial=_cliff_state(_CLIFF_ROWS - 1, 0),
        description="CliffWalking: the shortest way along a cliff",
        state_description="row * 12 + column, from the top left",
        action_description="0 up, 1 right, 2 down, 3 left",
    )


def taxi(*, discount: float = DISCOUNT) -> TabularModel:
    """Fetch a passenger and bring them to their destination: -1 a step, -10 for a pick-up or
    drop-off where there is none to make, 20 at the end.

    Source: Dietterich (2000); Gymnasium, Taxi-v3 (Taxi-v4 without its options).
    """
    return TabularModel.from_transitions(
        _taxi_table(),
        discount=discount,
        initial=_taxi_initial(),
        description="Taxi: fetch a passenger and bring them to their destination",
        state_description=(
            "((row * 5 + column) * 5 + passenger) * 4 + destination; passenger and destination "
            "0 red, 1 green, 2 yellow, 3 blue; passenger 4 in the taxi"
        ),
        action_description="0 south, 1 north, 2 east, 3 west, 4 pick up, 5 drop off",
    )


def _frozen_lake_table(lake: Sequence[str], slippery: bool) -> Table:
    rows, columns = len(lake), len(lake[0])
    slip_rate = (1.0 - _SUCCESS_RATE) / 2.0

    def move(state: int, direction: int, probability: float) -> Outcome:
        row, column = _step(divmod(state, columns), _LAKE_MOVES[direction], rows, columns)
        square = lake[row][column]
        return probability, row * columns + column, float(square == "G"), square in "GH"

    def outcomes(state: int, action: int) -> list[Outcome]:
        if lake[state // columns][state % columns] in "GH":
            return [(1.0, state, 0.0, True)]
        if not slippery:
            return [move(state, action, 1.0)]
        return [
            move(state, (action - 1) % 4, slip_rate),
            move(state, action, _SUCCESS_RATE),
            move(state, (action + 1) % 4, slip_rate),
        ]

    return [[outcomes(state, action) for action in range(4)] for state in range(rows * columns)]


def _cliff_state(row: int, column: int) -> int:
    return row * _CLIFF_COLUMNS + column


def _cliff_walking_table() -> Table:
    bottom = _CLIFF_ROWS - 1
    start, goal = _cliff_state(bottom, 0), _cliff_state(bottom, _CLIFF_COLUMNS - 1)

    def outcome(state: int, action: int) -> Outcome:
        square = divmod(state, _CLIFF_COLUMNS)
        row, column = _step(square, _CLIFF_MOVES[action], _CLIFF_ROWS, _CLIFF_COLUMNS)
        if row == bottom and 0 < column < _CLIFF_COLUMNS - 1:
            return 1.0, start, -100.0, False
        next_state = _cliff_state(row, column)
        return 1.0, next_state, -1.0, next_state == goal

    num_states = _CLIFF_ROWS * _CLIFF_COLUMNS
    return [[[outcome(state, action)] for action in range(4)] for state in range(num_states)]


def _taxi_state(row: int, column: int, passenger: int, destination: int) -> int:
    stands = len(_TAXI_STANDS)
    return ((row * _TAXI_SIDE + column) * (stands + 1) + passenger) * stands + destination


def _taxi_squares() -> list[tuple[int, int, int, int]]:
    """(row, column, passenger, destination) of each state, in the order of the states."""
    return [
        (row, column, passenger, destination)
        for row in range(_TAXI_SIDE)
        for column in range(_TAXI_SIDE)
        for passenger in range(len(_TAXI_STANDS) + 1)
        for destination in range(len(_TAXI_STANDS))
    ]


def _taxi_initial() -> np.ndarray:
    """Uniform over the states whose passenger waits away from the destination. float64[500]."""
    waiting = [
        passenger not in (_IN_TAXI, destination) for _, _, passenger, destination in _taxi_squares()
    ]
    return np.array(waiting, dtype=np.float64) / sum(waiting)


def _taxi_table() -> Table:
    return [[[_taxi_outcome(*square, action)] for action in range(6)] for square in _taxi_squares()]


def _taxi_outcome(row: int, column: int, passenger: int, destination: int, action: int) -> Outcome:
    here = (row, column)
    if action < 4:
        row, column = _taxi_drive(row, column, action)
        return 1.0, _taxi_state(row, column, passenger, destination), -1.0, False
    reward, terminated = -10.0, False
    if action == 4 and passenger != _IN_TAXI and here == _TAXI_STANDS[passenger]:
        passenger, reward = _IN_TAXI, -1.0
    elif action == 5 and passenger == _IN_TAXI and here in _TAXI_STANDS:
        passenger = _TAXI_STANDS.index(here)
        terminated = passenger == destination
        reward = 20.0 if terminated else -1.0
    return 1.0, _taxi_state(row, column, passenger, destination), reward, terminated


def _taxi_drive(row: int, column: int, action: int) -> tuple[int, int]:
    west_side = column if action == 2 else column - 1
    if action in (2, 3) and (row, west_side) in _TAXI_WALLS:
        return row, column
    move = ((1, 0), (-1, 0), (0, 1), (0, -1))[action]
    return _step((row, column), move, _TAXI_SIDE, _TAXI_SIDE)


def _step(
    square: tuple[int, int], move: tuple[int, int], rows: int, columns: int
) -> tuple[int, int]:
    """The square that a move leads to; the edge of the grid holds it back."""
    row, column = square[0] + move[0], square[1] + move[1]
    return min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)

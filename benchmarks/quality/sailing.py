"""Sail across a lake while the wind turns: 20 by 20 waypoints, from one corner to the opposite one.

A leg leads to one of eight neighbours. What it costs hangs on the angle between heading and wind;
straight into the wind is impossible, and putting the boat about from one tack to the other takes
time as well. After each leg the wind may turn.

    directions   7  0  1        x grows to the right, y upwards; a wind of direction d blows
                 6     2        towards d, so that heading d is sailing before it
                 5  4  3

Source: Vanderbei (1996), Sailing Strategies; Kocsis and Szepesvári (2006), section 3.2.
"""

from __future__ import annotations

import math

import numpy as np

from mcts_service.models import TabularModel

__all__ = ["sailing"]

_MOVES = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
_DIRECTIONS = len(_MOVES)
#: The time of a leg by how many eighths of a turn the heading is off the wind; none into it.
_LEG_TIME = (1.0, 2.0, 3.0, 4.0)
_INTO_WIND = 4
_PUT_ABOUT_TIME = 3.0
#: The side that the wind comes from. Before the wind there is none.
_NO_TACK, _PORT, _STARBOARD = 0, 1, 2
_TACKS = 3

#: _WIND[d][e]: the probability that the wind turns from direction d to e.
_WIND = np.array(
    [
        [0.4, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3],
        [0.4, 0.3, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.4, 0.3, 0.3, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.4, 0.3, 0.3, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.4, 0.2, 0.4, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.3, 0.3, 0.4, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 0.3, 0.4],
        [0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 0.3],
    ]
)


def sailing(side: int = 20, *, discount: float = 0.99) -> TabularModel:
    """The lake as a table. A reward is minus the time of a leg.

    Args:
      side: waypoints a side, at least 2.
      discount: per leg.
    """
    states = np.ndindex(side, side, _TACKS, _DIRECTIONS)
    return TabularModel.from_transitions(
        [_legs(side, *state) for state in states],
        discount=discount,
        initial=_initial(side),
        description=f"Sailing: cross a lake of {side} by {side} waypoints while the wind turns",
        state_description=(
            f"((x * {side} + y) * 3 + tack) * 8 + wind; tack 0 none, 1 port, 2 starboard; wind "
            "towards 0 north, 1 north-east, ... 7 north-west"
        ),
        action_description="the heading: 0 north, 1 north-east, ... 7 north-west",
    )


def _initial(side: int) -> np.ndarray:
    """In the south-west corner, on no tack, with any wind."""
    initial = np.zeros(side * side * _TACKS * _DIRECTIONS)
    first = _NO_TACK * _DIRECTIONS
    initial[first : first + _DIRECTIONS] = 1 / _DIRECTIONS
    return initial


def _legs(
    side: int, x: int, y: int, tack: int, wind: int
) -> dict[int, list[tuple[float, int, float, bool]]]:
    """The outcomes of every heading that can be sailed."""
    if (x, y) == (side - 1, side - 1):
        return {}
    legs = {}
    for heading, (right, up) in enumerate(_MOVES):
        angle = (heading - wind) % _DIRECTIONS
        there = x + right, y + up
        if angle == _INTO_WIND or not all(0 <= place < side for place in there):
            continue
        new_tack = _NO_TACK if angle == 0 else _PORT if angle < _INTO_WIND else _STARBOARD
        time = _LEG_TIME[min(angle, _DIRECTIONS - angle)] * math.hypot(right, up)
        if {tack, new_tack} == {_PORT, _STARBOARD}:
            time += _PUT_ABOUT_TIME
        first = ((there[0] * side + there[1]) * _TACKS + new_tack) * _DIRECTIONS
        arrived = there == (side - 1, side - 1)
        legs[heading] = [
            (probability, first + turned, -time, arrived)
            for turned, probability in enumerate(_WIND[wind])
            if probability > 0
        ]
    return legs

"""Trajectories and parameters that the tests of updates share."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.learning import LinearQ, LinearV, OneHot, TileCoding, applied
from mcts_service.protocols import Experience, Trajectory

RNG = np.random.default_rng(0)

#: Three states, two actions: 0 -(a 1, +1)-> 1 -(a 0, +2)-> 0 -(a 1, -1)-> 2.
ENDED = Trajectory([0, 1, 0, 2], [1, 0, 1], [1.0, 2.0, -1.0], True)
CUT = Trajectory(ENDED.states, ENDED.actions, ENDED.rewards, False)

V = LinearV(OneHot(3))
Q = LinearQ(OneHot(3), 2)
V_TABLE = np.array([0.5, -1.0, 4.0])
Q_TABLE = np.array([[1.0, 2.0], [3.0, 0.5], [-1.0, 8.0]])


def change_of(update: Any, what: Trajectory[Any] | Experience[Any], parameters: Any) -> Any:
    """What an update adds, as an array of the parameters' shape."""
    return applied(np.zeros_like(parameters), update(what, parameters, RNG), 1.0)


def tiled_trajectory(seed: int, *, steps: int = 60, terminated: bool = True) -> Trajectory[Any]:
    """Random steps through the unit square, three actions."""
    rng = np.random.default_rng(seed)
    return Trajectory(
        list(rng.random((steps + 1, 2))),
        [int(action) for action in rng.integers(0, 3, steps)],
        [float(reward) for reward in rng.normal(size=steps)],
        terminated,
    )


TILES = TileCoding([0.0, 0.0], [1.0, 1.0], 4, 8)

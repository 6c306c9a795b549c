"""Mountain car, compiled."""

from __future__ import annotations

import numpy as np

from mcts_service import _models
from mcts_service.models.control import ControlModel

__all__ = ["MountainCar"]


class MountainCar(ControlModel):
    """Drive an engine too weak for the slope up a hill: Gymnasium's MountainCar-v0.

    A state is position and velocity, float64[2]; actions push left (0), not at all (1) or right
    (2). Each step is rewarded with -1. A state is terminal where the position is at least 0.5 and
    the velocity at least 0.

    Cosine is a series in a fixed order of operations: the numbers are the same on every CPU, and
    within a few roundings those of Gymnasium, which takes it from the C library.
    """

    horizon = 200
    default_simulations = 10_000

    def __init__(self) -> None:
        super().__init__(
            _models.mountain_car_model(),
            variables="position, velocity (per step)",
            shape=(2,),
            action_description="0 pushes left, 1 does not push, 2 pushes right",
            description="MountainCar: swing up a hill with a weak engine",
        )

    def initial_state(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """At rest at a position uniform from -0.6 to -0.4, as Gymnasium draws it; at -0.5
        without `rng`.
        """
        return np.array([-0.5 if rng is None else rng.uniform(-0.6, -0.4), 0.0])

"""Acrobot, compiled."""

from __future__ import annotations

import numpy as np

from mcts_service import _models
from mcts_service.models.control import ControlModel

__all__ = ["Acrobot"]

_VARIABLES = (
    "theta1 (rad, from hanging straight down), theta2 (rad, from the upper link's direction), "
    "theta1_dot (rad/s), theta2_dot (rad/s)"
)


class Acrobot(ControlModel):
    """Swing the tip of a two-link arm above a line: Gymnasium's Acrobot-v1.

    A state is theta1, theta2, theta1_dot, theta2_dot, float64[4], which is the environment's own
    `state` and not the observation, where angles are sines and cosines. Actions turn the elbow
    with -1 (0), 0 (1) or 1 (2) newton metre. Each step is rewarded with -1, the last with 0. A
    state is terminal where -cos(theta1) - cos(theta1 + theta2) > 1.

    Sine and cosine are a series in a fixed order of operations: the numbers are the same on every
    CPU, and within some roundings those of Gymnasium, which takes them from the C library.
    """

    horizon = 500
    default_simulations = 1_000

    def __init__(self) -> None:
        super().__init__(
            _models.acrobot_model(),
            variables=_VARIABLES,
            shape=(4,),
            action_description="torque at the elbow: 0 is -1, 1 is 0, 2 is 1 (N m)",
            description="Acrobot: swing the tip of a two-link arm above a line",
        )

    def initial_state(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Each number uniform from -0.1 to 0.1 and rounded to float32, as Gymnasium draws it; all
        0 without `rng`.
        """
        if rng is None:
            return np.zeros(4)
        return rng.uniform(-0.1, 0.1, size=4).astype(np.float32).astype(np.float64)

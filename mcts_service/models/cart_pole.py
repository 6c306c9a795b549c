"""Cart-pole, compiled."""

from __future__ import annotations

import numpy as np

from mcts_service import _models
from mcts_service.models.control import ControlModel

__all__ = ["CartPole"]

_VARIABLES = "x (m), x_dot (m/s), theta (rad, from upright to the right), theta_dot (rad/s)"


class CartPole(ControlModel):
    """Keep a pole upright on a cart: Gymnasium's CartPole-v1.

    A state is x, x_dot, theta, theta_dot, float64[4]; actions push left (0) or right (1). Each
    step is rewarded with 1. A state is terminal where |x| > 2.4 m or |theta| > 12 degrees.

    Below 12 degrees sine and cosine are a series in a fixed order of operations: the numbers are
    the same on every CPU, and within one rounding those of Gymnasium, which takes them from the
    C library.
    """

    horizon = 500
    default_simulations = 200

    def __init__(self) -> None:
        super().__init__(
            _models.cart_pole_model(),
            variables=_VARIABLES,
            shape=(4,),
            action_description="0 pushes left, 1 pushes right",
            description="CartPole: keep a pole upright on a cart",
        )

    def initial_state(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Each number uniform from -0.05 to 0.05, as Gymnasium draws it; all 0 without `rng`."""
        return np.zeros(4) if rng is None else rng.uniform(-0.05, 0.05, size=4)

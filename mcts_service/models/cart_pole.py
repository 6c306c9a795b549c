"""Cart-pole, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service import _models
from mcts_service.errors import InvalidRequest
from mcts_service.models.arrays import state_array
from mcts_service.models.native import NativeModel
from mcts_service.models.spec import StateSpec

__all__ = ["CartPole"]

_VARIABLES = "x (m), x_dot (m/s), theta (rad, from upright to the right), theta_dot (rad/s)"
_SHAPE = (4,)


class CartPole(NativeModel[np.ndarray]):
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
            state_spec=StateSpec("tensor", np.dtype(np.float64), _SHAPE, description=_VARIABLES),
            action_description="0 pushes left, 1 pushes right",
            description="CartPole: keep a pole upright on a cart",
        )

    def pack_state(self, state: Any) -> bytes:
        """The bytes of float64[4].

        Args:
          state: an array or a list of four numbers.
        Raises:
          InvalidRequest: the form is wrong, a number is not finite, or a velocity so great that
            a step from it is not.
        """
        right = f"must be float64[4]: {_VARIABLES}"
        array = state_array(state, _SHAPE, right)
        if array.dtype.kind not in "iuf" or not np.can_cast(array.dtype, np.float64):
            raise InvalidRequest("state", f"has the dtype {array.dtype}; {right}")
        packed: bytes = array.astype(np.float64).tobytes()
        self.handle.validate(packed)
        return packed

    def unpack_state(self, data: bytes) -> np.ndarray:
        """x, x_dot, theta, theta_dot: a new float64[4]."""
        state: np.ndarray = np.frombuffer(data, dtype=np.float64).copy()
        return state

    def initial_state(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Each number uniform from -0.05 to 0.05, as Gymnasium draws it; all 0 without `rng`."""
        return np.zeros(4) if rng is None else rng.uniform(-0.05, 0.05, size=4)

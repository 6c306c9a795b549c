"""What the classic control problems share: a state is a few float64 numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.models.arrays import state_array
from mcts_service.models.native import NativeModel
from mcts_service.models.spec import StateSpec

__all__ = ["ControlModel"]


class ControlModel(NativeModel[np.ndarray]):
    """A compiled model whose states are the numbers that its equations move, float64[n]."""

    def __init__(
        self,
        capsule: Any,
        *,
        variables: str,
        shape: tuple[int],
        action_description: str,
        description: str,
    ) -> None:
        """A problem of compiled code.

        Args:
          capsule: the compiled model.
          variables: the numbers of a state in their order, with units.
          shape: how many they are.
          action_description, description: a line each.
        """
        super().__init__(
            capsule,
            state_spec=StateSpec("tensor", np.dtype(np.float64), shape, description=variables),
            action_description=action_description,
            description=description,
        )

    def pack_state(self, state: Any) -> bytes:
        """The bytes of float64[n].

        Args:
          state: an array or a list of numbers.
        Raises:
          InvalidRequest: the form is wrong, or a number not finite or too great.
        """
        shape = self.state_spec.shape
        right = f"must be float64[{shape[0]}]: {self.state_spec.description}"
        array = state_array(state, shape, right)
        if array.dtype.kind not in "iuf" or not np.can_cast(array.dtype, np.float64):
            raise InvalidRequest("state", f"has the dtype {array.dtype}; {right}")
        packed: bytes = array.astype(np.float64).tobytes()
        self.handle.validate(packed)
        return packed

    def unpack_state(self, data: bytes) -> np.ndarray:
        """The numbers: a new float64[n]."""
        state: np.ndarray = np.frombuffer(data, dtype=np.float64).copy()
        return state

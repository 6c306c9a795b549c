"""Arrays from what callers send: of the right shape, or refused."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest

__all__ = ["state_array"]


def state_array(state: Any, shape: tuple[int, ...], right: str) -> np.ndarray:
    """A state as an array, in the dtype that it has.

    Args:
      state: an array or nested lists.
      shape: what it must have.
      right: ends an error's message: what a state must be.
    Raises:
      InvalidRequest: it is no array, or of another shape.
    """
    try:
        array = np.asarray(state)
    except (TypeError, ValueError) as error:  # lists of different lengths
        raise InvalidRequest("state", f"is {reprlib.repr(state)}; {right}") from error
    if array.ndim == 0:
        raise InvalidRequest("state", f"is {reprlib.repr(state)}; {right}")
    if array.shape != shape:
        raise InvalidRequest("state", f"has the shape {array.shape}; {right}")
    return array

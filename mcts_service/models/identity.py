"""When two states are the same."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

__all__ = ["state_identity"]


def state_identity(model: Any, state: Any) -> Hashable:
    """What is equal for two states exactly where they are the same.

    That is what the model's `state_key` gives or, without one, an array's bytes or the state
    itself.

    Raises:
      TypeError: the state cannot be told from others; says what to do.
    """
    state_key = getattr(model, "state_key", None)
    if state_key is not None:
        identity: Hashable = state_key(state)
    elif isinstance(state, np.ndarray):
        # Adding zero turns -0.0 into 0.0: equal arrays have equal bytes.
        identity = (state + 0.0 if state.dtype.kind in "fc" else state).tobytes()
    else:
        identity = state
    try:
        hash(identity)
    except TypeError as error:
        raise TypeError(
            f"a state of type {type(state).__name__} cannot be told from others ({error}); give "
            "the model state_key(state), or make its states hashable"
        ) from error
    return identity

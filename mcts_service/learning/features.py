"""Which features of a state are active: what linear values are sums over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest
from mcts_service.protocols import Trajectory

__all__ = ["Features", "OneHot", "active_along", "active_of"]

S_contra = TypeVar("S_contra", contravariant=True)


class Features(Protocol[S_contra]):
    """state -> its active features; all others are 0, and an active one is 1.

    With `active_batch(states) -> int64[N, num_active]` beside, many states are asked about in one
    call.

    Attributes:
      num_features: features are the integers 0 .. num_features - 1.
      num_active: how many are active in a state; the same in all.
    """

    num_features: int
    num_active: int

    def active(self, state: S_contra) -> np.ndarray:
        """The active features: int64[num_active]."""
        ...


class OneHot:
    """One feature for each state of a finite problem: linear values are then tables.

    Attributes:
      num_features: how many states there are.
      num_active: 1.
    """

    num_active = 1

    def __init__(self, num_states: int):
        """States are the integers 0 .. num_states - 1."""
        self.num_features = require_integer("num_states", num_states, 1, 2**31 - 1)

    def active(self, state: int) -> np.ndarray:
        """The state itself: int64[1].

        Raises:
          InvalidRequest: it is no integer from 0 to num_states - 1.
        """
        return np.array([require_integer("state", state, 0, self.num_features - 1)])

    def active_batch(self, states: Sequence[int] | np.ndarray) -> np.ndarray:
        """The same for many states: int64[N, 1]."""
        numbers = np.asarray(states)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise InvalidRequest("states", "must be integers [N]")
        wrong = (numbers < 0) | (numbers >= self.num_features)
        if wrong.any():
            raise InvalidRequest(
                "state",
                f"is {numbers[wrong][0]}; must be an integer from 0 to {self.num_features - 1}",
            )
        return numbers.astype(np.int64)[:, np.newaxis]


def active_along(features: Features[Any], trajectory: Trajectory[Any]) -> np.ndarray:
    """The active features of a trajectory's states: int64[T + 1, num_active], in C order.

    Nothing is asked of a terminal last state, whose value is 0 whatever it is, and which features
    need not know: its row has zeros.

    Raises:
      InvalidRequest: as `active_of`.
    """
    if not trajectory.terminated:
        return active_of(features, trajectory.states)
    active = active_of(features, trajectory.states[:-1])
    return np.concatenate([active, np.zeros((1, features.num_active), dtype=np.int64)])


def active_of(features: Features[Any], states: Sequence[Any]) -> np.ndarray:
    """The active features of many states: int64[N, num_active], in C order.

    Raises:
      InvalidRequest: the features are not of that form, or refuse a state.
    """
    batch = getattr(features, "active_batch", None)
    found = batch(states) if batch else np.stack([features.active(state) for state in states])
    active = np.ascontiguousarray(found, dtype=np.int64)
    if active.shape != (len(states), features.num_active):
        raise InvalidRequest(
            "features",
            f"give {shown(active.shape)} for {len(states)} states; must be "
            f"[{len(states)}, {features.num_active}]",
        )
    if active.size and (active.min() < 0 or active.max() >= features.num_features):
        raise InvalidRequest(
            "features",
            f"give numbers from {active.min()} to {active.max()}; must be from 0 to "
            f"{features.num_features - 1}",
        )
    return active

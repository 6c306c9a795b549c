"""A trajectory as arrays, checked: what updates compute with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.protocols import Trajectory

__all__ = ["action_numbers", "require_finite", "require_observations", "rewards_of"]


def rewards_of(trajectory: Trajectory[Any]) -> np.ndarray:
    """The rewards of a trajectory for one player that is whole: float64[T], T >= 1.

    Raises:
      InvalidRequest: it has no step; states, actions and rewards do not belong together by their
        numbers; a reward is no finite number.
    """
    steps = len(trajectory.actions)
    if steps == 0:
        raise InvalidRequest("trajectory", "is empty; must have a step at least")
    if len(trajectory.rewards) != steps or len(trajectory.states) != steps + 1:
        raise InvalidRequest(
            "trajectory",
            f"has {len(trajectory.states)} states, {steps} actions and {len(trajectory.rewards)} "
            f"rewards; must have T + 1, T and T",
        )
    try:
        rewards = np.array(trajectory.rewards, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidRequest("trajectory.rewards", "must be T numbers") from error
    if rewards.ndim != 1:
        raise InvalidRequest(
            "trajectory.rewards",
            f"are {shown(trajectory.rewards[0])} and the like; must be a number each: these "
            "updates are for one player",
        )
    finite = np.isfinite(rewards)
    if not finite.all():
        step = int(finite.argmin())
        raise InvalidRequest(
            f"trajectory.rewards[{step}]", f"is {rewards[step]}; must be a finite number"
        )
    return rewards


def action_numbers(trajectory: Trajectory[Any], num_actions: int) -> np.ndarray:
    """The actions of a trajectory that is whole: int64[T].

    Raises:
      InvalidRequest: one is no integer from 0 to num_actions - 1.
    """
    actions = np.asarray(trajectory.actions)
    right = f"must be integers from 0 to {num_actions - 1}"
    if actions.ndim != 1 or actions.dtype.kind not in "iu":
        raise InvalidRequest(
            "trajectory.actions", f"are {shown(trajectory.actions[0])}...; {right}"
        )
    wrong = (actions < 0) | (actions >= num_actions)
    if wrong.any():
        step = int(wrong.argmax())
        raise InvalidRequest(f"trajectory.actions[{step}]", f"is {actions[step]}; {right}")
    return actions.astype(np.int64)


def require_observations(trajectory: Trajectory[Any]) -> None:
    """Raises InvalidRequest where a state has a number that is not finite."""
    for t, state in enumerate(trajectory.states):
        require_finite(f"trajectory.states[{t}]", state)


def require_finite(field: str, value: Any) -> None:
    """Raises InvalidRequest where a number is not finite: the value itself, or one in it.

    Looks into arrays, tuples, lists and mappings; all else is taken as it is.
    """
    # First what nearly every state is.
    if type(value) is int:
        return
    if isinstance(value, (tuple, list)):
        for place, part in enumerate(value):
            require_finite(f"{field}[{place}]", part)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            require_finite(f"{field}[{shown(key)}]", part)
    elif isinstance(value, (float, complex, np.inexact)):
        if not np.isfinite(value):
            raise InvalidRequest(field, f"is {value}; must be finite")
    elif isinstance(value, np.ndarray):
        _require_finite_array(field, value)


def _require_finite_array(field: str, array: np.ndarray) -> None:
    if array.dtype.kind == "O":
        for place in np.ndindex(array.shape):
            require_finite(f"{field}{list(place)}", array[place])
    elif array.dtype.kind in "fc":
        finite = np.isfinite(array)
        if not finite.all():
            place = tuple(int(i) for i in np.argwhere(~finite)[0])
            at = f" at {list(place)}" if place else ""
            raise InvalidRequest(field, f"has {array[place]}{at}; must be finite")

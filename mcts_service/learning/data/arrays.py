"""Data from NumPy arrays: steps one behind the other, with flags where an episode ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.learning.data.recording import Recording, kept
from mcts_service.protocols import Trajectory

__all__ = ["from_arrays"]


def from_arrays(
    states: Any,
    actions: Any,
    rewards: Any,
    terminated: Any,
    truncated: Any = None,
    *,
    next_states: Any = None,
    num_actions: int | None = None,
    keep_whole: bool = False,
) -> Recording:
    """Trajectories from arrays of N steps.

    An episode ends with a step that is terminated or truncated, and with the last step.

    Args:
      states: with `next_states`, the state of each step, [N, ...]. Without, all states of all E
        episodes, T + 1 of an episode of T steps: [N + E, ...].
      actions: integers [N].
      rewards: [N].
      terminated: bool[N].
      truncated: bool[N]; None: no episode was cut short, but for the last.
      next_states: what each step led to, [N, ...]; within an episode that must be the state of
        the next step.
      num_actions: actions must be below it; None: any from 0 on.
      keep_whole: whether what is whole is kept of an episode with something wrong in it, and the
        loss counted; else that is an error.
    Raises:
      InvalidRequest: the arrays do not go together, are empty, or have something that is not
        finite or no action: names the trajectory, the step and the field.
    """
    acted, paid = _column("actions", actions), _column("rewards", rewards)
    steps = len(acted)
    if not steps:
        raise InvalidRequest("actions", "is empty; must have one step at least")
    ended = _flags("terminated", terminated, steps)
    cut = np.zeros(steps, np.bool_) if truncated is None else _flags("truncated", truncated, steps)
    _require_length("rewards", paid, steps)
    last = np.flatnonzero(ended | cut | (np.arange(steps) == steps - 1))
    first = np.concatenate(([0], last[:-1] + 1))
    before = np.asarray(states)
    if next_states is None:
        _require_length("states", before, steps + len(last), f"{steps} steps and {len(last)} ends")
        starts = first + np.arange(len(first))
        rows: list[Any] = [before[s : s + n + 2] for s, n in zip(starts, last - first, strict=True)]
    else:
        rows = _rows_of_pairs(before, np.asarray(next_states), first, last)
    return kept(
        (
            Trajectory(row, acted[a : z + 1], paid[a : z + 1], bool(ended[z]))
            for row, a, z in zip(rows, first, last, strict=True)
        ),
        num_actions,
        keep_whole=keep_whole,
    )


def _rows_of_pairs(
    states: np.ndarray, next_states: np.ndarray, first: np.ndarray, last: np.ndarray
) -> list[Any]:
    """The states of each episode, where each step has the one before and the one after."""
    steps = int(last[-1]) + 1
    _require_length("states", states, steps)
    _require_length("next_states", next_states, steps)
    if states.shape != next_states.shape:
        raise InvalidRequest(
            "next_states", f"has the shape {next_states.shape}; must have {states.shape}, as states"
        )
    goes_on = np.ones(steps, np.bool_)
    goes_on[last] = False
    inner = np.flatnonzero(goes_on)
    one, other = next_states[inner], states[inner + 1]
    # What is not finite is told by name later on; NaN differs from itself.
    same = (one == other) | ((one != one) & (other != other))
    wrong = inner[~same.reshape(len(inner), -1).all(axis=1)]
    if len(wrong):
        step = int(wrong[0])
        raise InvalidRequest(
            f"next_states[{step}]",
            f"is not states[{step + 1}], and no episode ends with step {step}; must be, or the "
            "step be terminated or truncated",
        )
    return [
        np.concatenate([states[a : z + 1], next_states[z : z + 1]])
        for a, z in zip(first, last, strict=True)
    ]


def _column(name: str, values: Any) -> Any:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        raise InvalidRequest(name, f"is {array.dtype}{list(array.shape)}; must be numbers [N]")
    return array


def _flags(name: str, values: Any, steps: int) -> Any:
    array = _column(name, values)
    _require_length(name, array, steps)
    if not np.isin(array, (0, 1)).all():
        raise InvalidRequest(name, "has something else than true and false")
    return array.astype(np.bool_)


def _require_length(name: str, array: np.ndarray, steps: int, because: str = "") -> None:
    if array.ndim == 0 or len(array) != steps:
        length = len(array) if array.ndim else "no rows"
        raise InvalidRequest(
            name, f"has {length}; must have {steps}, for {because or 'as many actions'}"
        )

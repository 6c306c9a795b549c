"""Steps as columns: what supervised learning of continuous states takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.learning.data.recording import check_trajectory
from mcts_service.protocols import Trajectory

__all__ = ["Steps", "steps_of"]


@dataclass(frozen=True)
class Steps:
    """N steps of trajectories, one row each.

    Attributes:
      states: float64[N, D].
      actions: int64[N].
      rewards: float64[N].
      next_states: float64[N, D].
      terminated: bool[N].
      first: which rows begin a trajectory: int64[E], ascending from 0.
    """

    states: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_states: np.ndarray
    terminated: np.ndarray
    first: np.ndarray

    def __len__(self) -> int:
        return len(self.actions)

    def of(self, rows: np.ndarray) -> Steps:
        """Some of the rows, as if each began a trajectory."""
        actions = self.actions[rows]
        return Steps(
            self.states[rows],
            actions,
            self.rewards[rows],
            self.next_states[rows],
            self.terminated[rows],
            np.arange(len(actions)),
        )


def steps_of(trajectories: Iterable[Trajectory[Any]], num_actions: int | None = None) -> Steps:
    """The steps of trajectories whose states are vectors.

    Args:
      trajectories: states are arrays of D numbers, all of the same D.
      num_actions: actions must be below it; None: any integer from 0 on.
    Raises:
      InvalidRequest: there is no trajectory, or one is empty, ragged or not finite: names the
        trajectory, the step and the field.
    """
    checked = list(trajectories)
    if not checked:
        raise InvalidRequest("trajectories", "is empty; must have one at least")
    states = []
    for number, trajectory in enumerate(checked):
        check_trajectory(trajectory, number, num_actions)
        states.append(_vectors(trajectory.states, number))
        if states[number].shape[1] != states[0].shape[1]:
            raise InvalidRequest(
                f"trajectories[{number}].states",
                f"has vectors of {states[number].shape[1]}; must be of {states[0].shape[1]}, as "
                "in the first trajectory",
            )
    lengths = [len(trajectory.actions) for trajectory in checked]
    first = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)
    terminated = np.zeros(sum(lengths), np.bool_)
    terminated[first + np.array(lengths) - 1] = [bool(t.terminated) for t in checked]
    return Steps(
        np.concatenate([rows[:-1] for rows in states]),
        np.concatenate([np.asarray(t.actions, np.int64) for t in checked]),
        np.concatenate([np.asarray(t.rewards, np.float64) for t in checked]),
        np.concatenate([rows[1:] for rows in states]),
        terminated,
        first,
    )


def _vectors(states: Any, number: int) -> np.ndarray:
    try:
        rows = np.asarray(states, np.float64)
    except (TypeError, ValueError):
        rows = np.empty(())
    if rows.ndim != 2 or not rows.shape[1]:
        raise InvalidRequest(
            f"trajectories[{number}].states", f"is {shown(states)}; must be vectors [T + 1, D]"
        )
    return rows

"""Steps between numbered states, read out of trajectories or single experiences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.learning.data.recording import check_trajectory
from mcts_service.learning.fit.labels import Labels
from mcts_service.protocols import Experience, Trajectory

__all__ = ["NumberedSteps", "are_numbers", "trajectories_of"]

_LARGEST = 2**31 - 2


@dataclass(frozen=True)
class NumberedSteps:
    """N steps.

    Attributes:
      states, actions, next_states: int64[N].
      rewards: float64[N].
      terminated: bool[N].
      first: the states in which trajectories begin, int64[E].
    """

    states: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_states: np.ndarray
    terminated: np.ndarray
    first: np.ndarray

    @classmethod
    def of(
        cls,
        trajectories: Iterable[Trajectory[Any]],
        *,
        labels: Labels | None,
        num_states: int | None,
        num_actions: int | None,
    ) -> NumberedSteps:
        """The steps of trajectories.

        Args:
          labels: the states by their numbers; None: states are numbers.
          num_states, num_actions: what numbers must be below; None: any from 0 on.
        Raises:
          InvalidRequest: there is no trajectory, or one is empty, ragged, not finite, or has a
            state or an action out of range; names the trajectory, the step and the field.
        """
        columns: list[tuple[Any, ...]] = []
        for number, trajectory in enumerate(trajectories):
            check_trajectory(trajectory, number, num_actions)
            name = f"trajectories[{number}].states"
            states = _numbers(trajectory.states, labels, num_states, name)
            terminated = np.zeros(len(states) - 1, np.bool_)
            terminated[-1] = bool(trajectory.terminated)
            actions = np.asarray(trajectory.actions, np.int64)
            rewards = np.asarray(trajectory.rewards, np.float64)
            columns.append((states[:-1], actions, rewards, states[1:], terminated, states[:1]))
        if not columns:
            raise InvalidRequest("trajectories", "is empty; must have one at least")
        return cls(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def trajectories_of(data: Iterable[Trajectory[Any] | Experience[Any]]) -> list[Trajectory[Any]]:
    """The data as trajectories: a single experience is one of a single step.

    Raises:
      InvalidRequest: something is neither.
    """
    trajectories: list[Trajectory[Any]] = []
    for number, item in enumerate(data):
        if isinstance(item, Experience):
            states = [item.state, item.next_state]
            trajectories.append(
                Trajectory(states, [item.action], [item.reward], bool(item.terminated))
            )
        elif isinstance(item, Trajectory):
            trajectories.append(item)
        else:
            raise InvalidRequest(
                f"trajectories[{number}]",
                f"is {shown(item)}; must be a Trajectory or an Experience",
            )
    return trajectories


def are_numbers(trajectories: Iterable[Trajectory[Any]]) -> bool:
    """True if every state is an integer from 0 on."""
    return all(
        _is_numeric(trajectory.states)
        if isinstance(trajectory.states, np.ndarray)
        else all(_is_number(state) for state in trajectory.states)
        for trajectory in trajectories
    )


def _is_numeric(states: np.ndarray) -> bool:
    return states.ndim == 1 and states.dtype.kind in "iu" and bool((states >= 0).all())


def _is_number(state: Any) -> bool:
    is_integer = isinstance(state, (int, np.integer)) and not isinstance(state, bool)
    return is_integer and bool(state >= 0)


def _numbers(states: Any, labels: Labels | None, num_states: int | None, name: str) -> np.ndarray:
    if labels is not None:
        return np.array([labels.number(state) for state in states], np.int64)
    limit = _LARGEST if num_states is None else num_states - 1
    if not isinstance(states, np.ndarray) or not _is_numeric(states):
        for step, state in enumerate(states):
            if not _is_number(state) or state > limit:
                raise InvalidRequest(
                    f"{name}[{step}]", f"is {shown(state)}; must be an integer from 0 to {limit}"
                )
    numbers = np.asarray(states, np.int64)
    above = np.flatnonzero(numbers > limit)
    if len(above):
        step = int(above[0])
        raise InvalidRequest(
            f"{name}[{step}]", f"is {numbers[step]}; must be an integer from 0 to {limit}"
        )
    return numbers

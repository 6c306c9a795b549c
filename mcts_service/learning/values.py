"""The types that updates are written in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from mcts_service.learning.change import Change, Changes, Parameters
from mcts_service.policies import QFunction
from mcts_service.protocols import Experience, Trajectory

__all__ = [
    "ActionValues",
    "Along",
    "ExperienceUpdate",
    "Improvement",
    "StateValues",
    "TrajectoryUpdate",
    "VFunction",
    "Values",
]

#: state -> its value, in reward units.
VFunction: TypeAlias = Callable[[Any], float]


class ExperienceUpdate(Protocol):
    """experience x parameters -> change."""

    def __call__(
        self, experience: Experience[Any], parameters: Any, rng: np.random.Generator
    ) -> Changes:
        """What one step says should be added to the parameters, before a step size."""
        ...


class TrajectoryUpdate(Protocol):
    """trajectory x parameters -> change."""

    def __call__(
        self, trajectory: Trajectory[Any], parameters: Any, rng: np.random.Generator
    ) -> Changes:
        """What a whole trajectory says should be added, before a step size."""
        ...


class Improvement(Protocol):
    """trajectory x parameters x step size -> parameters: what a training loop repeats."""

    def __call__(
        self,
        trajectory: Trajectory[Any],
        parameters: Parameters,
        step_size: float,
        rng: np.random.Generator,
    ) -> Parameters:
        """New parameters; those that are given stay as they are."""
        ...


@dataclass(frozen=True)
class Along:
    """The values that a trajectory passes, and by which parameters they are made.

    Attributes:
      rewards: float64[N]; N is the number of steps that are learned from.
      values: float64[N + 1], the last standing for all that is still to come: 0 in a terminal
        state.
      indices: into the flat parameters, of those that each value is the sum of: int64[N, K].
    """

    rewards: np.ndarray
    values: np.ndarray
    indices: np.ndarray

    def towards(self, errors: np.ndarray) -> Change:
        """Moves each value by its error: sum over t of errors[t] * gradient of values[t].

        Args:
          errors: float64[N].
        """
        return Change(self.indices.reshape(-1), np.repeat(errors, self.indices.shape[1]))

    def first_visits(self) -> np.ndarray:
        """Where a value is passed for the first time, by its parameters: bool[N]."""
        _, first = np.unique(self.indices, axis=0, return_index=True)
        is_first = np.zeros(len(self.indices), dtype=bool)
        is_first[first] = True
        return is_first


class Values(Protocol):
    """Values, of states or of actions, as updates of whole trajectories use them."""

    def along(self, parameters: np.ndarray, trajectory: Trajectory[Any]) -> Along:
        """The values along a trajectory."""
        ...


class StateValues(Values, Protocol):
    """parameters -> V-function, and its gradient."""

    def __call__(self, parameters: np.ndarray) -> VFunction:
        """The V-function of these parameters."""
        ...

    def gradient(self, parameters: np.ndarray, state: Any) -> Change:
        """Of the state's value by the parameters."""
        ...


class ActionValues(Values, Protocol):
    """parameters -> Q-function, and its gradient."""

    def __call__(self, parameters: np.ndarray) -> QFunction:
        """The Q-function of these parameters."""
        ...

    def gradient(self, parameters: np.ndarray, state: Any, action: int) -> Change:
        """Of the action's value by the parameters."""
        ...

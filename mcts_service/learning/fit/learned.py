"""What every learned model can be asked, whatever it is learned by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Protocol

import numpy as np

from mcts_service.protocols import Trajectory

__all__ = ["LearnedModel", "Level"]

#: Of the ladder: a distribution model knows its probabilities, a sample model draws.
Level = Literal["distribution", "sample"]


class LearnedModel(Protocol):
    """A model that was fitted to trajectories, and can be judged by others.

    Each has `sample`, is planned and played like any other model, and is saved by
    `mcts_service.learning.fit.save`.

    Attributes:
      level: which rung of the ladder it stands on.
      num_actions: actions are the integers 0 .. num_actions - 1.
      discount: per step.
    """

    level: Level

    @property
    def num_actions(self) -> int: ...

    @property
    def discount(self) -> float: ...

    def log_likelihood(self, trajectories: Iterable[Trajectory[Any]]) -> np.ndarray:
        """The logarithm of the probability, or density, of what each step led to.

        That is the next state, and whether it ended the episode; -inf for what cannot be.

        Returns:
          float64[N], of the N steps one behind the other.
        """
        ...

    def predictions(self, trajectories: Iterable[Trajectory[Any]]) -> tuple[np.ndarray, np.ndarray]:
        """What is expected of each step, given the state that it led to.

        Returns:
          (rewards float64[N], in reward units; probabilities that the episode ends there
          float64[N]).
        """
        ...

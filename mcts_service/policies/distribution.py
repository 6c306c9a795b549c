"""The step from a distribution over actions to an action."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest

__all__ = ["ActionDistribution"]

S_contra = TypeVar("S_contra", contravariant=True)


class ActionDistribution(ABC, Generic[S_contra]):
    """A policy that says how likely each action is, and is drawn from to act."""

    @abstractmethod
    def probabilities(self, state: S_contra) -> np.ndarray:
        """How likely each action is to be taken: float64[num_actions], summing to 1."""

    def action(self, state: S_contra, rng: np.random.Generator) -> int:
        """An action, drawn with one `rng.random()`; nothing is drawn where one action is sure.

        Raises:
          InvalidRequest: the probabilities sum to 0, or to what is not finite.
        """
        cumulative = self.probabilities(state).cumsum()
        # Written so that NaN is wrong too.
        if not 0 < cumulative[-1] < np.inf:
            raise InvalidRequest(
                "probabilities",
                f"of state {shown(state)} sum to {cumulative[-1]}; must sum to 1",
            )
        first = int(cumulative.searchsorted(0.0, side="right"))
        # What rounding leaves of the sum is nobody's: the draw is of the sum as it is.
        if cumulative[first] == cumulative[-1]:
            return first
        drawn = cumulative.searchsorted(rng.random() * cumulative[-1], side="right")
        return int(drawn)

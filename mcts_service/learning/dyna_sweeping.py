"""Dyna by prioritized sweeping."""

from __future__ import annotations

import numpy as np

from mcts_service.learning.dyna import DynaLearner
from mcts_service.planning.prioritized_sweeping import PrioritizedSweeping
from mcts_service.protocols import Experience

__all__ = ["DynaSweeping"]


class DynaSweeping(DynaLearner):
    """Acts epsilon-greedily on what prioritized sweeping makes of the steps so far.

    Attributes:
      sweeping: the learned model and its queue. `planning_steps` updates at most follow each real
        step, fewer where nothing is wrong.

    Source: Sutton and Barto (2018), section 8.4.
    """

    def __init__(
        self, sweeping: PrioritizedSweeping, *, epsilon: float = 0.1, planning_steps: int = 10
    ) -> None:
        """Raises InvalidRequest: epsilon is not from 0 to 1, or planning_steps is below 0."""
        self.sweeping = sweeping
        super().__init__(sweeping.action_values, epsilon, planning_steps)

    def learn(self, experience: Experience[int], rng: np.random.Generator) -> None:
        """Takes in one real step, and sweeps. Draws nothing.

        Raises:
          InvalidRequest: as `PrioritizedSweeping.observe`.
        """
        self.sweeping.observe(experience)
        self.updates += self.sweeping.sweep(self.planning_steps)

    def transitions(self, state: int, action: int) -> list[tuple[float, int, float, bool]]:
        """As `PrioritizedSweeping.transitions`."""
        return self.sweeping.transitions(state, action)

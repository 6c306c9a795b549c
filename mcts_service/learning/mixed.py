"""Several trajectory models as one: real trajectories and simulated ones, mixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mcts_service.checks import require_number
from mcts_service.errors import InvalidRequest
from mcts_service.models import as_trajectory_model
from mcts_service.protocols import Policy, Trajectory

__all__ = ["Mixed"]


class Mixed:
    """Each trajectory is of one of several models, drawn by their ratios.

    Attributes:
      models: as trajectory models.
      shares: how likely each is: float64[K], summing to 1.
    """

    def __init__(self, models: Sequence[tuple[Any, float]]):
        """Mixes models.

        Args:
          models: (model, ratio) each: `[(env, 1), (model, 10)]` simulates ten trajectories for a
            real one, on average. Each model is of any level, or an environment.
        Raises:
          InvalidRequest: there are none, a ratio is negative or not finite, or all are 0.
        """
        if not models:
            raise InvalidRequest("models", "is empty; must have one model at least")
        self.models = [as_trajectory_model(model) for model, _ in models]
        ratios = [
            require_number(f"models[{i}]", ratio, 0.0, 1e140) for i, (_, ratio) in enumerate(models)
        ]
        if not any(ratios):
            raise InvalidRequest("models", "has ratios of 0 only; must have one above 0")
        self.shares = np.array(ratios) / max(ratios)
        self.shares /= self.shares.sum()
        self._last = int(np.flatnonzero(self.shares)[-1])

    def trajectory(self, policy: Policy[Any], rng: np.random.Generator) -> Trajectory[Any]:
        """A trajectory of the model that one `rng.random()` draws."""
        drawn = int(self.shares.cumsum().searchsorted(rng.random(), side="right"))
        # What rounding leaves over goes to the last that there is any share of.
        return self.models[min(drawn, self._last)].trajectory(policy, rng)

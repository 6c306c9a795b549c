"""What a training loop tells of each iteration, and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from mcts_service.learning.change import Parameters
from mcts_service.protocols import Policy, Trajectory

__all__ = ["Callback", "Iteration"]


@dataclass(frozen=True)
class Iteration:
    """One iteration that is done.

    Attributes:
      number: how many are done, this one included.
      iterations: how many there will be, if nothing stops them.
      steps: how many steps all trajectories so far had.
      trajectory: what was learned from.
      policy: that played it.
      parameters: that were learned: of the policy of the next iteration.
      rng: of the loop, as it is now. To be saved, and not to be drawn from.
      metrics: of this iteration: "return" (the sum of the rewards), "length" (in steps), "steps",
        "terminated" and "step_size". A callback may add to them for those after it.
    """

    number: int
    iterations: int
    steps: int
    trajectory: Trajectory[Any]
    policy: Policy[Any]
    parameters: Parameters
    rng: np.random.Generator
    metrics: dict[str, Any]


class Callback(Protocol):
    """Is told of each iteration. One that has `close()` is closed when the loop ends, however."""

    def __call__(self, done: Iteration) -> bool | None:
        """True stops the loop after this iteration."""
        ...

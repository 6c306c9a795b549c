"""trajectory x parameters -> change: methods that learn values from a whole trajectory.

Each moves every value that the trajectory passed towards what came after it. Of state values that
is prediction; of action values, Sarsa's kind of control. What stands for the rest of a trajectory
that was cut is said in `LinearV.along` and `LinearQ.along`: the last value that is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.checks import require_integer, require_number
from mcts_service.learning.change import Change
from mcts_service.learning.targets import lambda_errors, n_step_errors, return_errors
from mcts_service.learning.values import Values
from mcts_service.protocols import Trajectory

__all__ = ["MonteCarlo", "NStep", "TDLambda"]


@dataclass(frozen=True)
class MonteCarlo:
    """Towards the returns that followed.

    Attributes:
      values: of states or of actions.
      discount: per step, from 0 to 1.
      first_visit: learns from the first visit alone of each state, or state and action, that the
        features tell apart; default from every visit.
    Source: Sutton and Barto (2018), sections 5.1 and 9.3.
    """

    values: Values
    discount: float
    first_visit: bool = False

    def __post_init__(self) -> None:
        require_number("discount", self.discount, 0.0, 1.0)

    def __call__(
        self, trajectory: Trajectory[Any], parameters: np.ndarray, rng: np.random.Generator
    ) -> Change:
        """The change; `rng` is not asked."""
        along = self.values.along(parameters, trajectory)
        errors = return_errors(along.rewards, along.values, self.discount)
        if self.first_visit:
            errors *= along.first_visits()
        return along.towards(errors)


@dataclass(frozen=True)
class NStep:
    """Towards the rewards of n steps and the value after them.

    Attributes:
      values: of states (n-step TD) or of actions (n-step Sarsa).
      discount: per step, from 0 to 1.
      steps: n, from 1.
    Source: Sutton and Barto (2018), equations 7.2 and 7.5.
    """

    values: Values
    discount: float
    steps: int

    def __post_init__(self) -> None:
        require_number("discount", self.discount, 0.0, 1.0)
        require_integer("steps", self.steps, 1, 2**31 - 1)

    def __call__(
        self, trajectory: Trajectory[Any], parameters: np.ndarray, rng: np.random.Generator
    ) -> Change:
        """The change; `rng` is not asked."""
        along = self.values.along(parameters, trajectory)
        return along.towards(n_step_errors(along.rewards, along.values, self.discount, self.steps))


@dataclass(frozen=True)
class TDLambda:
    """Towards the lambda-return: all n-step returns, each weighted lambda times the one before.

    The sum over a trajectory at the same parameters, by which looking forward and accumulating
    traces backward are one and the same.

    Attributes:
      values: of states (TD(lambda)) or of actions (Sarsa(lambda)).
      discount: per step, from 0 to 1.
      trace_decay: lambda, from 0 (one step) to 1 (Monte Carlo).
    Source: Sutton and Barto (2018), sections 12.1 and 12.2.
    """

    values: Values
    discount: float
    trace_decay: float

    def __post_init__(self) -> None:
        require_number("discount", self.discount, 0.0, 1.0)
        require_number("trace_decay", self.trace_decay, 0.0, 1.0)

    def __call__(
        self, trajectory: Trajectory[Any], parameters: np.ndarray, rng: np.random.Generator
    ) -> Change:
        """The change; `rng` is not asked."""
        along = self.values.along(parameters, trajectory)
        return along.towards(
            lambda_errors(along.rewards, along.values, self.discount, self.trace_decay)
        )

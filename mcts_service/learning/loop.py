"""The training loop: initial parameters -> policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.checks import require_integer, require_number
from mcts_service.errors import InvalidRequest
from mcts_service.learning.change import Parameters, copied
from mcts_service.learning.checkpoint import Checkpoint, restored
from mcts_service.learning.iteration import Callback, Iteration, telling
from mcts_service.learning.schedules import Schedule, constant
from mcts_service.learning.steps import require_observations, rewards_of
from mcts_service.learning.values import Improvement
from mcts_service.models import as_trajectory_model
from mcts_service.protocols import Policy, Trajectory

__all__ = ["Trained", "train"]


@dataclass(frozen=True)
class Trained:
    """What a training loop came to.

    Attributes:
      policy: by the parameters, as it would play the next iteration.
      parameters: that were learned; of expert iteration of whatever form they have.
      iterations: how many were done, those of a checkpoint included.
      steps: how many steps were learned from, those of a checkpoint included.
      stopped: True if a callback stopped the loop.
    """

    policy: Policy[Any]
    parameters: Any
    iterations: int
    steps: int
    stopped: bool


def train(
    parameters: Parameters,
    *,
    model: Any,
    policy: Callable[[Any, int], Policy[Any]],
    improve: Improvement,
    step_size: float | Schedule,
    iterations: int,
    rng: np.random.Generator,
    callbacks: Sequence[Callback] = (),
    resume: Checkpoint | None = None,
) -> Trained:
    """Plays a trajectory, learns from it, and plays the next by what was learned.

    All that it asks of the model is policy -> trajectory.

    Args:
      parameters: to begin with; not changed.
      model: of any level, or a Gymnasium environment: see `as_trajectory_model`.
      policy: parameters x iteration -> policy. The iteration is counted from 0, for schedules:
        `lambda parameters, i: EpsilonGreedy(q(parameters), epsilon(i))`.
      improve: trajectory x parameters -> parameters: `one_by_one(QLearning(q, discount))`,
        `at_once(MonteCarlo(v, discount))`.
      step_size: for `improve`, >= 0; a function of the iteration, or the same for all.
      iterations: trajectories in all, from 1, those of a checkpoint included.
      rng: of everything that is drawn.
      callbacks: are told of each iteration, in their order.
      resume: goes on from there: with the parameters, the iteration and the state of `rng` that
        were saved. With all other arguments as they were, the numbers are those of a run that
        was never interrupted.
    Raises:
      InvalidRequest: an argument is wrong, a trajectory is empty or ragged or has a number that
        is not finite, or the parameters grew beyond every number.
    """
    trajectory_model = as_trajectory_model(model)
    size = step_size if callable(step_size) else constant(step_size)
    require_integer("iterations", iterations, 1, 2**53)
    parameters, number, steps, stopped = copied(parameters), 0, 0, False
    if resume is not None:
        parameters, number, steps = restored(resume, parameters, rng)
    with telling(callbacks) as tell:
        while number < iterations and not stopped:
            acting = policy(parameters, number)
            trajectory = trajectory_model.trajectory(acting, rng)
            metrics = _metrics(trajectory, require_number("step_size", size(number), 0.0, 1e140))
            parameters = improve(trajectory, parameters, metrics["step_size"], rng)
            number, steps = number + 1, steps + metrics["length"]
            _require_finite(parameters, number)
            metrics["steps"] = steps
            stopped = tell(
                Iteration(number, iterations, steps, trajectory, acting, parameters, rng, metrics)
            )
    return Trained(policy(parameters, number), parameters, number, steps, stopped)


def _metrics(trajectory: Trajectory[Any], step_size: float) -> dict[str, Any]:
    """Of a trajectory that is whole."""
    rewards = rewards_of(trajectory)
    require_observations(trajectory)
    return {
        "return": float(rewards.sum()),
        "length": len(rewards),
        "terminated": bool(trajectory.terminated),
        "step_size": step_size,
    }


def _require_finite(parameters: Parameters, number: int) -> None:
    if isinstance(parameters, tuple):
        for part in parameters:
            _require_finite(part, number)
    elif not np.isfinite(parameters).all():
        raise InvalidRequest(
            "step_size",
            f"let the parameters grow beyond every number in iteration {number}; must be smaller",
        )

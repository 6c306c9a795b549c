"""Data by playing: a policy in whatever gives trajectories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from mcts_service.checks import require_integer
from mcts_service.learning.data.recording import Recording, check_trajectory
from mcts_service.models import as_trajectory_model
from mcts_service.protocols import Policy, Trajectory, TrajectoryModel

__all__ = ["collect"]

S = TypeVar("S")

_MOST_STEPS = 2**40


def collect(
    source: TrajectoryModel[S] | Any,
    policy: Policy[S],
    steps: int,
    rng: np.random.Generator,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Recording:
    """Plays episodes until so many steps are done.

    The last trajectory is cut where it has more steps than are asked for, and has then not ended.

    Args:
      source: an environment, or a model of any level with initial states, as of `train`.
      policy: plays.
      steps: of all trajectories together, >= 1.
      rng: the only source of randomness.
      progress: called with the steps done and the steps asked for after each episode.
    Returns:
      Trajectories of `steps` steps together.
    Raises:
      InvalidRequest: the source gives no trajectories, or one that is empty, ragged or not finite.
    """
    require_integer("steps", steps, 1, _MOST_STEPS)
    source = as_trajectory_model(source)
    trajectories: list[Trajectory[Any]] = []
    done = 0
    while done < steps:
        trajectory = source.trajectory(policy, rng)
        check_trajectory(trajectory, len(trajectories))
        left = steps - done
        if len(trajectory.actions) > left:
            trajectory = Trajectory(
                trajectory.states[: left + 1],
                trajectory.actions[:left],
                trajectory.rewards[:left],
                False,
            )
        trajectories.append(trajectory)
        done += len(trajectory.actions)
        if progress is not None:
            progress(done, steps)
    return Recording(tuple(trajectories))

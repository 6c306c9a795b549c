"""From updates to improvements, and from single steps to whole trajectories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mcts_service._learning import OnlineSteps
from mcts_service.errors import InvalidRequest
from mcts_service.learning.change import Changes, Parameters, add, applied, copied, scaled, summed
from mcts_service.learning.experience_updates import NativeForm
from mcts_service.learning.features import active_along
from mcts_service.learning.linear_values import LinearQ, LinearV, require_shape
from mcts_service.learning.steps import action_numbers, rewards_of
from mcts_service.learning.values import ExperienceUpdate, Improvement, TrajectoryUpdate
from mcts_service.protocols import Trajectory

__all__ = ["at_once", "lifted", "one_by_one", "weighted"]


def lifted(update: ExperienceUpdate) -> TrajectoryUpdate:
    """An update of one step as one of a whole trajectory: the sum over its steps, all of them at
    the same parameters.
    """

    def of_trajectory(
        trajectory: Trajectory[Any], parameters: Parameters, rng: np.random.Generator
    ) -> Changes:
        rewards_of(trajectory)
        return summed(update(step, parameters, rng) for step in trajectory.experiences())

    return of_trajectory


def weighted(update: Callable[..., Changes], factor: float) -> Callable[..., Changes]:
    """An update with a step size of its own beside that of the loop: a critic's, say."""
    return lambda *arguments: scaled(update(*arguments), factor)


def at_once(update: TrajectoryUpdate) -> Improvement:
    """Applies an update of a whole trajectory: parameters + step_size * change."""

    def improve(
        trajectory: Trajectory[Any],
        parameters: Parameters,
        step_size: float,
        rng: np.random.Generator,
    ) -> Parameters:
        return applied(parameters, update(trajectory, parameters, rng), step_size)

    return improve


def one_by_one(update: ExperienceUpdate, *, native: bool = True) -> Improvement:
    """Applies an update at each step of a trajectory, at the parameters that the steps before it
    left: online learning.

    Args:
      update: of one step.
      native: whether compiled code may do the same, bit for bit, where there is some: TD, Sarsa,
        Expected Sarsa of an epsilon-greedy policy, and Q-learning, of linear values.
    """

    def improve(
        trajectory: Trajectory[Any],
        parameters: Parameters,
        step_size: float,
        rng: np.random.Generator,
    ) -> Parameters:
        # Asked every time: the policy of an Expected Sarsa may explore less and less.
        compiled = getattr(update, "native", _none)() if native else None
        if compiled is not None:
            values = getattr(update, "v", None) or update.q  # type: ignore[attr-defined]
            return _natively(compiled, values, trajectory, parameters, step_size)
        rewards_of(trajectory)
        improved = copied(parameters)
        for step in trajectory.experiences():
            add(improved, update(step, improved, rng), step_size)
        return improved

    return improve


def _none() -> None:
    """The compiled form of an update that has none."""


def _natively(
    compiled: NativeForm,
    values: LinearV | LinearQ,
    trajectory: Trajectory[Any],
    parameters: Parameters,
    step_size: float,
) -> Parameters:
    """Along all steps in one call."""
    steps = _steps(values, trajectory)
    if isinstance(parameters, tuple):
        raise InvalidRequest("parameters", "are a tuple; must be one array")
    require_shape(parameters, values.shape)
    improved = np.array(parameters, order="C")
    compiled(steps, improved, step_size)
    return improved


def _steps(values: LinearV | LinearQ, trajectory: Trajectory[Any]) -> OnlineSteps:
    """What compiled code reads of a trajectory; every number in it is checked here."""
    rewards = rewards_of(trajectory)
    active = active_along(values.features, trajectory)
    # State values know no actions: whatever they are, zeros stand for them.
    actions = np.zeros(len(rewards), dtype=np.int64)
    if isinstance(values, LinearQ):
        actions = action_numbers(trajectory, values.num_actions)
    return OnlineSteps(active, actions, rewards, bool(trajectory.terminated))

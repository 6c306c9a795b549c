"""Whatever can be played, as policy -> trajectory."""

from __future__ import annotations

from typing import Any

from mcts_service.errors import InvalidRequest
from mcts_service.models.environment import EnvironmentModel
from mcts_service.models.levels import Level, is_environment, level_of
from mcts_service.models.unrolled import UnrolledModel
from mcts_service.protocols import TrajectoryModel

__all__ = ["as_trajectory_model"]


def as_trajectory_model(
    model: Any, *, initial_state: Any = None, max_steps: int | None = None
) -> TrajectoryModel[Any]:
    """The trajectory model that a model of any level induces, or that an environment is.

    Args:
      model: a distribution model, a sample model, a batch model, a Gymnasium environment, or a
        trajectory model, which stays as it is.
      initial_state: as of `UnrolledModel`; of a model that is unrolled only.
      max_steps: of one episode, for all but a trajectory model.
    Raises:
      InvalidRequest: it is none of these, or does not go with the other arguments.
    """
    if level_of(model) > Level.TRAJECTORY:
        return UnrolledModel(model, initial_state=initial_state, max_steps=max_steps)
    if initial_state is not None:
        raise InvalidRequest(
            "initial_state", "goes with a model that is unrolled; this one starts its own episodes"
        )
    if callable(getattr(model, "trajectory", None)):
        if max_steps is not None:
            raise InvalidRequest(
                "max_steps", "goes with a model that is unrolled, or with an environment"
            )
        found: TrajectoryModel[Any] = model
        return found
    assert is_environment(model)
    return EnvironmentModel(model, max_steps=max_steps)

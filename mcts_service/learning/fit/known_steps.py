"""Held-out steps between states that a model knows, and those of which it can say nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.learning.data.recording import check_trajectory
from mcts_service.models.identity import state_identity
from mcts_service.protocols import Trajectory

__all__ = ["KnownSteps", "are_vectors", "identity_of", "known_steps", "level_of"]


@dataclass(frozen=True)
class KnownSteps:
    """What of held-out trajectories a model can be judged by.

    Attributes:
      trajectories: as they were held out.
      pieces: of them, cut at states that the model does not know: all steps between two that it
        does.
      is_known: of each trajectory, which states the model knows: bool[T + 1] each.
      impossible: steps from a state that it knows into one that it does not.
      left_out: steps that begin in one that it does not know.
      unknown_states: how many different ones it does not know.
    """

    trajectories: Sequence[Trajectory[Any]]
    pieces: Sequence[Trajectory[Any]]
    is_known: Sequence[np.ndarray]
    impossible: int
    left_out: int
    unknown_states: int

    @property
    def rewards(self) -> np.ndarray:
        """Of the steps of the pieces: float64[N]."""
        return np.concatenate([np.asarray(piece.rewards, np.float64) for piece in self.pieces])

    @property
    def ends(self) -> np.ndarray:
        """1 for those of the same steps that ended an episode, else 0: float64[N]."""
        return np.concatenate(
            [np.append(np.zeros(len(p.actions) - 1), float(p.terminated)) for p in self.pieces]
        )


def known_steps(model: Any, trajectories: Sequence[Trajectory[Any]]) -> KnownSteps:
    """Tells the steps apart by the model's `validate_state`; without one it knows all states.

    Raises:
      InvalidRequest: there is no trajectory, or none with a step between states that the model
        knows; or one is empty, ragged, not finite, or has an action that the model does not have:
        names the trajectory, the step and the field.
    """
    if not trajectories:
        raise InvalidRequest("trajectories", "is empty; must have one at least")
    for number, trajectory in enumerate(trajectories):
        check_trajectory(trajectory, number, model.num_actions)
    validate = getattr(model, "validate_state", None)
    if validate is None or are_vectors(model, trajectories):
        everything = [np.ones(len(t.states), np.bool_) for t in trajectories]
        return KnownSteps(trajectories, trajectories, everything, 0, 0, 0)
    is_known = [np.array([_passes(validate, s) for s in t.states]) for t in trajectories]
    pieces = [
        piece
        for trajectory, known in zip(trajectories, is_known, strict=True)
        for piece in _pieces(trajectory, known)
    ]
    if not pieces:
        raise InvalidRequest(
            "trajectories", "have no step between states that the model knows; must have one"
        )
    unknown = {
        identity_of(model, state)
        for trajectory, known in zip(trajectories, is_known, strict=True)
        for state, passes in zip(trajectory.states, known, strict=True)
        if not passes
    }
    return KnownSteps(
        trajectories,
        pieces,
        is_known,
        impossible=sum(int((known[:-1] & ~known[1:]).sum()) for known in is_known),
        left_out=sum(int((~known[:-1]).sum()) for known in is_known),
        unknown_states=len(unknown),
    )


def level_of(model: Any) -> str:
    """As the model says itself, else "distribution" where it has `transitions`, or "sample"."""
    has_transitions = callable(getattr(model, "transitions", None))
    return str(getattr(model, "level", "distribution" if has_transitions else "sample"))


def are_vectors(model: Any, trajectories: Sequence[Trajectory[Any]]) -> bool:
    """Whether states are vectors, that are more or less far apart; else they are equal or not.

    They are not where the model knows the probability of each.
    """
    if level_of(model) == "distribution":
        return False
    states = trajectories[0].states
    return isinstance(states[0], np.ndarray) or callable(getattr(model, "sample_batch", None))


def identity_of(model: Any, state: Any) -> Hashable:
    """As of `state_identity`, of states that the model does not know, too."""
    try:
        return state_identity(model, state)
    except ValueError:
        return state_identity(None, state)


def _passes(validate: Callable[[Any], object], state: Any) -> bool:
    try:
        validate(state)
    except ValueError:
        return False
    return True


def _pieces(trajectory: Trajectory[Any], known: np.ndarray) -> list[Trajectory[Any]]:
    """All of its steps between two known states, in as few pieces as there can be."""
    steps = len(trajectory.actions)
    # Every unknown state is a cut; so is what is before the first state, and after the last.
    cuts = [-1, *np.flatnonzero(~known).tolist(), steps + 1]
    return [
        Trajectory(
            trajectory.states[before + 1 : after],
            trajectory.actions[before + 1 : after - 1],
            trajectory.rewards[before + 1 : after - 1],
            bool(trajectory.terminated) and after == steps + 1,
        )
        for before, after in pairwise(cuts)
        if after - before > 2
    ]

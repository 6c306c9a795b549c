"""Which level a model is of, and what to say of one that is asked for more than it can give.

What each level can do and cannot is the table in `mcts_service.models.ladder`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from mcts_service.errors import InvalidRequest

__all__ = ["Level", "is_environment", "level_of", "require_level"]


class Level(IntEnum):
    """The three levels, the greater able to do all that the lesser can."""

    TRAJECTORY = 1
    SAMPLE = 2
    DISTRIBUTION = 3

    @property
    def title(self) -> str:
        """As a message writes it: "distribution model"."""
        return f"{self.name.lower()} model"


#: What would lift a model to a level, as the end of a sentence.
_WHAT_GIVES = {
    Level.TRAJECTORY: "trajectory(policy, rng), or sample(state, action, rng) to be unrolled",
    Level.SAMPLE: (
        "sample(state, action, rng); a model learned from its trajectories has one, and so has "
        "from_gymnasium(env) of an environment"
    ),
    Level.DISTRIBUTION: (
        "transitions(state, action), all outcomes with their probabilities; a table learned from "
        "its samples has them"
    ),
}


def level_of(model: Any) -> Level:
    """The highest level of a model, by the methods that it has.

    A batch model is a sample model, a Gymnasium environment a trajectory model.

    Raises:
      InvalidRequest: it is of none; says what would make it one.
    """
    if callable(getattr(model, "transitions", None)):
        return Level.DISTRIBUTION
    if any(callable(getattr(model, name, None)) for name in ("sample", "sample_batch")):
        return Level.SAMPLE
    if callable(getattr(model, "trajectory", None)) or is_environment(model):
        return Level.TRAJECTORY
    raise InvalidRequest(
        "model",
        f"is a {type(model).__name__}, a model of no level; must have transitions(state, action), "
        "sample(state, action, rng), sample_batch(states, actions, rng), trajectory(policy, rng), "
        "or be a Gymnasium environment",
    )


def require_level(model: Any, needed: Level, purpose: str) -> None:
    """Raises InvalidRequest where a model is of a lower level than its use takes.

    Args:
      model: of any level.
      needed: by that use.
      purpose: the use, as the subject of a sentence: "value iteration".
    """
    found = level_of(model)
    if found < needed:
        raise InvalidRequest(
            "model",
            f"is a {found.title}; {purpose} takes a {needed.title}: one with {_WHAT_GIVES[needed]}",
        )


def is_environment(value: Any) -> bool:
    """True for what is stepped as a Gymnasium environment is: it has `reset` and `step`."""
    return all(callable(getattr(value, name, None)) for name in ("reset", "step"))

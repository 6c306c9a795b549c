"""Problems of Gymnasium, and 2048, whose best return is not known: judged by the mean return.

Episodes are played with the compiled models, which step as Gymnasium's environments do to within
roundings, and start and end as these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.quality.problem import Problem
from mcts_service.models import make

__all__ = ["CONTROL", "control_problem"]

#: More moves than a game of 2048 lasts: a move adds a tile of 2 or 4, and the board holds at most
#: 16 of 32768.
_NO_LIMIT = 300_000


@dataclass(frozen=True)
class Control:
    """What returns are held against.

    Attributes:
      reference: a good return.
      random: the mean return of random play, found by playing thousands of episodes.
      steps: of an episode at most; None: it ends by itself.
    """

    reference: float
    random: float
    steps: int | None


CONTROL = {
    # The greatest return there is.
    "cart_pole": Control(500.0, 22.3, 500),
    # Gymnasium's `reward_threshold`, from which on a problem counts as solved.
    "mountain_car": Control(-110.0, -200.0, 200),
    "acrobot": Control(-100.0, -498.7, 500),
    # What the merges bring that make a tile 2048 out of twos.
    "game_2048": Control(20_480.0, 1_102.0, None),
}


def control_problem(name: str) -> Problem:
    """A problem of `CONTROL`."""
    control, model = CONTROL[name], make(name)
    start: Any = model.initial_state
    return Problem(
        name=name,
        model=model,
        steps=control.steps or _NO_LIMIT,
        best=control.reference,
        random=control.random,
        start=lambda episode, luck: start(luck),
        loss=None,
        measure="return",
        tells_steps_left=control.steps is not None,
    )

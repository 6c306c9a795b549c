"""A problem whose right answers are known, and how a decision in it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Problem"]


@dataclass(frozen=True, eq=False)
class Problem:
    """What a planner plays, from a start to the end of an episode.

    An episode of an MDP has `horizon` decisions at most. A game is judged move by move: an
    episode is one position and one move, and a move that keeps the value of its position is worth
    1, any other 0.

    Attributes:
      name: as results are filed and panels titled.
      model: what the planner is given, and what the episode is played with.
      horizon: steps of an episode, told to the planner as the steps that are left; None: an
        episode is one decision, and the planner is told nothing.
      best: the expected return of the best policy; of a game 1.
      random: that of a policy that takes every legal action alike; of a game the share of moves
        that keep the value.
      start: draws the state that an episode begins with.
      loss: (state, action, steps left) -> by how much the best return that can still be expected
        falls by doing this, >= 0.
      attainable: what a perfect planner would get that discounts as the model does and does not
        know the steps that are left, where that is less than `best`.
    """

    name: str
    model: Any
    horizon: int | None
    best: float
    random: float
    start: Callable[[np.random.Generator], Any]
    loss: Callable[[Any, int, int], float]
    attainable: float | None = None

    @property
    def max_decisions(self) -> int:
        """Of an episode."""
        return 1 if self.horizon is None else self.horizon

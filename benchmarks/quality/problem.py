"""A problem that plans are held against, and how a decision in it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["Measure", "Problem"]

#: What a figure of a problem is: (return - random) / (best - random), the share of positions
#: whose value is kept, or the mean return of an episode.
Measure = Literal["score", "share", "return"]


@dataclass(frozen=True, eq=False)
class Problem:
    """What a planner plays, from a start to the end of an episode.

    A game is judged move by move: an episode is one position and one move, and a move that keeps
    the value of its position is worth 1, any other 0.

    Attributes:
      name: as results are filed and panels titled.
      model: what the planner is given, and what the episode is played with.
      steps: decisions of an episode at most.
      best: the expected return of the best policy, of a game 1; where it is not known, a return
        to compare with, which may be surpassed.
      random: that of a policy that takes every legal action alike; of a game the share of moves
        that keep the value.
      start: (number of the episode, luck) -> the state that it begins with.
      loss: (state, action, steps left) -> by how much the best return that can still be expected
        falls by doing this, >= 0. None: it is not known, and an episode is judged by its return.
      measure: what its figures are shown as; "return" exactly where there is no `loss`.
      tells_steps_left: whether the planner is told the steps that are left.
      block_episodes: of a block at most; see `episodes_of_block`.
      least_episodes: before a standard error is believed. A share of 0 or 1 seems to have none.
      attainable: what a perfect planner would get that discounts as the model does and does not
        know the steps that are left, where that is less than `best`.
    """

    name: str
    model: Any
    steps: int
    best: float
    random: float
    start: Callable[[int, np.random.Generator], Any]
    loss: Callable[[Any, int, int], float] | None
    measure: Measure = "score"
    tells_steps_left: bool = True
    block_episodes: int = 8
    least_episodes: int = 6
    attainable: float | None = None

    @property
    def span(self) -> float:
        """What lies between random play and the best."""
        return self.best - self.random

    @property
    def horizon(self) -> int | None:
        """Steps of an episode where the planner is told about them."""
        return self.steps if self.tells_steps_left else None

"""A cell's blocks as a score with its standard error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.episodes import Block
from benchmarks.quality.problem import Problem

__all__ = ["Score", "score_of"]


@dataclass(frozen=True)
class Score:
    """How good the plans of a cell are.

    Attributes:
      score: (return - random) / (best - random); of a problem whose best is not known, with
        its return to compare with in place of the best.
      standard_error: of the score, over episodes; infinite for a single one.
      mean_return: of an episode, in reward units.
      episodes: how many were played.
      milliseconds: of CPU time a decision.
    """

    score: float
    standard_error: float
    mean_return: float
    episodes: int
    milliseconds: float


def score_of(problem: Problem, blocks: Sequence[Block]) -> Score:
    """The score of at least one block."""
    losses = np.array([loss for block in blocks for loss in block.losses])
    scores = 1.0 - losses / problem.span
    spread = scores.std(ddof=1) / len(scores) ** 0.5 if len(scores) > 1 else np.inf
    seconds = sum(block.seconds for block in blocks)
    return Score(
        score=float(scores.mean()),
        standard_error=float(spread),
        mean_return=float(problem.best - losses.mean()),
        episodes=len(losses),
        milliseconds=1e3 * seconds / sum(block.decisions for block in blocks),
    )

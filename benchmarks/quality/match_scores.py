"""The pairs of games of a match as a score with its standard error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.matches import Pair

__all__ = ["MatchScore", "score_matches"]


@dataclass(frozen=True)
class MatchScore:
    """How a match stands.

    Attributes:
      game, milliseconds: as of `Pair`.
      wins, draws, losses: ours.
      points: the mean of a game: 1 a win, 0.5 a draw, 0 a loss.
      standard_error: of the points, over pairs; infinite for a single one.
      our_milliseconds, their_milliseconds: that a move took.
    """

    game: str
    milliseconds: int
    wins: int
    draws: int
    losses: int
    points: float
    standard_error: float
    our_milliseconds: float
    their_milliseconds: float


def score_matches(pairs: Sequence[Pair]) -> list[MatchScore]:
    """A score for each game and time that was played."""
    kinds = sorted({(pair.game, pair.milliseconds) for pair in pairs})
    return [_score([p for p in pairs if (p.game, p.milliseconds) == kind]) for kind in kinds]


def _score(pairs: Sequence[Pair]) -> MatchScore:
    games = [point for pair in pairs for point in pair.points]
    means = np.array([np.mean(pair.points) for pair in pairs])
    spread = means.std(ddof=1) / len(means) ** 0.5 if len(means) > 1 else np.inf
    return MatchScore(
        pairs[0].game,
        pairs[0].milliseconds,
        wins=games.count(1.0),
        draws=games.count(0.5),
        losses=games.count(0.0),
        points=float(means.mean()),
        standard_error=float(spread),
        our_milliseconds=float(np.mean([pair.our_milliseconds for pair in pairs])),
        their_milliseconds=float(np.mean([pair.their_milliseconds for pair in pairs])),
    )

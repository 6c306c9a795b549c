"""When the calls of an open loop are meant to start, and what each call asks for.

Both are drawn before the first call, alike in every process, so that several processes make
together the very calls that one would make.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcts_client._load.settings import Arrivals

__all__ = ["Deal", "intended_starts"]

#: Calls after which a deal begins anew.
_DEAL_LENGTH = 65_536
#: Keeps the deal's random numbers apart from those of the arrivals, which have the same seed.
_DEAL_STREAM = 1


def intended_starts(
    rate: float, warmup: float, duration: float, arrivals: Arrivals, rng: np.random.Generator
) -> np.ndarray:
    """The schedule of an open loop, warm-up first.

    Each part has exactly its length times `rate` calls, rounded: "constant" spaces them
    evenly; "poisson" draws a Poisson process given its count, whose arrivals are independent
    and uniform, so that chance in the count does not pass for a rate that was missed.

    Args:
      rate: calls a second.
      warmup, duration: seconds.

    Returns:
      Seconds from the beginning, ascending, in [0, warmup + duration). float64[N].
    """
    return np.concatenate(
        [_part(rate, warmup, arrivals, rng), warmup + _part(rate, duration, arrivals, rng)]
    )


def _part(rate: float, seconds: float, arrivals: Arrivals, rng: np.random.Generator) -> np.ndarray:
    count = round(rate * seconds)
    if arrivals == "constant":
        return np.arange(count) * (seconds / count) if count else np.empty(0)
    return np.sort(rng.uniform(0.0, seconds, count))


class Deal:
    """Which kind of work a call is, and from which of its states it plans: by chance, by weight."""

    def __init__(self, weights: Sequence[float], requests: Sequence[int], seed: int) -> None:
        """Draws.

        Args:
          weights: of each kind of work.
          requests: how many requests each kind has to choose from, one a state or batch.
        """
        rng = np.random.default_rng([seed, _DEAL_STREAM])
        shares = np.array(weights, float) / sum(weights)
        self._work = rng.choice(len(weights), size=_DEAL_LENGTH, p=shares)
        draws = rng.integers(2**31, size=_DEAL_LENGTH)
        self._request = draws % np.array(requests)[self._work]

    def of_call(self, number: int) -> tuple[int, int]:
        """The kind of work and the request of a call, numbered from 0."""
        place = number % _DEAL_LENGTH
        return int(self._work[place]), int(self._request[place])

"""When the calls of an open loop are meant to start, drawn before the first of them."""

from __future__ import annotations

import numpy as np

from mcts_client._load.settings import Arrivals

__all__ = ["intended_starts"]


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

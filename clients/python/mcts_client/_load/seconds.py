"""The results second by second, each call in the second in which it was meant to start."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mcts_client._load.records import Columns
from mcts_client._load.summary import Latencies

__all__ = ["Second", "by_second"]


@dataclass(frozen=True)
class Second:
    """Calls that were meant to start in one second.

    Attributes:
      second: since the end of the warm-up, from 0.
      calls: sent.
      ok: of these, answered with a plan.
      failed: of these, answered with an error.
      simulations: of their plans.
      latencies: of those with a plan.
    """

    second: int
    calls: int
    ok: int
    failed: int
    simulations: int
    latencies: Latencies


def by_second(measured: Columns, start: float, window: float) -> list[Second]:
    """Every second of the measured time, also those without calls.

    Args:
      measured: the calls that were meant to start after the warm-up.
      start: the end of the warm-up, in seconds of time.monotonic().
      window: measured seconds.
    """
    seconds = np.floor(measured.intended - start).astype(np.int64)
    return [
        _second(number, measured.rows(seconds == number)) for number in range(math.ceil(window))
    ]


def _second(number: int, calls: Columns) -> Second:
    failed = calls.is_answered & ~calls.is_ok
    return Second(
        second=number,
        calls=len(calls),
        ok=int(calls.is_ok.sum()),
        failed=int(failed.sum()),
        simulations=int(calls.simulations.sum()),
        latencies=Latencies.of(calls.latencies[calls.is_ok]),
    )

"""How long an asyncio loop waits for the GIL while searches over Python models run beside it.

    python benchmarks/python_lag.py [--seconds 5]

A coroutine sleeps for a millisecond, again and again, and notes by how much it woke too late:
beside no search, one, and two, each on grid10 in a thread of its own, as the server runs them.
Printed are percentiles of that lag, and the simulations that the searches did in a second.
"""

from __future__ import annotations

import argparse
import asyncio
import time

import numpy as np
from models.grid10 import START, Grid10

from mcts_service.planning import MCTS, Budget, CancelFlag

SLEEP = 0.001
HORIZON = 50
MOST_SIMULATIONS = 100_000_000
#: Beside this many searches.
SEARCHES = (0, 1, 2)


def search(cancel: CancelFlag) -> tuple[int, float]:
    """Plans until it is cancelled: (simulations, seconds)."""
    budget = Budget(simulations=MOST_SIMULATIONS)
    plan = MCTS(Grid10()).plan(START, budget, horizon=HORIZON, cancel=cancel)
    return plan.simulations, plan.search_time


async def lags(seconds: float) -> np.ndarray:
    """By how much each sleep of a millisecond was too long, in milliseconds. float64[N]."""
    late = []
    until = time.perf_counter() + seconds
    while (started := time.perf_counter()) < until:
        await asyncio.sleep(SLEEP)
        late.append(1e3 * (time.perf_counter() - started - SLEEP))
    return np.array(late)


async def measure(searches: int, seconds: float) -> str:
    """One line of the table."""
    flags = [CancelFlag() for _ in range(searches)]
    running = [asyncio.create_task(asyncio.to_thread(search, flag)) for flag in flags]
    await asyncio.sleep(0.2)  # until they are at work
    late = await lags(seconds)
    for flag in flags:
        flag.cancel()
    rate = sum(simulations / spent for simulations, spent in await asyncio.gather(*running))
    columns = "".join(f"{value:9.2f}" for value in np.percentile(late, (50, 90, 99, 100)))
    return f"{searches:8d}{len(late):9d}{columns}{rate:16,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    seconds = parser.parse_args().seconds
    print("lag of an asyncio loop, in milliseconds, beside searches over a Python model")
    print("searches   wakes      p50      p90      p99      max   simulations/s")
    for searches in SEARCHES:
        print(asyncio.run(measure(searches, seconds)), flush=True)


if __name__ == "__main__":
    main()

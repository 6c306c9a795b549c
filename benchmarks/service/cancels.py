"""How soon a search stops whose caller goes away, while other calls come in.

    python -m benchmarks.service.cancels [--cancels 200]

A server with one worker searches for a caller that cancels; the next plan waits behind it, and
its answer says that the worker was free. So what is told is more than what the worker took to
stop: the cancel's way there, a plan of one simulation, and its way back are in it. An own row says
what those take where nothing is cancelled. What the worker computes after the cancel is told by
the system, for the whole server.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path
from typing import TypeAlias

import grpc
import numpy as np

from benchmarks.service.load import PLAN, Load, make_calls, plan_request
from benchmarks.service.planner_server import planner_server
from benchmarks.service.row import Row, format_rows, milliseconds

__all__ = ["measure_cancels"]

_Plan: TypeAlias = "grpc.UnaryUnaryMultiCallable[bytes, bytes]"

LONG_SIMULATIONS = 10_000_000
#: A search may be going on for so long before it is cancelled, in seconds.
_LONGEST_BEFORE = 0.05
#: Calls a second of another process, which are answered beside.
_OTHER_RATE = 50.0
_AIM_SECONDS = 0.005


def measure_cancels(cancels: int = 200) -> list[Row]:
    """Latencies of a waiting plan from the cancel before it, and what is computed after one.

    Args:
      cancels: how many.
    """
    rng = np.random.default_rng(0)
    # Nothing is searched on the event loop, so that every plan waits for the worker.
    with (
        planner_server({"workers": 1, "at_once_seconds": 0.0}) as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        plan: _Plan = channel.unary_unary(PLAN)
        long, short = plan_request(LONG_SIMULATIONS), plan_request(1)
        # Answered without a worker: there is no such model.
        other = Load(server.target, plan_request(1, model="none"), cancels * 0.1, rate=_OTHER_RATE)
        others = threading.Thread(target=make_calls, args=(other,))
        others.start()
        idle = []
        for _ in range(cancels):
            started = time.monotonic()
            plan(short)
            idle.append(time.monotonic() - started)
        freed = []
        for before in rng.uniform(0.01, _LONGEST_BEFORE, cancels).tolist():
            running = plan.future(long)
            time.sleep(before)
            waiting = plan.future(short)
            time.sleep(0.005)
            cancelled = time.monotonic()
            running.cancel()
            waiting.result()
            freed.append(time.monotonic() - cancelled)
        computed = [_computed_after_cancel(server.pid, plan, long) for _ in range(cancels // 4)]
        others.join()
    return [
        *_rows("a plan, where nothing is cancelled", idle),
        *_rows("a waiting plan, from the cancel on", freed),
        Row(
            "cancel",
            "computed after the cancel, p99",
            milliseconds(computed, 99),
            "ms",
            aim=1e3 * _AIM_SECONDS,
        ),
    ]


def _rows(figure: str, seconds: list[float]) -> list[Row]:
    return [
        Row("cancel", f"{figure}, p{percentile}", milliseconds(seconds, percentile), "ms")
        for percentile in (50, 99)
    ]


def _computed_after_cancel(process: int, plan: _Plan, request: bytes) -> float:
    """Seconds of the CPU that the busiest thread has after a cancel, but for the event loop's."""
    running = plan.future(request)
    time.sleep(0.03)
    running.cancel()
    at_cancel = _cpu_seconds(process)
    time.sleep(0.1)
    after = _cpu_seconds(process)
    return max(seconds - at_cancel.get(thread, 0.0) for thread, seconds in after.items())


def _cpu_seconds(process: int) -> dict[str, float]:
    """What each thread has had of the CPU."""
    return {
        task.name: int(Path(task, "schedstat").read_text().split()[0]) / 1e9
        for task in Path(f"/proc/{process}/task").iterdir()
        if task.name != str(process)
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cancels", type=int, default=200, help="how many (default 200)")
    options = parser.parse_args()
    print(format_rows(measure_cancels(options.cancels)))


if __name__ == "__main__":
    main()

"""Is a plan back within the 50 ms that its caller gives it, at half of the saturating load?

    python -m benchmarks.service.deadlines [--seconds 20] [--rounds 3]

Two kinds of plans, of connect four: by a number of simulations, whose saturating rate is measured
first with as many callers as keep all workers busy; and by the deadline alone, each of which fills
a worker until it is due. Half of the cores search; who sends the calls needs the others. What
comes after its deadline counts as late, and so does what ends without a plan.
"""

from __future__ import annotations

import argparse
import os
import time

import grpc
import numpy as np

from benchmarks.service.load import Answers, Load, make_calls, plan_request
from benchmarks.service.planner_server import planner_server
from benchmarks.service.row import Row, format_rows, milliseconds

__all__ = ["measure_deadlines", "saturating_rate"]

DEADLINE_SECONDS = 0.05
#: Some milliseconds of search.
SIMULATIONS = 3_000
#: What a plan by its deadline alone may ask for besides: more than it can have.
ENDLESS = 10_000_000
_WARM_UP_SECONDS = 2.0


def measure_deadlines(seconds: float = 10.0) -> list[Row]:
    """The latencies of both kinds, and how many were late.

    Args:
      seconds: of each kind.
    """
    workers = max(1, (os.cpu_count() or 1) // 2)
    with planner_server({"workers": workers}) as server:
        rate = saturating_rate(server.target, plan_request(SIMULATIONS), workers, seconds / 4)
        by_number = _at_half(server.target, rate, plan_request(SIMULATIONS), seconds)
        filling = 0.9 * DEADLINE_SECONDS / workers
        by_deadline = _at_half(server.target, 1 / filling, plan_request(ENDLESS), seconds)
    return [
        Row(f"{SIMULATIONS} simulations", "saturating rate", rate, "/s"),
        *_rows(f"{SIMULATIONS} simulations", by_number),
        *_rows("until the deadline", by_deadline),
    ]


def saturating_rate(target: str, request: bytes, workers: int, seconds: float) -> float:
    """Plans a second with every worker busy.

    Args:
      request: what every call sends, as bytes.
      workers: of the server.
      seconds: to measure.
    """
    load = Load(target, request, seconds, concurrency=4 * workers)
    make_calls(Load(target, request, 0.5, concurrency=4 * workers))
    answers = make_calls(load)
    # The first and the last calls do not meet as many others.
    ends = np.sort(answers.sent + answers.latency)
    first, last = len(ends) // 10, len(ends) - 1 - len(ends) // 10
    return (last - first) / float(ends[last] - ends[first])


def _at_half(target: str, rate: float, request: bytes, seconds: float) -> Answers:
    """The calls at half of a rate, without those of the first seconds."""
    length = seconds + _WARM_UP_SECONDS
    load = Load(target, request, length, rate=rate / 2, timeout=DEADLINE_SECONDS)
    answers = make_calls(load)
    return answers.where(answers.sent > answers.sent.min() + _WARM_UP_SECONDS)


def _rows(test: str, answers: Answers) -> list[Row]:
    is_late = (answers.status != grpc.StatusCode.OK.value[0]) | (answers.latency > DEADLINE_SECONDS)
    plans = answers.of(grpc.StatusCode.OK)
    refused = answers.of(grpc.StatusCode.RESOURCE_EXHAUSTED)
    return [
        Row(test, f"latency, p50 of {len(answers)}", milliseconds(answers.latency, 50), "ms"),
        Row(
            test,
            "latency, p99",
            milliseconds(answers.latency, 99),
            "ms",
            aim=1e3 * DEADLINE_SECONDS,
        ),
        Row(test, "latency, greatest", milliseconds(answers.latency, 100), "ms"),
        Row(test, "late or without a plan", 100 * float(is_late.mean()), "%", aim=1.0),
        Row(test, "of those, refused at once", 100 * len(refused) / len(answers), "%"),
        Row(test, "simulations of a plan, median", float(np.median(plans.simulations)), ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each kind (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="times that all is done (default 3)")
    options = parser.parse_args()
    for round_number in range(options.rounds):
        started = time.perf_counter()
        rows = measure_deadlines(options.seconds)
        load = os.getloadavg()[0]
        print(
            f"round {round_number}, {time.perf_counter() - started:.0f} s, load average {load:.1f}"
        )
        print(format_rows(rows), flush=True)


if __name__ == "__main__":
    main()

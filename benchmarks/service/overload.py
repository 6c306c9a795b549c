"""What a server does with twice and with ten times the calls that it can serve.

    python -m benchmarks.service.overload [--seconds 10]

Plans of connect four, by half of the cores: who sends the calls needs the others. The peak is
what a closed loop that keeps all workers busy gets; goodput counts plans with all simulations
that they asked for. Meanwhile another process asks for the server's health, and a call that is
refused must say when to try again.
"""

from __future__ import annotations

import argparse
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.service.deadlines import saturating_rate
from benchmarks.service.load import Answers, Load, make_calls, plan_request
from benchmarks.service.planner_server import planner_server
from benchmarks.service.row import Row, format_rows, milliseconds

__all__ = ["MUST_HOLD", "measure_overload"]

#: About 20 ms of search, so that one process can send ten times what a worker can serve.
SIMULATIONS = 40_000
MAX_WAITING = 16
TIMES = (2, 10)
#: Of a call, in seconds: more than it takes to be served from the last place in the queue.
_TIMEOUT_SECONDS = 10.0
_HINTED, _LOST = "refusals that say when to try again", "neither planned nor refused"
#: Figures whose aims any machine reaches, however slow.
MUST_HOLD = frozenset({_HINTED, _LOST})
_WARM_UP_SECONDS = 1.0
_HEALTH_EVERY_SECONDS = 0.05


def measure_overload(seconds: float = 10.0) -> list[Row]:
    """Goodput, refusals and health at each overload.

    Args:
      seconds: of each.
    """
    workers = max(1, (os.cpu_count() or 1) // 2)
    request = plan_request(SIMULATIONS)
    rows = []
    with planner_server({"workers": workers, "max_waiting": MAX_WAITING}) as server:
        for times in TIMES:
            # Measured anew each time, as a machine that others use too changes.
            peak = saturating_rate(server.target, request, workers, seconds / 2)
            load = Load(
                server.target,
                request,
                seconds + _WARM_UP_SECONDS,
                rate=times * peak,
                timeout=_TIMEOUT_SECONDS,
            )
            with _health_asked(server.target) as health_seconds:
                answers = make_calls(load)
            rows += _rows(f"{times}x overload", answers, peak, seconds, health_seconds)
    return rows


def _rows(
    test: str, answers: Answers, peak: float, seconds: float, health_seconds: list[float]
) -> list[Row]:
    begin = float(answers.sent.min()) + _WARM_UP_SECONDS
    ended = answers.sent + answers.latency
    whole = answers.where((ended >= begin) & (ended < begin + seconds))
    plans = whole.of(grpc.StatusCode.OK)
    complete = plans.where(plans.simulations == SIMULATIONS)
    refused = answers.of(grpc.StatusCode.RESOURCE_EXHAUSTED)
    planned = answers.of(grpc.StatusCode.OK)
    others = len(answers) - len(refused) - len(planned)
    has_hint = refused.has_retry_info
    return [
        Row(test, "peak", peak, "/s"),
        Row(test, "calls", len(answers) / (seconds + _WARM_UP_SECONDS), "/s"),
        Row(test, "goodput", 100 * len(complete) / seconds / peak, "%", aim=95.0, better="higher"),
        Row(test, "refusals, p50", milliseconds(refused.latency, 50), "ms", aim=10.0),
        Row(test, "refusals, p99", milliseconds(refused.latency, 99), "ms", aim=10.0),
        Row(
            test,
            _HINTED,
            100 * float(has_hint.mean()) if len(refused) else math.nan,
            "%",
            aim=100.0,
            better="higher",
        ),
        Row(test, _LOST, float(others), "", aim=0.0),
        Row(test, "longest wait for a plan", milliseconds(planned.latency, 100), "ms"),
        Row(test, "health, p99", milliseconds(health_seconds, 99), "ms", aim=50.0),
    ]


@contextmanager
def _health_asked(target: str) -> Iterator[list[float]]:
    """Asks for the health of a server again and again; gives seconds of each answer.

    They are infinite where none came.
    """
    seconds: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        with grpc.insecure_channel(target) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while not stop.wait(_HEALTH_EVERY_SECONDS):
                started = time.monotonic()
                try:
                    stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
                except grpc.RpcError:
                    seconds.append(math.inf)
                else:
                    seconds.append(time.monotonic() - started)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seconds
    finally:
        stop.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each overload (default 10)")
    options = parser.parse_args()
    print(format_rows(measure_overload(options.seconds)))


if __name__ == "__main__":
    main()

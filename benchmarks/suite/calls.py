"""Calls over gRPC against calls that do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from comparison import Comparison, Pair
from programs import Programs
from report import Aim
from side_process import Side, SideProcess

__all__ = ["calls"]

PLAN, PLAN_LESS_SEARCH, EMPTY = "Plan", "Plan, less its search", "empty call"
PLAN_BATCH = "PlanBatch"
PLAN_MANY, EMPTY_STREAM = "PlanMany", "empty stream"


def calls(programs: Programs) -> Iterator[Comparison]:
    """`Plan` with few simulations, `PlanMany` and `PlanBatch` against calls that do nothing."""
    for work, work_in_flight, arguments, latency_aim, rate_aim in (
        (
            "unary call, one at a time",
            "unary calls, 64 in flight",
            {},
            Aim(1.15, "lower"),
            Aim(0.85, "higher"),
        ),
        (
            "connect four, 100 simulations, one at a time",
            "connect four, 100 simulations, 64 in flight",
            {"model": "connect_four", "simulations": 100},
            None,
            None,
        ),
    ):
        empty = {
            **arguments,
            "response_bytes": _response_bytes(_call("PlanCall", 1, 1, **arguments)),
        }
        latency = {
            PLAN: _call("PlanCall", 1, 500, **arguments),
            PLAN_LESS_SEARCH: _call("PlanCall", 1, 500, **arguments, less_search_time=True),
            EMPTY: _call("EmptyCall", 1, 500, **empty),
        }
        pairs = [Pair(PLAN_LESS_SEARCH, EMPTY, latency_aim), Pair(PLAN, EMPTY)]
        yield Comparison(
            "gRPC", work, "ms, median latency", "lower", latency, pairs, is_long=rate_aim is None
        )
        rate = {
            PLAN: _call("PlanCall", 64, 2_000, **arguments),
            EMPTY: _call("EmptyCall", 64, 2_000, **empty),
        }
        pairs = [Pair(PLAN, EMPTY, rate_aim)]
        yield Comparison(
            "gRPC",
            work_in_flight,
            "calls a second",
            "higher",
            rate,
            pairs,
            is_long=rate_aim is None,
        )
    yield _streams(in_flight=64)
    yield _batches(states=64, in_flight=4)


def _streams(in_flight: int) -> Comparison:
    """Plans in flight on one stream against calls, and against a stream that does nothing."""
    response_bytes = _response_bytes(_call("PlanCall", 1, 1))
    streamed_bytes = _response_bytes(_stream("PlanStream", in_flight))
    sides = {
        PLAN_MANY: _stream("PlanStream", in_flight),
        PLAN: _call("PlanCall", in_flight, 2_000),
        EMPTY: _call("EmptyCall", in_flight, 2_000, response_bytes=response_bytes),
        EMPTY_STREAM: _stream("EmptyStream", in_flight, response_bytes=streamed_bytes),
    }
    pairs = [Pair(PLAN_MANY, other) for other in (PLAN, EMPTY, EMPTY_STREAM)]
    work = f"plans on one stream, {in_flight} in flight"
    return Comparison("gRPC", work, "plans a second", "higher", sides, pairs)


def _batches(states: int, in_flight: int) -> Comparison:
    """Many states in a call against as many calls, and against calls that do nothing."""
    batch = {"in_flight": in_flight, "amount": 8_000, "states": states}
    sides = {
        PLAN_BATCH: _call("PlanBatchCall", **batch),
        PLAN: _call("PlanCall", states, 2_000),
        EMPTY: _call(
            "EmptyCall",
            **batch,
            response_bytes=_response_bytes(_call("PlanBatchCall", **batch)),
        ),
    }
    work = f"batches of {states} states, {in_flight} in flight"
    pairs = [Pair(PLAN_BATCH, PLAN), Pair(PLAN_BATCH, EMPTY)]
    return Comparison("gRPC", work, "states a second", "higher", sides, pairs)


def _response_bytes(side: Side) -> int:
    """Bytes that a call gets back."""
    with closing(SideProcess(side)) as process:
        return int(process.counts()["response bytes"])


def _call(name: str, in_flight: int, amount: int, **arguments: Any) -> Side:
    return Side(f"sides.unary_calls:{name}", {"in_flight": in_flight, **arguments}, amount)


def _stream(name: str, in_flight: int, **arguments: Any) -> Side:
    return Side(f"sides.streams:{name}", {"in_flight": in_flight, **arguments}, 4_000)

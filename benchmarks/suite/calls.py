"""Calls over gRPC against calls that do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from compare import Comparison, Pair
from programs import Programs
from report import Aim
from side_process import Side, SideProcess

__all__ = ["calls"]

PLAN, PLAN_LESS_SEARCH, EMPTY = "Plan", "Plan, less its search", "empty call"


def calls(programs: Programs) -> Iterator[Comparison]:
    """`Plan` with one simulation against a call that does nothing."""
    with closing(SideProcess(_call("PlanCall", 1, 1))) as process:
        response_bytes = int(process.counts()["response bytes"])
    latency = {
        PLAN: _call("PlanCall", 1, 1_000),
        PLAN_LESS_SEARCH: _call("PlanCall", 1, 1_000, less_search_time=True),
        EMPTY: _call("EmptyCall", 1, 1_000, response_bytes=response_bytes),
    }
    pairs = [Pair(PLAN_LESS_SEARCH, EMPTY, Aim(1.15, "lower")), Pair(PLAN, EMPTY)]
    work = "unary call, one at a time"
    yield Comparison("gRPC", work, "ms, median latency", "lower", latency, pairs)
    rate = {
        PLAN: _call("PlanCall", 64, 4_000),
        EMPTY: _call("EmptyCall", 64, 4_000, response_bytes=response_bytes),
    }
    pairs = [Pair(PLAN, EMPTY, Aim(0.85, "higher"))]
    yield Comparison("gRPC", "unary calls, 64 in flight", "calls a second", "higher", rate, pairs)


def _call(name: str, in_flight: int, amount: int, **arguments: Any) -> Side:
    return Side(f"sides.unary_calls:{name}", {"in_flight": in_flight, **arguments}, amount)

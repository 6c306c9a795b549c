"""The results of a load test, from its records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np

from mcts_client._load.records import STATUS_NAMES, Columns, Records
from mcts_client._load.settings import LoadSettings

__all__ = ["QUANTILES", "GeneratorLag", "Latencies", "Summary", "summarise"]

_OK = grpc.StatusCode.OK.value[0]
#: Names of the quantiles that are reported.
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


@dataclass(frozen=True)
class Latencies:
    """How long calls took, from their intended start to their answer.

    Attributes:
      count: calls.
      seconds: by the names of `QUANTILES`, each the latency of an actual call: the smallest
        that at least this part of the calls did not exceed. NaN without calls.
    """

    count: int
    seconds: Mapping[str, float]

    @classmethod
    def of(cls, seconds: np.ndarray) -> Latencies:
        """From the latency of each call, float64[N]."""
        if len(seconds) == 0:
            return cls(0, dict.fromkeys(QUANTILES, math.nan))
        values = np.quantile(seconds, list(QUANTILES.values()), method="inverted_cdf")
        return cls(len(seconds), dict(zip(QUANTILES, values.tolist(), strict=True)))


@dataclass(frozen=True)
class GeneratorLag:
    """How late the load test itself started its calls, in seconds; part of each latency."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True)
class Summary:
    """What a load test measured. Calls are those meant to start after the warm-up.

    Attributes:
      settings: what was asked for.
      interrupted: True if it was stopped before its end.
      window: measured seconds: `settings.duration`, or less if interrupted.
      calls: calls that were sent.
      unfinished: of these, calls that were still in flight at an interruption.
      statuses: answers by the name of their gRPC status; adds up to calls - unfinished.
      warmup_statuses: the same of the calls of the warm-up, which count for nothing else.
      messages: the first error text of each status, warm-up included.
      achieved_rate: calls sent, by the seconds that sending them took.
      lag: of the generator; None in a closed loop, which has no schedule.
      throughput: OK answers a second that came within the window.
      simulations_per_second: of these answers' plans.
      ok: latencies of the calls that succeeded.
      answered: latencies of all calls that were answered.
    """

    settings: LoadSettings
    interrupted: bool
    window: float
    calls: int
    unfinished: int
    statuses: Mapping[str, int]
    warmup_statuses: Mapping[str, int]
    messages: Mapping[str, str]
    achieved_rate: float
    lag: GeneratorLag | None
    throughput: float
    simulations_per_second: float
    ok: Latencies
    answered: Latencies

    def as_json(self) -> dict[str, Any]:
        """The fields of the JSON report, None where there is no number; see --help."""
        settings = self.settings
        fields = {
            "target": settings.target,
            "model": settings.model,
            "loop": "open" if settings.is_open_loop else "closed",
            "arrivals": settings.arrivals if settings.is_open_loop else None,
            "asked_rate": settings.rate,
            "concurrency": settings.concurrency,
            "connections": settings.connections,
            "timeout_seconds": settings.timeout,
            "warmup_seconds": settings.warmup,
            "seed": settings.seed,
            "simulations": settings.simulations,
            "time_limit_seconds": settings.time_limit,
            "interrupted": self.interrupted,
            "measured_seconds": self.window,
            "calls": self.calls,
            "unfinished": self.unfinished,
            "statuses": dict(self.statuses),
            "warmup_statuses": dict(self.warmup_statuses),
            "first_messages": dict(self.messages),
            "achieved_rate": self.achieved_rate,
            "generator_lag_seconds": None if self.lag is None else vars(self.lag),
            "throughput": self.throughput,
            "simulations_per_second": self.simulations_per_second,
            "latency_seconds": {"ok": _latency_json(self.ok), "all": _latency_json(self.answered)},
        }
        return {name: None if value != value else value for name, value in fields.items()}


def summarise(
    settings: LoadSettings, records: Records, begin: float, interrupted_at: float | None = None
) -> Summary:
    """Counts and measures.

    Args:
      begin: the start of the warm-up, in seconds of time.monotonic().
      interrupted_at: when the test was stopped, by the same clock; None if it ran to its end.
    """
    start = begin + settings.warmup
    end = start + settings.duration
    if interrupted_at is not None:
        end = max(start, min(end, interrupted_at))
    everything = records.columns()
    measured = everything.rows(everything.intended >= start)
    finished = _answered(measured)
    latencies = finished.finished - finished.intended
    ok_within = everything.rows(
        _is_ok(everything) & (everything.finished >= start) & (everything.finished < end)
    )
    return Summary(
        settings=settings,
        interrupted=interrupted_at is not None,
        window=end - start,
        calls=len(measured.sent),
        unfinished=len(measured.sent) - len(finished.sent),
        statuses=_statuses(finished),
        warmup_statuses=_statuses(_answered(everything.rows(everything.intended < start))),
        messages=records.messages,
        achieved_rate=_rate(len(measured.sent), max(end, measured.sent.max(initial=end)) - start),
        lag=_lag(measured) if settings.is_open_loop else None,
        throughput=_rate(len(ok_within.sent), end - start),
        simulations_per_second=_rate(int(ok_within.simulations.sum()), end - start),
        ok=Latencies.of(latencies[_is_ok(finished)]),
        answered=Latencies.of(latencies),
    )


def _answered(columns: Columns) -> Columns:
    return columns.rows(~np.isnan(columns.finished))


def _is_ok(columns: Columns) -> np.ndarray:
    answered_ok: np.ndarray = (columns.status == _OK) & ~np.isnan(columns.finished)
    return answered_ok


def _statuses(columns: Columns) -> dict[str, int]:
    codes, counts = np.unique(columns.status, return_counts=True)
    return {
        STATUS_NAMES[code]: count
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
    }


def _lag(columns: Columns) -> GeneratorLag | None:
    if len(columns.sent) == 0:
        return None
    late = columns.sent - columns.intended
    p50, p99 = np.quantile(late, [0.5, 0.99], method="inverted_cdf").tolist()
    return GeneratorLag(p50, p99, float(late.max()))


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else math.nan


def _latency_json(latencies: Latencies) -> dict[str, float] | None:
    return {"count": latencies.count, **latencies.seconds} if latencies.count else None

"""The results of a load test, from its records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc
import numpy as np

from mcts_client._load.records import STATUS_NAMES, Columns, Outcome
from mcts_client._load.settings import LoadSettings

__all__ = ["QUANTILES", "ClientLag", "Latencies", "Summary", "WorkSummary", "summarise"]

_EXPIRED = grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
#: Names of the quantiles that are reported.
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
#: A client's lag up to this part of the latencies is not what they are made of.
_NEGLIGIBLE_PART = 0.1


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
class ClientLag:
    """How late the load test itself started its calls, in seconds; part of each latency."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True)
class WorkSummary:
    """One kind of work of a mixture.

    Attributes:
      calls: calls that were sent.
      failed: of these, answers that were errors.
      ok: latencies of the calls that succeeded.
    """

    calls: int
    failed: int
    ok: Latencies


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
      retries: attempts beyond the first, of all answers.
      deadline_misses: answers that came later than `settings.timeout` after the intended start,
        and those with the status DEADLINE_EXCEEDED.
      achieved_rate: calls sent, by the seconds that sending them took.
      lag: of the client; None in a closed loop, which has no schedule.
      throughput: OK answers a second that came within the window.
      simulations_per_second: of these answers' plans.
      ok: latencies of the calls that succeeded.
      answered: latencies of all calls that were answered.
      by_work: by the name of the kind of work.
    """

    settings: LoadSettings
    interrupted: bool
    window: float
    calls: int
    unfinished: int
    statuses: Mapping[str, int]
    warmup_statuses: Mapping[str, int]
    messages: Mapping[str, str]
    retries: int
    deadline_misses: int
    achieved_rate: float
    lag: ClientLag | None
    throughput: float
    simulations_per_second: float
    ok: Latencies
    answered: Latencies
    by_work: Mapping[str, WorkSummary]

    @property
    def failed(self) -> int:
        """Answers that were errors."""
        return self.answered.count - self.ok.count

    @property
    def was_late(self) -> bool:
        """True if the client could not keep its schedule: it has measured itself.

        It may be late by `settings.max_lag`, or by a tenth of the 99th percentile of the
        latencies, where that is more: with a queue of seconds before the server, which takes
        the processor too if it runs on the same machine, some milliseconds tell nothing.
        """
        if self.lag is None or self.interrupted:
            return False
        latency = self.answered.seconds["p99"]
        allowed = self.settings.max_lag
        if not math.isnan(latency):
            allowed = max(allowed, _NEGLIGIBLE_PART * latency)
        return self.lag.p99 > allowed


def summarise(
    settings: LoadSettings,
    outcome: Outcome,
    names: Sequence[str],
    begin: float,
    interrupted_at: float | None = None,
) -> Summary:
    """Counts and measures.

    Args:
      names: of the kinds of work, in the order of their numbers in the columns.
      begin: the start of the warm-up, in seconds of time.monotonic().
      interrupted_at: when the test was stopped, by the same clock; None if it ran to its end.
    """
    start = begin + settings.warmup
    end = start + settings.duration
    if interrupted_at is not None:
        end = max(start, min(end, interrupted_at))
    everything = outcome.columns
    measured = everything.rows(everything.intended >= start)
    finished = measured.rows(measured.is_answered)
    within = (everything.finished >= start) & (everything.finished < end)
    ok_within = everything.rows(everything.is_ok & within)
    warmup = everything.rows((everything.intended < start) & everything.is_answered)
    last_sent = float(measured.sent.max(initial=end))
    return Summary(
        settings=settings,
        interrupted=interrupted_at is not None,
        window=end - start,
        calls=len(measured),
        unfinished=len(measured) - len(finished),
        statuses=_statuses(finished),
        warmup_statuses=_statuses(warmup),
        messages=outcome.messages,
        retries=int(finished.retries.sum()),
        deadline_misses=_deadline_misses(finished, settings.timeout),
        achieved_rate=_rate(len(measured), max(end, last_sent) - start),
        lag=_lag(measured) if settings.is_open_loop else None,
        throughput=_rate(len(ok_within), end - start),
        simulations_per_second=_rate(int(ok_within.simulations.sum()), end - start),
        ok=Latencies.of(finished.latencies[finished.is_ok]),
        answered=Latencies.of(finished.latencies),
        by_work={
            name: _of_work(measured.rows(measured.work == number))
            for number, name in enumerate(names)
        },
    )


def _of_work(columns: Columns) -> WorkSummary:
    failed = np.count_nonzero(columns.is_answered & ~columns.is_ok)
    ok = Latencies.of(columns.latencies[columns.is_ok])
    return WorkSummary(len(columns), int(failed), ok)


def _statuses(columns: Columns) -> dict[str, int]:
    codes, counts = np.unique(columns.status, return_counts=True)
    return {
        STATUS_NAMES[code]: count
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
    }


def _deadline_misses(finished: Columns, timeout: float) -> int:
    missed = (finished.status == _EXPIRED) | (finished.latencies > timeout)
    return int(np.count_nonzero(missed))


def _lag(columns: Columns) -> ClientLag | None:
    if len(columns) == 0:
        return None
    late = columns.sent - columns.intended
    p50, p99 = np.quantile(late, [0.5, 0.99], method="inverted_cdf").tolist()
    return ClientLag(p50, p99, float(late.max()))


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else math.nan

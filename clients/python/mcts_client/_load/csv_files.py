"""The results as CSV: a row a second, and a row a rate. Latencies are in milliseconds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable

from mcts_client._load.result import Result
from mcts_client._load.seconds import by_second
from mcts_client._load.summary import QUANTILES, Latencies

__all__ = ["seconds_csv", "steps_csv"]

_LATENCIES = [f"{name}_ms" for name in QUANTILES]


def seconds_csv(result: Result) -> str:
    """A row for each measured second of each run; a call counts in that in which it was due."""
    header = ["step", "asked_rate", "second", "calls", "ok", "failed", "simulations", *_LATENCIES]
    rows = [
        [
            number,
            _cell(step.summary.settings.rate),
            second.second,
            second.calls,
            second.ok,
            second.failed,
            second.simulations,
            *_milliseconds(second.latencies),
        ]
        for number, step in enumerate(result.steps)
        for second in by_second(step.measured, step.start, step.summary.window)
    ]
    return _csv(header, rows)


def steps_csv(result: Result) -> str:
    """A row for each run, in the order in which they were made."""
    header = [
        *("step", "asked_rate", "concurrency", "achieved_rate", "throughput", "calls", "ok"),
        *("failed", "unfinished", "retries", "deadline_misses", "simulations_per_second"),
        *("client_lag_p99_ms", *_LATENCIES, "broken"),
    ]
    rows = []
    for number, step in enumerate(result.steps):
        summary = step.summary
        lag = math.nan if summary.lag is None else summary.lag.p99
        rows.append(
            [
                number,
                _cell(summary.settings.rate),
                _cell(summary.settings.concurrency),
                _cell(summary.achieved_rate),
                _cell(summary.throughput),
                summary.calls,
                summary.ok.count,
                summary.failed,
                summary.unfinished,
                summary.retries,
                summary.deadline_misses,
                _cell(summary.simulations_per_second),
                _cell(lag * 1e3),
                *_milliseconds(summary.ok),
                "; ".join(step.broken),
            ]
        )
    return _csv(header, rows)


def _milliseconds(latencies: Latencies) -> list[str]:
    return [_cell(latencies.seconds[name] * 1e3) for name in QUANTILES]


def _cell(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6g}"


def _csv(header: list[str], rows: Iterable[list[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()

"""The latencies as an HdrHistogram log, version 1.2, for the tools that read it.

Values are nanoseconds, to three digits. An interval is a second, and a call counts in that in
which it was due. Of an open loop there is nothing to correct: latencies count from the intended
start. Of a closed loop there is each interval twice: as it was, and with the tag `corrected`,
where the callers are added who would have come while a call took long, one each median latency.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mcts_client._load.records import Columns
from mcts_client._load.result import Result, Step

__all__ = ["hdr_log", "require_hdrhistogram"]

#: What is told apart, in nanoseconds: from a microsecond to an hour, to three digits.
_LOWEST, _HIGHEST, _DIGITS = 1_000, 3_600_000_000_000, 3


def require_hdrhistogram() -> None:
    """Raises ValueError if the package is not installed."""
    try:
        import hdrh.histogram  # noqa: F401
    except ImportError as error:
        raise ValueError(
            "an HdrHistogram log needs the package hdrhistogram: pip install 'mcts-service[load]'"
        ) from error


def hdr_log(result: Result) -> str:
    """The text of the log: every second of every run, OK answers only."""
    begin = result.steps[0].start
    lines = [
        "#[Histogram log format version 1.2]",
        f"#[StartTime: {result.started_at:.3f} (seconds since epoch)]",
        f"#[BaseTime: {result.started_at:.3f} (seconds since epoch)]",
        "#[Values in nanoseconds, from the intended start; maxima in milliseconds]",
    ]
    lines += [f"#[{text}]" for text in _corrections(result)]
    lines.append(
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    )
    for step in result.steps:
        lines += _intervals(step, step.start - begin)
    return "\n".join(lines) + "\n"


def _corrections(result: Result) -> list[str]:
    if result.steps[0].summary.settings.is_open_loop:
        return ["Open loop: nothing to correct for coordinated omission"]
    expected = _expected_interval(result.steps[0])
    return [f"Closed loop: Tag=corrected adds a caller each {expected} ns, the median latency"]


def _intervals(step: Step, offset: float) -> list[str]:
    """The lines of one run, which began `offset` seconds after the first."""
    measured = step.measured.rows(step.measured.is_ok)
    seconds = np.floor(measured.intended - step.start)
    lines = []
    for number in range(math.ceil(step.summary.window)):
        calls = measured.rows(seconds == number)
        length = min(1.0, step.summary.window - number)
        times = f"{offset + number:.3f},{length:.3f}"
        lines.append(_line("", times, _histogram(calls)))
        if not step.summary.settings.is_open_loop:
            corrected = _histogram(calls, _expected_interval(step))
            lines.append(_line("Tag=corrected,", times, corrected))
    return lines


def _line(tag: str, times: str, histogram: Any) -> str:
    return f"{tag}{times},{histogram.get_max_value() / 1e6:.3f},{histogram.encode().decode()}"


def _histogram(calls: Columns, expected_interval: int = 0) -> Any:
    """Of the calls' latencies; corrected, if an interval between callers is given."""
    from hdrh.histogram import HdrHistogram

    histogram = HdrHistogram(_LOWEST, _HIGHEST, _DIGITS)
    for nanoseconds in _nanoseconds(calls):
        histogram.record_corrected_value(nanoseconds, expected_interval)
    return histogram


def _nanoseconds(calls: Columns) -> list[int]:
    values: list[int] = np.clip(calls.latencies * 1e9, 0, _HIGHEST).astype(np.int64).tolist()
    return values


def _expected_interval(step: Step) -> int:
    median = step.summary.ok.seconds["p50"]
    return 0 if math.isnan(median) else round(median * 1e9)

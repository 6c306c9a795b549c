"""What a person sees: a live line while the test runs, and a table at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TextIO

from mcts_client._load.records import Records
from mcts_client._load.settings import LoadSettings
from mcts_client._load.summary import QUANTILES, Latencies, Summary

__all__ = ["live_line", "show_progress", "table"]

#: Seconds between two live lines, on a terminal and elsewhere.
_TERMINAL_INTERVAL, _LOG_INTERVAL = 0.5, 5.0
#: A generator later than this, or with less of its rate, has measured itself.
_MAX_LAG_SECONDS, _MIN_ACHIEVED = 0.01, 0.99


async def show_progress(
    settings: LoadSettings, records: Records, begin: float, stream: TextIO
) -> None:
    """Writes live lines until it is cancelled: one that renews itself, if on a terminal."""
    is_terminal = stream.isatty()
    interval = _TERMINAL_INTERVAL if is_terminal else _LOG_INTERVAL
    since = 0
    try:
        while True:
            await asyncio.sleep(interval)
            line = live_line(settings, records, time.monotonic() - begin, since)
            since = records.answered
            stream.write(f"\r\x1b[K{line}" if is_terminal else f"{line}\n")
            stream.flush()
    finally:
        if is_terminal:
            stream.write("\r\x1b[K")
            stream.flush()


def live_line(settings: LoadSettings, records: Records, elapsed: float, since: int) -> str:
    """One line about the calls so far.

    Args:
      elapsed: seconds since the start of the warm-up.
      since: answers that the line before had; the quantiles are of those after it.
    """
    recent = Latencies.of(records.recent_latencies(since)).seconds
    whole = settings.warmup + settings.duration
    phase = "warm-up" if elapsed < settings.warmup else "measuring"
    if elapsed > whole:
        phase = "finishing"
    return (
        f"{elapsed:6.1f} / {whole:.1f} s  {phase}  sent {len(records):,}  "
        f"in flight {len(records) - records.answered:,}  failed {records.failed:,}  "
        f"p50 {_milliseconds(recent['p50'])}  p99 {_milliseconds(recent['p99'])}"
    )


def table(summary: Summary) -> str:
    """The results, for people."""
    return "\n".join([_heading(summary), "", *_latency_rows(summary), "", *_facts(summary)])


def _heading(summary: Summary) -> str:
    settings = summary.settings
    loop = (
        f"open loop, {settings.arrivals} arrivals at {settings.rate:g}/s"
        if settings.is_open_loop
        else f"closed loop, {settings.concurrency} in flight"
    )
    connections = f"{settings.connections} connection{'s' if settings.connections > 1 else ''}"
    interrupted = ", interrupted" if summary.interrupted else ""
    return (
        f"{settings.model} at {settings.target}: {loop}, {connections}\n"
        f"measured {summary.window:.1f} s after {settings.warmup:g} s of warm-up{interrupted}"
    )


def _latency_rows(summary: Summary) -> list[str]:
    header = f"{'latency':<10}{'calls':>12}" + "".join(f"{name:>14}" for name in QUANTILES)
    return [header, _latency_row("OK", summary.ok), _latency_row("all", summary.answered)]


def _latency_row(name: str, latencies: Latencies) -> str:
    quantiles = "".join(f"{_milliseconds(latencies.seconds[name]):>14}" for name in QUANTILES)
    return f"{name:<10}{latencies.count:>12,}{quantiles}"


def _facts(summary: Summary) -> list[str]:
    facts = [
        f"{'statuses':<10}{_statuses(summary)}",
        f"{'sent':<10}{_sent(summary)}",
        f"{'answered':<10}{summary.throughput:,.1f}/s OK, "
        f"{summary.simulations_per_second:,.0f} simulations/s",
    ]
    if set(summary.warmup_statuses) - {"OK"}:
        facts.append(f"{'warm-up':<10}{_counts(summary.warmup_statuses)}; counted nowhere above")
    facts += [f"{name}: {' '.join(text.split())}" for name, text in summary.messages.items()]
    if _generator_was_late(summary):
        facts.append("warning: the load test itself was late: its lag is part of each latency")
    return facts


def _statuses(summary: Summary) -> str:
    unfinished = {"unfinished": summary.unfinished} if summary.unfinished else {}
    return _counts({**summary.statuses, **unfinished})


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def _sent(summary: Summary) -> str:
    achieved = f"{summary.achieved_rate:,.1f}/s"
    if summary.lag is None:
        return achieved
    return (
        f"{achieved} of {summary.settings.rate:,.1f}/s asked; started late by "
        f"p50 {_milliseconds(summary.lag.p50)}, p99 {_milliseconds(summary.lag.p99)}, "
        f"max {_milliseconds(summary.lag.max)}"
    )


def _generator_was_late(summary: Summary) -> bool:
    if summary.lag is None or summary.settings.rate is None or summary.interrupted:
        return False
    missed = summary.achieved_rate < _MIN_ACHIEVED * summary.settings.rate
    return missed or summary.lag.p99 > _MAX_LAG_SECONDS


def _milliseconds(seconds: float) -> str:
    return "-" if seconds != seconds else f"{seconds * 1e3:,.2f} ms"

"""The results as one page that needs nothing else: no scripts, no network, plots inside."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from html import escape

from mcts_client._load import plots
from mcts_client._load.report_style import STYLE
from mcts_client._load.result import Result, Step
from mcts_client._load.summary import QUANTILES, Latencies, Summary
from mcts_client._load.table import described, in_milliseconds

__all__ = ["html_report"]

#: Headers of last columns that hold words.
_WORDS = ("verdict", "first message")


def html_report(result: Result) -> str:
    """The page. It is well-formed XML too."""
    title = f"Load test of {', '.join(dict.fromkeys(one.model for one in result.work))}"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"/>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(_when_and_where(result))}</p>',
        _verdict(result),
        *_measured(result),
        *_asked(result),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _when_and_where(result: Result) -> str:
    started = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(result.started_at))
    return f"Server {result.steps[0].summary.settings.target}, {started}"


def _verdict(result: Result) -> str:
    if result.failures:
        reasons = "".join(f"<li>{escape(failure)}</li>" for failure in result.failures)
        return f'<div class="verdict failed"><strong>Failed</strong><ul>{reasons}</ul></div>'
    kept = "".join(f"<li>{escape(str(verdict))}</li>" for verdict in result.verdicts)
    thresholds = f"<ul>{kept}</ul>" if kept else " (no thresholds were set)"
    return f'<div class="verdict"><strong>Passed</strong>{thresholds}</div>'


def _measured(result: Result) -> Iterable[str]:
    if result.chosen is not None:
        yield _tiles(result, result.chosen.summary)
    if result.is_stepped:
        yield "<h2>Latency against rate</h2>"
        yield f'<p class="soft">Rings are rates that were not kept; {escape(result.rule)}.</p>'
        yield _figure(plots.latency_against_rate(result))
        yield _steps(result)
    yield "<h2>Latency over time</h2>"
    yield '<p class="soft">Of OK answers, by the second in which a call was due.</p>'
    yield _figure(plots.latency_over_time(result))
    yield "<h2>Calls over time</h2>"
    yield _figure(plots.answers_over_time(result))
    yield "<h2>Percentiles</h2>"
    yield f'<p class="soft">{_percentile_note(result)}</p>'
    yield _figure(plots.percentile_curve(result))
    summary = (result.chosen or result.steps[0]).summary
    yield _latencies(summary)
    yield "<h2>Answers by status</h2>"
    yield _statuses(result)


def _percentile_note(result: Result) -> str:
    if result.steps[0].summary.settings.is_open_loop:
        return "From the moment a call was due, so nothing is left out by waiting."
    return (
        "Of a closed loop: callers who would have come while others waited are not in it. "
        "Compare servers by the open loop."
    )


def _tiles(result: Result, summary: Summary) -> str:
    asked = f"of {summary.settings.rate:,.5g}/s asked" if summary.settings.rate else "closed loop"
    share = summary.failed / summary.answered.count if summary.answered.count else 0.0
    tiles = [
        (f"{summary.throughput:,.1f}/s", f"answered OK, {asked}"),
        (in_milliseconds(summary.ok.seconds["p50"]), "p50"),
        (in_milliseconds(summary.ok.seconds["p99"]), "p99"),
        (f"{share:.2%}", f"errors, {summary.failed:,} of {summary.answered.count:,}"),
        (f"{summary.simulations_per_second:,.0f}/s", "simulations"),
    ]
    if result.is_stepped:
        least = "at least " if result.is_bounded_by_client else ""
        tiles[0] = (f"{least}{summary.settings.rate:,.5g}/s", "greatest rate kept")
    cells = (
        f'<div class="tile"><b>{escape(a)}</b><span>{escape(b)}</span></div>' for a, b in tiles
    )
    return f'<div class="tiles">{"".join(cells)}</div>'


def _steps(result: Result) -> str:
    header = ["asked", "answered OK", "p50", "p99", "errors", "client lag p99", "verdict"]
    rows = []
    ordered = sorted(result.steps, key=lambda step: step.summary.settings.rate or 0.0)
    for step in ordered:
        summary = step.summary
        lag = "-" if summary.lag is None else in_milliseconds(summary.lag.p99)
        quantiles = [in_milliseconds(summary.ok.seconds[name]) for name in ("p50", "p99")]
        rows.append(
            [
                f"{summary.settings.rate:,.5g}/s",
                f"{summary.throughput:,.1f}/s",
                *quantiles,
                f"{summary.failed:,}",
                lag,
                "; ".join(step.broken) or "kept",
            ]
        )
    chosen = next((i for i, step in enumerate(ordered) if step is result.chosen), None)
    return _table(header, rows, chosen)


def _latencies(summary: Summary) -> str:
    rows = []
    if len(summary.by_work) > 1:
        rows = [_latency_row(name, one.ok) for name, one in summary.by_work.items()]
    rows += [_latency_row("OK", summary.ok), _latency_row("all answers", summary.answered)]
    return _table(["latency", "calls", *QUANTILES], rows)


def _latency_row(name: str, latencies: Latencies) -> list[str]:
    quantiles = [in_milliseconds(latencies.seconds[quantile]) for quantile in QUANTILES]
    return [name, f"{latencies.count:,}", *quantiles]


def _statuses(result: Result) -> str:
    counts: dict[str, int] = {}
    messages: dict[str, str] = {}
    for step in result.steps:
        for status, count in step.summary.statuses.items():
            counts[status] = counts.get(status, 0) + count
        messages = {**step.summary.messages, **messages}
    rows = [[name, f"{count:,}", messages.get(name, "")] for name, count in counts.items()]
    summaries = [step.summary for step in result.steps]
    rows.append(["deadline misses", f"{sum(s.deadline_misses for s in summaries):,}", ""])
    rows.append(["retries", f"{sum(s.retries for s in summaries):,}", ""])
    return _table(["status", "calls", "first message"], rows)


def _asked(result: Result) -> Iterable[str]:
    settings = result.steps[0].summary.settings
    each = " each" if result.is_stepped else ""
    loop = f"open, {settings.arrivals} arrivals" if settings.is_open_loop else "closed"
    lag = (result.chosen or result.steps[0]).summary.lag
    yield "<h2>Work</h2>"
    yield _facts([(one.name, f"{one.model}: {described(one, result.work)}") for one in result.work])
    yield "<h2>Settings</h2>"
    yield _facts(
        [
            ("loop", loop),
            ("rate or concurrency", _amount(result.steps[0], result)),
            ("measured", f"{settings.duration:g} s{each}, after {settings.warmup:g} s of warm-up"),
            ("processes, connections", f"{settings.processes}, {settings.all_connections}"),
            ("deadline, attempts", f"{settings.timeout:g} s, {settings.attempts}"),
            ("seed", f"{settings.seed}"),
            ("client lag p50, p99, max", "-" if lag is None else _lag(lag.p50, lag.p99, lag.max)),
        ]
    )
    machine = result.machine
    yield "<h2>The machine that the load came from</h2>"
    yield _facts(
        [
            ("processor", f"{machine.processor}, {machine.cores} cores"),
            ("memory", f"{machine.memory_bytes / 2**30:,.1f} GiB"),
            ("system", machine.system),
            ("Python, grpcio", f"{machine.python}, {machine.grpcio}"),
            ("load average before", f"{machine.load_average:g}"),
        ]
    )


def _amount(step: Step, result: Result) -> str:
    settings = step.summary.settings
    if not settings.is_open_loop:
        return f"{settings.concurrency} in flight"
    if result.is_stepped:
        return ", ".join(f"{one.summary.settings.rate:,.5g}/s" for one in result.steps)
    return f"{settings.rate:,.5g}/s"


def _lag(*seconds: float) -> str:
    return ", ".join(in_milliseconds(one) for one in seconds)


def _figure(svg: str) -> str:
    return f"<figure>{svg}</figure>"


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in facts)
    return f'<table class="facts">{rows}</table>'


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], chosen: int | None = None) -> str:
    """Figures are set to the right; a last column without a name of a figure is words."""
    has_words = header[-1] in _WORDS
    lines = [f"<tr>{_row('th', header, has_words)}</tr>"]
    for number, cells in enumerate(rows):
        style = ' class="chosen"' if number == chosen else ""
        lines.append(f"<tr{style}>{_row('td', cells, has_words)}</tr>")
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def _row(tag: str, cells: Sequence[str], has_words: bool) -> str:
    *figures, last = cells
    style = ' class="words"' if has_words else ""
    parts = [f"<{tag}>{escape(cell)}</{tag}>" for cell in figures]
    return "".join([*parts, f"<{tag}{style}>{escape(last)}</{tag}>"])

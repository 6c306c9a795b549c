"""The results as a table, for people."""

from __future__ import annotations

from collections.abc import Mapping

from mcts_client._load.result import Result, Step
from mcts_client._load.summary import QUANTILES, Latencies, Summary
from mcts_client._load.work import Work

__all__ = ["described", "heading", "in_milliseconds", "table"]


def table(result: Result) -> str:
    """What a test measured, then why it failed, if it did."""
    lines = _steps(result) if result.is_stepped else []
    if result.chosen is not None:
        lines += [*heading(result, result.chosen.summary), ""]
        lines += [*_latency_rows(result.chosen.summary), "", *_facts(result.chosen.summary)]
    lines += [f"threshold {verdict}" for verdict in result.verdicts if verdict.is_kept]
    lines += [f"FAILED: {failure}" for failure in result.failures]
    return "\n".join(lines)


def in_milliseconds(seconds: float) -> str:
    """A latency; a dash if there is none."""
    return "-" if seconds != seconds else f"{seconds * 1e3:,.2f} ms"


def heading(result: Result, summary: Summary) -> list[str]:
    """What was asked, in two or three lines."""
    settings = summary.settings
    loop = (
        f"open loop, {settings.arrivals} arrivals at {settings.rate:g}/s"
        if settings.is_open_loop
        else f"closed loop, {settings.concurrency} in flight"
    )
    clients = [_counted(settings.all_connections, "connection")]
    if settings.processes > 1:
        clients.append(_counted(settings.processes, "process", "processes"))
    interrupted = ", interrupted" if summary.interrupted else ""
    names = ", ".join(dict.fromkeys(one.model for one in result.work))
    return [
        f"{names} at {settings.target}: {loop}, {', '.join(clients)}",
        *(f"  {described(one, result.work)}" for one in result.work),
        f"measured {summary.window:.1f} s after {settings.warmup:g} s of warm-up{interrupted}",
    ]


def described(work: Work, all_work: tuple[Work, ...]) -> str:
    """One kind of call in a line."""
    share = work.weight / sum(one.weight for one in all_work)
    parts = [] if len(all_work) == 1 else [f"{share:.0%} {work.name}"]
    ways = {"unary": "Plan", "batch": f"PlanBatch of {work.rows}", "stream": "PlanMany"}
    parts.append(ways[work.mode])
    if work.simulations is not None:
        parts.append(f"{work.simulations:,} simulations")
    if work.time_limit is not None:
        parts.append(f"{in_milliseconds(work.time_limit)} a call")
    if work.simulations is None and work.time_limit is None:
        parts.append("the model's own budget")
    parts.append(_counted(len(work.states), "state"))
    if work.priority:
        parts.append(f"priority {work.priority}")
    return ", ".join(parts)


def _steps(result: Result) -> list[str]:
    settings = result.steps[0].summary.settings
    lines = [
        f"{'asked':>12}{'answered OK':>14}{'p50':>14}{'p99':>14}{'errors':>10}   "
        f"{settings.duration:g} s each"
    ]
    ordered = sorted(result.steps, key=lambda step: step.summary.settings.rate or 0.0)
    lines += [_step(step) for step in ordered]
    lines.append(result.rule)
    if result.chosen is not None:
        least = "at least " if result.is_bounded_by_client else ""
        lines += [f"greatest rate kept: {least}{result.chosen.summary.settings.rate:,.5g}/s", ""]
    return lines


def _step(step: Step) -> str:
    summary = step.summary
    latencies = [in_milliseconds(summary.ok.seconds[name]) for name in ("p50", "p99")]
    return (
        f"{summary.settings.rate:>10,.5g}/s{summary.throughput:>12,.1f}/s"
        f"{latencies[0]:>14}{latencies[1]:>14}{summary.failed:>10,}   "
        f"{'; '.join(step.broken) or 'kept'}"
    )


def _latency_rows(summary: Summary) -> list[str]:
    width = max(10, 2 + max(len(name) for name in summary.by_work))
    width = width if len(summary.by_work) > 1 else 10
    rows = [f"{'latency':<{width}}{'calls':>10}" + "".join(f"{name:>13}" for name in QUANTILES)]
    if len(summary.by_work) > 1:
        rows += [_latency_row(name, one.ok, width) for name, one in summary.by_work.items()]
    rows.append(_latency_row("OK", summary.ok, width))
    rows.append(_latency_row("all", summary.answered, width))
    return rows


def _latency_row(name: str, latencies: Latencies, width: int) -> str:
    quantiles = "".join(f"{in_milliseconds(latencies.seconds[name]):>13}" for name in QUANTILES)
    return f"{name:<{width}}{latencies.count:>10,}{quantiles}"


def _facts(summary: Summary) -> list[str]:
    facts = [
        f"{'statuses':<10}{_statuses(summary)}",
        f"{'sent':<10}{_sent(summary)}",
        f"{'answered':<10}{summary.throughput:,.1f}/s OK, "
        f"{summary.simulations_per_second:,.0f} simulations/s",
    ]
    if summary.retries or summary.deadline_misses:
        facts.append(
            f"{'late':<10}{_counted(summary.deadline_misses, 'deadline miss', 'deadline misses')}, "
            f"{_counted(summary.retries, 'retry', 'retries')}"
        )
    if set(summary.warmup_statuses) - {"OK"}:
        facts.append(f"{'warm-up':<10}{_counts(summary.warmup_statuses)}; counted nowhere above")
    return facts + [f"{name}: {' '.join(text.split())}" for name, text in summary.messages.items()]


def _statuses(summary: Summary) -> str:
    unfinished = {"unfinished": summary.unfinished} if summary.unfinished else {}
    return _counts({**summary.statuses, **unfinished})


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _sent(summary: Summary) -> str:
    achieved = f"{summary.achieved_rate:,.1f}/s"
    if summary.lag is None:
        return achieved
    return (
        f"{achieved} of {summary.settings.rate:,.1f}/s asked; started late by "
        f"p50 {in_milliseconds(summary.lag.p50)}, p99 {in_milliseconds(summary.lag.p99)}, "
        f"max {in_milliseconds(summary.lag.max)}"
    )

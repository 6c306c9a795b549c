"""The results as JSON; the fields are described in --help."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mcts_client._load.result import Result, Step
from mcts_client._load.summary import Latencies, Summary
from mcts_client._load.thresholds import Verdict
from mcts_client._load.work import Work

__all__ = ["json_report"]


def json_report(result: Result) -> str:
    """The whole report. Of steps, the top level is that of the greatest rate kept."""
    of_step = _of_step(result.chosen) if result.chosen is not None else {}
    settings = result.steps[0].summary.settings
    report = {
        "target": settings.target,
        **_of_work(result.work),
        "loop": "open" if settings.is_open_loop else "closed",
        "arrivals": settings.arrivals if settings.is_open_loop else None,
        "processes": settings.processes,
        "connections": settings.all_connections,
        "timeout_seconds": settings.timeout,
        "attempts": settings.attempts,
        "warmup_seconds": settings.warmup,
        "seed": settings.seed,
        **of_step,
        "thresholds": [_verdict(verdict) for verdict in result.verdicts],
        "failures": list(result.failures),
        "machine": asdict(result.machine),
        "started_at": result.started_at,
    }
    if result.is_stepped:
        report["rule"] = result.rule
        report["is_bounded_by_client"] = result.is_bounded_by_client
        report["steps"] = [
            {**_of_step(step), "kept": not step.broken, "broken": list(step.broken)}
            for step in result.steps
        ]
    return json.dumps(_without_nan(report), indent=2, allow_nan=False) + "\n"


def _of_work(work: Sequence[Work]) -> dict[str, Any]:
    """Of one kind its own values; of several, only the list."""
    only = work[0] if len(work) == 1 else None
    return {
        "model": only.model if only else None,
        "simulations": only.simulations if only else None,
        "time_limit_seconds": only.time_limit if only else None,
        "work": [
            {
                "name": one.name,
                "model": one.model,
                "weight": one.weight,
                "mode": one.mode,
                "rows": one.rows if one.mode == "batch" else 1,
                "states": len(one.states),
                "simulations": one.simulations,
                "time_limit_seconds": one.time_limit,
                "priority": one.priority,
                "search": dict(one.search),
            }
            for one in work
        ],
    }


def _of_step(step: Step) -> dict[str, Any]:
    summary = step.summary
    return {
        "asked_rate": summary.settings.rate,
        "concurrency": summary.settings.concurrency,
        "interrupted": summary.interrupted,
        "measured_seconds": summary.window,
        "calls": summary.calls,
        "unfinished": summary.unfinished,
        "statuses": summary.statuses,
        "warmup_statuses": summary.warmup_statuses,
        "first_messages": summary.messages,
        "retries": summary.retries,
        "deadline_misses": summary.deadline_misses,
        "achieved_rate": summary.achieved_rate,
        "generator_lag_seconds": None if summary.lag is None else vars(summary.lag),
        "generator_was_late": summary.was_late,
        "throughput": summary.throughput,
        "simulations_per_second": summary.simulations_per_second,
        "latency_seconds": {"ok": _latency(summary.ok), "all": _latency(summary.answered)},
        "by_work": _by_work(summary),
    }


def _by_work(summary: Summary) -> dict[str, Any]:
    return {
        name: {"calls": one.calls, "failed": one.failed, "latency_seconds": _latency(one.ok)}
        for name, one in summary.by_work.items()
    }


def _latency(latencies: Latencies) -> dict[str, float] | None:
    return {"count": latencies.count, **latencies.seconds} if latencies.count else None


def _verdict(verdict: Verdict) -> dict[str, Any]:
    threshold = verdict.threshold
    return {"threshold": threshold.text, "measured": verdict.value, "kept": verdict.is_kept}


def _without_nan(value: Any) -> Any:
    """None in place of what is no number."""
    if isinstance(value, float):
        return None if value != value else value
    if isinstance(value, Mapping):
        return {key: _without_nan(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_without_nan(element) for element in value]
    return value

"""The charts of a load test's report."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from mcts_client._load.chart import Axis, Line, Mark, Point, chart
from mcts_client._load.result import Result, Step
from mcts_client._load.seconds import Second, by_second
from mcts_client._load.table import in_milliseconds

__all__ = ["answers_over_time", "latency_against_rate", "latency_over_time", "percentile_curve"]

#: Quantiles that are drawn, and their styles.
_AGAINST_RATE = {"p50": "c0", "p90": "c1", "p99": "c2", "max": "c3"}
_OVER_TIME = {"p50": "c0", "p99": "c2", "max": "c3"}
#: Points of a percentile curve, at most.
_CURVE_POINTS = 240


def latency_against_rate(result: Result) -> str:
    """Of steps: percentiles at each rate; rings are rates that were not kept."""
    steps = sorted(result.steps, key=_rate)
    lines = [
        Line(
            name,
            tuple(
                Point(
                    _rate(step),
                    step.summary.ok.seconds[name] * 1e3,
                    f"{name} {in_milliseconds(step.summary.ok.seconds[name])} at "
                    f"{_rate(step):,.5g}/s: {'; '.join(step.broken) or 'kept'}",
                    bool(step.broken),
                )
                for step in steps
            ),
            style,
            has_markers=True,
        )
        for name, style in _AGAINST_RATE.items()
    ]
    x = Axis.of("asked rate, calls a second", [_rate(step) for step in steps], is_log=True)
    marks = [Mark(_rate(result.chosen), "greatest kept")] if result.chosen else []
    return chart("Latency against rate", x, _milliseconds(lines), lines, marks)


def latency_over_time(result: Result) -> str:
    """Percentiles of each second, by when calls were due."""

    def line(name: str, style: str) -> Line:
        return Line(name, _over_time(result, lambda s: s.latencies.seconds[name] * 1e3), style)

    lines = [line(name, style) for name, style in _OVER_TIME.items()]
    y = _milliseconds(lines)
    return chart("Latency over time", _time(result), y, lines, _boundaries(result))


def answers_over_time(result: Result) -> str:
    """Calls due in each second, and what became of them."""
    lines = [
        Line("OK", _over_time(result, lambda second: second.ok), "c0"),
        Line("due", _over_time(result, lambda second: second.calls), "c4"),
    ]
    if any(step.summary.failed for step in result.steps):
        lines.append(Line("failed", _over_time(result, lambda second: second.failed), "c3"))
    y = Axis.of("calls a second", [point.y for line in lines for point in line.points])
    return chart("Calls over time", _time(result), y, lines, _boundaries(result))


def percentile_curve(result: Result) -> str:
    """How much of the calls took how long, with ever more room for ever fewer calls."""
    curves = _curves(result)
    lines = [
        Line(name, _curve(latencies), f"c{number}")
        for number, (name, latencies) in enumerate(curves)
    ]
    most = max((len(latencies) for _, latencies in curves), default=1)
    nines = max(1, math.ceil(math.log10(max(most, 2))))
    ticks = [(0.0, "0"), (math.log10(2), "50%")]
    ticks += [(float(n), f"{1 - 10.0**-n:.{max(0, n - 2)}%}") for n in range(1, nines + 1)]
    x = Axis("share of the calls that took no longer", 0.0, float(nines), tuple(ticks))
    return chart("Percentiles of latency", x, _milliseconds(lines), lines)


def _rate(step: Step) -> float:
    return step.summary.settings.rate or 0.0


def _milliseconds(lines: Sequence[Line]) -> Axis:
    values = [point.y for line in lines for point in line.points]
    return Axis.of("latency, ms", values, is_log=True)


def _time(result: Result) -> Axis:
    last = result.steps[-1]
    return Axis.of("seconds", [last.start + last.summary.window - result.steps[0].start])


def _boundaries(result: Result) -> list[Mark]:
    """Where each of several steps begins."""
    if not result.is_stepped:
        return []
    first = result.steps[0].start
    return [Mark(step.start - first, f"{_rate(step):,.5g}/s") for step in result.steps]


def _over_time(result: Result, figure: Callable[[Second], float]) -> tuple[Point, ...]:
    points = []
    for step in result.steps:
        offset = step.start - result.steps[0].start
        for second in by_second(step.measured, step.start, step.summary.window):
            points.append(Point(offset + second.second + 0.5, figure(second)))
        points.append(Point(offset + step.summary.window, math.nan))
    return tuple(points)


def _curves(result: Result) -> list[tuple[str, np.ndarray]]:
    """By step, if rates were tried: the least, the greatest kept, the least that broke."""
    if not result.is_stepped:
        return _curves_by_work(result, result.steps[0])
    broken = [step for step in result.steps if step.broken]
    wanted = [min(result.steps, key=_rate), result.chosen, min(broken, key=_rate, default=None)]
    steps = {id(step): step for step in wanted if step is not None}.values()
    return [(f"{_rate(step):,.5g}/s", _latencies(step)) for step in steps]


def _curves_by_work(result: Result, step: Step) -> list[tuple[str, np.ndarray]]:
    curves = [("all OK" if len(result.work) > 1 else "OK", _latencies(step))]
    if len(result.work) > 1:
        for number, work in enumerate(result.work[:4]):
            curves.append((work.name, _latencies(step, number)))
    return curves


def _latencies(step: Step, work: int | None = None) -> np.ndarray:
    mask = step.measured.is_ok
    if work is not None:
        mask = mask & (step.measured.work == work)
    return np.sort(step.measured.rows(mask).latencies)


def _curve(latencies: np.ndarray) -> tuple[Point, ...]:
    """Ascending latencies by the logarithm of one over the share that took longer."""
    count = len(latencies)
    if not count:
        return ()
    places = np.linspace(0, math.log10(count), _CURVE_POINTS) if count > 1 else np.zeros(1)
    rows = np.clip(np.ceil((1 - 10.0**-places) * count) - 1, 0, count - 1).astype(int)
    return tuple(
        Point(place, latency * 1e3)
        for place, latency in zip(places.tolist(), latencies[rows].tolist(), strict=True)
    )

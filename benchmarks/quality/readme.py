"""Fills the marked section of benchmarks/README.md with the figures of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.quality.peer import PEERS
from benchmarks.quality.planners import DEFAULT
from benchmarks.quality.report import Curve, Panel, Report
from benchmarks.quality.table import best_within, format_figure, format_matches, format_run
from benchmarks.section import fill_section

__all__ = ["write_readme"]

BEGIN = "<!-- quality: written by benchmarks/quality/run.py -->"
END = "<!-- end of quality -->"

_SIMULATIONS = (100, 1_000, 10_000)
_MILLISECONDS = 10.0
_PEERS = [peer.name for peer in PEERS]


def write_readme(report: Report, path: Path) -> None:
    """Replaces what stands between the marks.

    Raises:
      ValueError: a mark is missing.
    """
    fill_section(path, BEGIN, END, _section(report))


def _section(report: Report) -> str:
    ours = [f"{DEFAULT}, {count:,}" for count in _SIMULATIONS]
    columns = [
        "problem", "figure", "best", "random", *ours, f"uct, {_SIMULATIONS[1]:,}",
        f"peer, {_SIMULATIONS[1]:,}", f"{DEFAULT}, {_MILLISECONDS:g} ms",
        f"peer, {_MILLISECONDS:g} ms",
    ]  # fmt: skip
    lines = [
        format_run(report),
        "",
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
        *[f"| {' | '.join(_row(panel))} |" for panel in report.panels],
        "",
        *format_matches(report.matches),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _row(panel: Panel) -> list[str]:
    best = f"{panel.best:.5g}" if panel.measure != "return" else f"({panel.best:.5g})"
    default, uct, peer = (_curve(panel, names) for names in ([DEFAULT], ["uct"], _PEERS))
    return [
        panel.problem,
        panel.measure,
        best,
        f"{panel.random:.4g}",
        *[_at(panel, default, count) for count in _SIMULATIONS],
        _at(panel, uct, _SIMULATIONS[1]),
        _at(panel, peer, _SIMULATIONS[1]),
        _within(panel, default),
        _within(panel, peer),
    ]


def _curve(panel: Panel, recipes: Sequence[str]) -> Curve | None:
    return next((curve for curve in panel.curves if curve.recipe in recipes), None)


def _at(panel: Panel, curve: Curve | None, simulations: int) -> str:
    if curve is None or simulations not in curve.simulations:
        return ""
    return format_figure(panel, curve.scores[curve.simulations.index(simulations)])


def _within(panel: Panel, curve: Curve | None) -> str:
    score = None if curve is None else best_within(curve, _MILLISECONDS)
    return "" if score is None else format_figure(panel, score)

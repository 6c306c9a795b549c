"""The ratios of a run as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
from report import Ratio, Report, Result

matplotlib.use("agg")
from matplotlib import pyplot
from matplotlib.ticker import LogLocator, NullLocator

__all__ = ["plot_report"]

ROW_INCHES = 0.3
PANELS = {"higher": "speed: to the right is faster", "lower": "time: to the left is faster"}
DOT, AIM, GRID = "#1b5e8c", "#c44e2a", "#d9d9d9"


def plot_report(report: Report, path: Path) -> None:
    """One dot a ratio with its spread, and a tick where it is wanted. PNG."""
    rows = {
        better: [(r, ratio) for r in report.results if r.better == better for ratio in r.ratios]
        for better in PANELS
    }
    shown = {better: panel for better, panel in rows.items() if panel}
    heights = [len(panel) + 2.5 for panel in shown.values()]
    figure, axes = pyplot.subplots(
        len(shown),
        1,
        figsize=(11, ROW_INCHES * sum(heights)),
        squeeze=False,
        height_ratios=heights,
        layout="constrained",
    )
    for axis, (better, panel) in zip(axes[:, 0], shown.items(), strict=True):
        _draw_panel(axis, panel)
        axis.set_title(PANELS[better], loc="left", fontsize=10)
    figure.legend(handles=_legend(axes[0, 0]), loc="outside lower right", ncols=2, fontsize=8)
    figure.suptitle(
        f"{report.machine['cpu']}, {report.started[:10]}: median and spread of "
        f"{report.rounds} rounds{', quick run' if report.quick else ''}",
        fontsize=10,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _draw_panel(axis: Any, rows: list[tuple[Result, Ratio]]) -> None:
    for row, (_, ratio) in enumerate(rows):
        axis.plot([ratio.low, ratio.high], [row, row], color=DOT, linewidth=2, alpha=0.5)
        axis.plot(ratio.median, row, "o", color=DOT, markersize=6)
        if ratio.aim is not None:
            axis.plot(ratio.aim.value, row, "|", color=AIM, markersize=14, markeredgewidth=2)
        axis.annotate(
            f"{ratio.median:.3g}x",
            (1.01, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
        )
    axis.axvline(1.0, color="black", linewidth=0.8, linestyle=":")
    axis.set_yticks(
        range(len(rows)),
        [f"{result.work}:  {ratio.side} / {ratio.against}" for result, ratio in rows],
        fontsize=8,
    )
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}x")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.grid(axis="x", which="both", color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    axis.margins(x=0.08, y=0.5 / len(rows))


def _legend(axis: Any) -> list[Any]:
    return [
        axis.plot([], [], "o", color=DOT, label="median, with the lowest and the highest")[0],
        axis.plot([], [], "|", color=AIM, markersize=12, markeredgewidth=2, label="aim")[0],
    ]

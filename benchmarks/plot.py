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

WIDTH_INCHES, ROW_INCHES = 11.0, 0.21
#: What a panel takes beside its rows, in rows.
PANEL_ROWS = 3.5
BETTER = {"higher": "to the right is faster", "lower": "to the left is faster"}
MET, MISSED, FREE, GRID = "#2f7d4f", "#c44e2a", "#1b5e8c", "#d9d9d9"

Row = tuple[Result, Ratio]


def plot_report(report: Report, path: Path) -> None:
    """A panel for each group and direction: one dot a ratio, and a tick where it is wanted. PNG."""
    panels = _panels(report)
    heights = [len(rows) + PANEL_ROWS for rows in panels.values()]
    figure, axes = pyplot.subplots(
        len(panels),
        1,
        figsize=(WIDTH_INCHES, ROW_INCHES * (sum(heights) + PANEL_ROWS)),
        squeeze=False,
        height_ratios=heights,
        layout="constrained",
    )
    for axis, ((group, better), rows) in zip(axes[:, 0], panels.items(), strict=True):
        _draw_panel(axis, rows)
        axis.set_title(f"{group}: {BETTER[better]}", loc="left", fontsize=9)
    figure.legend(handles=_legend(axes[0, 0]), loc="outside lower right", ncols=4, fontsize=8)
    figure.suptitle(
        f"{report.machine['cpu']}, {report.started[:10]}: ratios, medians with the lowest and the "
        f"highest of {report.rounds} rounds or fewer{', quick run' if report.quick else ''}",
        fontsize=9,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _panels(report: Report) -> dict[tuple[str, str], list[Row]]:
    """The rows by their group and by what is better."""
    panels: dict[tuple[str, str], list[Row]] = {}
    for result in report.results:
        for ratio in result.ratios:
            panels.setdefault((result.group, result.better), []).append((result, ratio))
    return panels


def _draw_panel(axis: Any, rows: list[Row]) -> None:
    for row, (_, ratio) in enumerate(rows):
        color = _color(ratio)
        axis.plot([ratio.low, ratio.high], [row, row], color=color, linewidth=2, alpha=0.5)
        axis.plot(ratio.median, row, "o", color=color, markersize=5)
        if ratio.aim is not None:
            axis.plot(ratio.aim.value, row, "|", color="black", markersize=10, markeredgewidth=1.5)
        axis.annotate(
            f"{ratio.median:.3g}x",
            (1.01, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7,
            color=color,
        )
    axis.axvline(1.0, color="black", linewidth=0.8, linestyle=":")
    axis.set_yticks(range(len(rows)), [_label(*row) for row in rows], fontsize=7)
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set_xscale("log")
    axis.set_xlim(*_limits(rows))
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}x")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.tick_params(axis="x", labelsize=7)
    axis.grid(axis="x", which="both", color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)


def _label(result: Result, ratio: Ratio) -> str:
    return f"{result.work}:  {ratio.side} / {ratio.against}"


def _limits(rows: list[Row]) -> tuple[float, float]:
    """Of the axis: all that is drawn, and half and twice the same speed at least."""
    drawn = [0.6, 1.7]
    for _, ratio in rows:
        drawn += [ratio.low, ratio.high, *([ratio.aim.value] if ratio.aim else [])]
    return 0.85 * min(drawn), 1.15 * max(drawn)


def _color(ratio: Ratio) -> str:
    if ratio.aim is None:
        return FREE
    return MET if ratio.aim.is_met(ratio.median) else MISSED


def _legend(axis: Any) -> list[Any]:
    dots = {MET: "aim met", MISSED: "aim missed", FREE: "no aim"}
    return [
        *(axis.plot([], [], "o", color=color, label=text)[0] for color, text in dots.items()),
        axis.plot([], [], "|", color="black", markersize=10, markeredgewidth=1.5, label="aim")[0],
    ]

"""The scores of a run as pictures: a panel a problem, a line a recipe."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

from benchmarks.quality.planners import DEFAULT
from benchmarks.quality.report import Curve, Panel, Report

matplotlib.use("agg")
from matplotlib import pyplot
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

__all__ = ["plot_report", "short_number"]

#: Okabe and Ito (2008): told apart by people who see few colours; markers tell them apart too.
_COLOURS = (
    "#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c00",
)  # fmt: skip
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_COLUMNS, _PANEL_INCHES = 4, (3.4, 2.6)
_LOWEST, _HIGHEST = -0.3, 1.05
_AXIS_LABELS = {
    "score": "score: 0 random, 1 best",
    "share": "share of values kept",
    "return": "mean return",
}
#: Of a band, in standard errors: 95 %.
_BAND = 1.96


def plot_report(report: Report, folder: Path) -> list[Path]:
    """Writes quality.png, against simulations, and quality_by_time.png, against milliseconds."""
    against: dict[str, tuple[str, Callable[[Curve], list[float]]]] = {
        "quality.png": ("simulations a decision", lambda c: [float(n) for n in c.simulations]),
        "quality_by_time.png": (
            "milliseconds of CPU time a decision",
            lambda c: [score.milliseconds for score in c.scores],
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, (label, places) in against.items():
        _plot(report, folder / name, label, places)
    return [folder / name for name in against]


def _plot(report: Report, path: Path, label: str, places: Callable[[Curve], list[float]]) -> None:
    names = list(dict.fromkeys(c.recipe for panel in report.panels for c in panel.curves))
    rows = math.ceil(len(report.panels) / _COLUMNS)
    columns = min(_COLUMNS, len(report.panels))
    figure, axes = pyplot.subplots(
        rows,
        columns,
        figsize=(_PANEL_INCHES[0] * columns, _PANEL_INCHES[1] * rows + 1.0),
        squeeze=False,
        layout="constrained",
    )
    everywhere = [place for panel in report.panels for c in panel.curves for place in places(c)]
    for axis, panel in zip(axes.flat, report.panels, strict=False):
        _draw_panel(axis, panel, names, places)
        axis.set_xlim(min(everywhere) / 1.3, max(everywhere) * 1.3)
    for axis in axes.flat[len(report.panels) :]:
        axis.set_axis_off()
    figure.legend(handles=_legend(names), loc="outside upper center", ncols=8, fontsize=9)
    figure.supxlabel(label, fontsize=10)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _draw_panel(
    axis: Any, panel: Panel, names: list[str], places: Callable[[Curve], list[float]]
) -> None:
    is_scaled = panel.measure == "score"
    for level in (0.0, 1.0) if is_scaled else (panel.random, panel.best):
        axis.axhline(level, color="#888888", linewidth=0.8)
    if panel.attainable_score is not None:
        axis.axhline(panel.attainable_score, color="#888888", linewidth=1.0, linestyle=":")
    for curve in panel.curves:
        style = _style(names.index(curve.recipe))
        figures = [panel.figure(score) for score in curve.scores]
        bands = [_BAND * error if math.isfinite(error) else 0.0 for _, error in figures]
        low = [figure - band for (figure, _), band in zip(figures, bands, strict=True)]
        high = [figure + band for (figure, _), band in zip(figures, bands, strict=True)]
        axis.fill_between(places(curve), low, high, color=style["color"], alpha=0.15, linewidth=0)
        axis.plot(places(curve), [figure for figure, _ in figures], **style)
    axis.set_title(panel.problem.replace("_", " "), fontsize=10)
    axis.set_xscale("log")
    axis.set_ylabel(_AXIS_LABELS[panel.measure], fontsize=8)
    if is_scaled:
        axis.set_ylim(_LOWEST, _HIGHEST)
    axis.xaxis.set_major_locator(LogLocator(numticks=8))
    axis.xaxis.set_major_formatter(lambda value, _: short_number(value))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.tick_params(labelsize=8)
    axis.grid(color="#e4e4e4", linewidth=0.6)
    axis.set_axisbelow(True)


def _style(number: int) -> dict[str, Any]:
    return {
        "color": _COLOURS[number % len(_COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linestyle": "-" if number < len(_COLOURS) else "--",
        "markersize": 4,
        # The first is what a newcomer gets. Its choices may be another's, which shows on top.
        "linewidth": 3.5 if number == 0 else 1.4,
    }


def short_number(number: float) -> str:
    """With a letter for thousands."""
    return f"{number / 1000:g}k" if number >= 1000 else f"{number:g}"


def _label(name: str) -> str:
    return f"{name}, the default" if name == DEFAULT else name


def _legend(names: list[str]) -> list[Any]:
    handles = [
        Line2D([], [], label=_label(name), **_style(number)) for number, name in enumerate(names)
    ]
    dotted: dict[str, Any] = {"color": "#888888", "linestyle": ":", "linewidth": 1.0}
    return [*handles, Line2D([], [], label="the model's discount allows", **dotted)]

"""Where the default recipe is wanted, beside where it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.quality.planners import DEFAULT
from benchmarks.quality.report import Panel, Report
from benchmarks.quality.scores import Score

__all__ = ["AIMS", "Aim", "format_aims"]

#: The share of what the model's discount allows that is wanted wherever the best is computed.
EVERYWHERE, SIMULATIONS = 0.95, 10_000


@dataclass(frozen=True)
class Aim:
    """At so many simulations a decision, at least this.

    Attributes:
      problem: its name.
      simulations: a decision.
      least_return: of an episode, in reward units.
    """

    problem: str
    simulations: int
    least_return: float


AIMS: Sequence[Aim] = (
    Aim("frozen_lake_4x4", 100, 0.65),
    Aim("frozen_lake_4x4", 300, 0.72),
    Aim("frozen_lake_8x8", 3_000, 0.85),
    Aim("cliff_walking", 1_000, -13.0),
    Aim("taxi", 3_000, 7.93 - 0.5),
    Aim("sysadmin_1", 1_000, 215.94 + 0.90 * (342.68 - 215.94)),
)


def format_aims(report: Report) -> str:
    """A Markdown table: a row for each aim whose problem was played."""
    lines = [
        "| problem | simulations | wanted of the default | found | there |",
        "|---|---|---|---|---|",
    ]
    panels = {panel.problem: panel for panel in report.panels}
    for aim in AIMS:
        if aim.problem in panels:
            lines.append(_return_row(aim, panels[aim.problem]))
    scored = [panel for panel in report.panels if panel.measure == "score"]
    return "\n".join([*lines, *map(_share_row, scored)])


def _return_row(aim: Aim, panel: Panel) -> str:
    score = _score(panel, aim.simulations)
    found = None if score is None else score.mean_return
    error = 0.0 if score is None else score.standard_error * (panel.best - panel.random)
    wanted = f"return >= {aim.least_return:.5g}"
    return _row(aim.problem, aim.simulations, wanted, found, error, aim.least_return)


def _share_row(panel: Panel) -> str:
    score = _score(panel, SIMULATIONS)
    allowed = panel.attainable_score or 1.0
    found = None if score is None else score.score / allowed
    error = 0.0 if score is None else score.standard_error / allowed
    wanted = f"score >= {EVERYWHERE} of what its discount allows"
    return _row(panel.problem, SIMULATIONS, wanted, found, error, EVERYWHERE)


def _row(
    problem: str, simulations: int, wanted: str, found: float | None, error: float, least: float
) -> str:
    told = "not played"
    if found is not None:
        told = f"{found:.4g}" + (f" ± {error:.2g}" if math.isfinite(error) else ", one episode")
    # One episode shows nothing; sums of exact losses are off by roundings.
    there = "yes" if found is not None and found >= least - 1e-9 else "no"
    if found is None or not math.isfinite(error):
        there = ""
    return f"| {problem} | {simulations:,} | {wanted} | {told} | {there} |"


def _score(panel: Panel, simulations: int) -> Score | None:
    for curve in panel.curves:
        if curve.recipe == DEFAULT and simulations in curve.simulations:
            return curve.scores[curve.simulations.index(simulations)]
    return None

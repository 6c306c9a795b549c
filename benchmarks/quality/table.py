"""The scores of a run as Markdown."""

from __future__ import annotations

import math

from benchmarks.quality.report import Panel, Report
from benchmarks.quality.scores import Score

__all__ = ["format_table"]


def format_table(report: Report) -> str:
    """A table a problem: a row a recipe, a column for each number of simulations a decision."""
    machine = report.machine
    lines = [
        f"{report.written[:10]}, {machine['cpu']}, {machine['python']}, commit "
        f"{machine['commit']}. Score = (return - random) / (best - random), with its standard "
        "error, and milliseconds of CPU time a decision.",
        "",
    ]
    for panel in report.panels:
        lines += [*_panel(panel), ""]
    lines += [f"Left out: {text}" for text in report.left_out]
    return "\n".join(lines).rstrip() + "\n"


def _panel(panel: Panel) -> list[str]:
    columns = sorted({number for curve in panel.curves for number in curve.simulations})
    told = [f"best {panel.best:.5g}", f"random {panel.random:.5g}"]
    if panel.horizon is not None:
        told.append(f"{panel.horizon} steps")
    if panel.attainable_score is not None:
        told.append(f"a stationary policy for the model's discount {panel.attainable_score:.3f}")
    lines = [
        f"**{panel.problem}** ({', '.join(told)})",
        "",
        f"| recipe | {' | '.join(f'{number:,}' for number in columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for curve in panel.curves:
        found = dict(zip(curve.simulations, curve.scores, strict=True))
        cells = [_cell(found[number]) if number in found else "" for number in columns]
        lines.append(f"| {curve.recipe} | {' | '.join(cells)} |")
    return lines


def _cell(score: Score) -> str:
    error = f" ± {score.standard_error:.3f}" if math.isfinite(score.standard_error) else ""
    return f"{score.score:.3f}{error}; {score.milliseconds:.3g} ms"

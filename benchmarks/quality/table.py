"""The scores of a run as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.quality.match_scores import MatchScore
from benchmarks.quality.report import Curve, Panel, Report
from benchmarks.quality.scores import Score

__all__ = ["best_within", "format_figure", "format_matches", "format_run", "format_table"]

#: Of CPU time a decision, at which curves are put side by side.
MILLISECONDS = (0.1, 1.0, 10.0, 100.0)


def format_table(report: Report) -> str:
    """A table a problem: a row a recipe, a column for each number of simulations a decision, and
    for some times; then the matches.
    """
    lines = [
        format_run(report),
        "",
        "A cell is a figure with its standard error, and the milliseconds of CPU time that a "
        "decision took. A column of milliseconds has the figure of the most simulations tried that "
        "took no longer.",
        "",
    ]
    for panel in report.panels:
        lines += [*_panel(panel), ""]
    lines += [*format_matches(report.matches), ""]
    lines += [f"Left out: {text}" for text in report.left_out]
    return "\n".join(lines).rstrip() + "\n"


def format_run(report: Report) -> str:
    """Where and when, in a line, and what figures are."""
    machine = report.machine
    return (
        f"{report.written[:10]}, {machine['cpu']}, {machine['python']}, commit "
        f"{machine['commit']}. A score is (return - random) / (best - random), a share that of the "
        "positions whose value is kept, a return the mean of an episode; random and best play are "
        "in the same units, and of a return the best, in brackets, is one to compare with."
    )


def format_matches(matches: Sequence[MatchScore]) -> list[str]:
    """A row a game and time a move; nothing where none was played."""
    if not matches:
        return []
    lines = [
        "**Matches of the default against OpenSpiel's MCTSBot**, equal wall-clock time a move",
        "",
        "| game | time a move | won | drawn | lost | points a game | took, ours / theirs |",
        "|---|---|---|---|---|---|---|",
    ]
    for match in matches:
        lines.append(
            f"| {match.game} | {match.milliseconds} ms | {match.wins} | {match.draws} | "
            f"{match.losses} | {_with_error(match.points, match.standard_error)} | "
            f"{match.our_milliseconds:.3g} / {match.their_milliseconds:.3g} ms |"
        )
    return lines


def format_figure(panel: Panel, score: Score) -> str:
    """What a score is shown as, with its standard error."""
    return _with_error(*panel.figure(score))


def best_within(curve: Curve, milliseconds: float) -> Score | None:
    """The score of the most simulations tried that took no longer; None: all took longer."""
    fits = [score for score in curve.scores if score.milliseconds <= milliseconds]
    return fits[-1] if fits else None


def _panel(panel: Panel) -> list[str]:
    columns = sorted({number for curve in panel.curves for number in curve.simulations})
    best = "best" if panel.measure != "return" else "to compare with"
    told = [panel.measure, f"{best} {panel.best:.5g}", f"random {panel.random:.5g}"]
    if panel.horizon is not None:
        told.append(f"{panel.horizon} steps")
    if panel.attainable_score is not None:
        told.append(f"a stationary policy for the model's discount {panel.attainable_score:.3f}")
    headings = [f"{number:,}" for number in columns] + [f"{time:g} ms" for time in MILLISECONDS]
    lines = [
        f"**{panel.problem}** ({', '.join(told)})",
        "",
        f"| recipe | {' | '.join(headings)} |",
        f"|---|{'---|' * len(headings)}",
    ]
    for curve in panel.curves:
        found = dict(zip(curve.simulations, curve.scores, strict=True))
        cells = [_cell(panel, found[number]) if number in found else "" for number in columns]
        at_times = [best_within(curve, time) for time in MILLISECONDS]
        cells += ["" if score is None else format_figure(panel, score) for score in at_times]
        lines.append(f"| {curve.recipe} | {' | '.join(cells)} |")
    return lines


def _cell(panel: Panel, score: Score) -> str:
    return f"{format_figure(panel, score)}; {score.milliseconds:.3g} ms"


def _with_error(figure: float, error: float) -> str:
    digits = 3 if abs(figure) < 10 else 1 if abs(figure) < 1_000 else 0
    told = f" ± {error:.{digits}f}" if math.isfinite(error) else ""
    return f"{figure:,.{digits}f}{told}"

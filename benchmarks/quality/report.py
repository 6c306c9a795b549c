"""What a run has found, as it is written to JSON."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

import mcts_service
from benchmarks.quality.match_scores import MatchScore
from benchmarks.quality.problem import Measure, Problem
from benchmarks.quality.records import Cell, Records
from benchmarks.quality.scores import Score, score_of

__all__ = ["Curve", "Panel", "Report", "make_report"]

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Curve:
    """A recipe on a problem.

    Attributes:
      recipe: its name.
      simulations: a decision, ascending.
      scores: at each of them.
    """

    recipe: str
    simulations: list[int]
    scores: list[Score]


@dataclass(frozen=True)
class Panel:
    """A problem.

    Attributes:
      problem: its name.
      measure: what its figures are; see `problem.Measure`.
      horizon: steps of an episode; None: it ends by itself, or is one decision.
      best, random: returns of best and of random play; of the measure "return" the first is a
        return to compare with.
      attainable_score: the score of `Problem.attainable`, where there is one.
      curves: one a recipe.
    """

    problem: str
    measure: Measure
    horizon: int | None
    best: float
    random: float
    attainable_score: float | None
    curves: list[Curve]

    def figure(self, score: Score) -> tuple[float, float]:
        """What a score is shown as, by the problem's measure, and its standard error."""
        if self.measure == "score":
            return score.score, score.standard_error
        return score.mean_return, score.standard_error * (self.best - self.random)


@dataclass(frozen=True)
class Report:
    """One run, or several that went on from each other.

    Attributes:
      written: date and time, UTC, ISO 8601.
      machine: what it ran on, by name.
      panels: one a problem.
      matches: against a peer, one a game and time.
      left_out: what could not run, each with the reason.
    """

    written: str
    machine: dict[str, str]
    panels: list[Panel]
    matches: list[MatchScore]
    left_out: list[str]

    def write(self, path: Path) -> None:
        """Writes it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def make_report(
    problems: Sequence[Problem],
    curves: Sequence[Sequence[Cell]],
    records: Records,
    matches: Sequence[MatchScore],
    left_out: Sequence[str],
) -> Report:
    """The scores of all that was played."""
    return Report(
        written=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        machine=_machine(),
        panels=[_panel(problem, curves, records) for problem in problems],
        matches=list(matches),
        left_out=list(left_out),
    )


def _panel(problem: Problem, curves: Sequence[Sequence[Cell]], records: Records) -> Panel:
    attainable = problem.attainable
    if attainable is not None:
        attainable = (attainable - problem.random) / problem.span
    drawn = [_curve(problem, c, records) for c in curves if c[0].problem == problem.name]
    return Panel(
        problem=problem.name,
        measure=problem.measure,
        horizon=problem.horizon,
        best=problem.best,
        random=problem.random,
        attainable_score=attainable,
        curves=[curve for curve in drawn if curve.scores],
    )


def _curve(problem: Problem, cells: Sequence[Cell], records: Records) -> Curve:
    played = [(cell, records.blocks(cell)) for cell in cells]
    scores = [(cell.simulations, score_of(problem, blocks)) for cell, blocks in played if blocks]
    return Curve(cells[0].recipe, [number for number, _ in scores], [score for _, score in scores])


def _machine() -> dict[str, str]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "mcts-service": mcts_service.__version__,
        "commit": _commit(),
    }


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"

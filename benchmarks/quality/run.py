"""Measures how good the plans are, on problems whose best return is known.

python -m benchmarks.quality.run                      goes on for 110 minutes, or until all is known
python -m benchmarks.quality.run --minutes 10         goes on for ten
python -m benchmarks.quality.run --only taxi          one problem; repeatable
python -m benchmarks.quality.run --quick              does everything work? Under two minutes

What was played is kept in build/benchmarks/quality/episodes.jsonl, and a run goes on from there:
remove the file after the search has changed. Scores are written as JSON, Markdown and pictures, of
a run of all problems to benchmarks/results/quality, of any other beside the episodes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.quality import peer
from benchmarks.quality.aims import format_aims
from benchmarks.quality.episodes import Block, play_block
from benchmarks.quality.planners import RecipePlanner, recipes
from benchmarks.quality.problem import Problem
from benchmarks.quality.problems import PROBLEMS, problem_of
from benchmarks.quality.records import Cell, Records
from benchmarks.quality.report import Report, make_report
from benchmarks.quality.schedule import Schedule
from benchmarks.quality.table import format_table
from mcts_service import SearchConfig
from mcts_service.errors import InvalidRequest

__all__ = ["measure"]

_ROOT = Path(__file__).resolve().parents[2]
RESULTS = _ROOT / "benchmarks" / "results" / "quality"
#: Below the build folder, which `make clean` removes.
PARTIAL_RESULTS = _ROOT / "build" / "benchmarks" / "quality"
EPISODES = "episodes.jsonl"

SIMULATIONS = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
QUICK_SIMULATIONS = (10, 100)
QUICK_PROBLEMS = ("frozen_lake_4x4", "random_mdp", "navigation_1")
MINUTES, QUICK_MINUTES = 110.0, 0.5

#: Between two lines that tell how far a run is.
TELL_SECONDS = 10.0

Play = Callable[[int, int], Block]


def main() -> None:
    options = _parse()
    # Here, as measuring needs no matplotlib.
    from benchmarks.quality.plot import plot_report

    quick = options.quick
    partial = options.results or PARTIAL_RESULTS
    folder = partial if options.results or quick or options.only else RESULTS
    minutes = QUICK_MINUTES if quick else MINUTES
    if options.minutes is not None:
        minutes = options.minutes
    report = measure(
        options.only or (QUICK_PROBLEMS if quick else list(PROBLEMS)),
        QUICK_SIMULATIONS if quick else SIMULATIONS,
        60 * minutes,
        partial / EPISODES,
    )
    report.write(folder / "quality.json")
    (folder / "quality.md").write_text(f"{format_aims(report)}\n\n{format_table(report)}")
    pictures = plot_report(report, folder)
    print(f"wrote quality.json, quality.md, {', '.join(p.name for p in pictures)} in {folder}")


def measure(
    names: Sequence[str], simulations: Sequence[int], seconds: float, episodes: Path
) -> Report:
    """Plays for so many seconds at most, and says what is known then.

    Args:
      names: of the problems.
      simulations: a decision, ascending.
      seconds: for playing; building and solving the problems comes on top.
      episodes: the file that keeps what is played.
    """
    problems = [problem_of(name) for name in names]
    configs = recipes()
    process = peer.PeerProcess()
    try:
        players, left_out = _players(problems, configs, process)
        curves = [
            [Cell(problem, recipe, count) for count in simulations if _can_play(recipe, count)]
            for problem, recipe in players
        ]
        settings = {name: asdict(config) for name, config in configs.items()}
        records = Records(episodes, {**settings, peer.POMDP_PY: {}})
        spans = {problem.name: problem.best - problem.random for problem in problems}
        _play_all(Schedule(curves, spans), players, records, seconds)
    finally:
        process.close()
    return make_report(problems, curves, records, left_out)


def _play_all(
    schedule: Schedule,
    players: Mapping[tuple[str, str], Play],
    records: Records,
    seconds: float,
) -> None:
    started, told, played = time.perf_counter(), 0.0, 0
    while True:
        passed = time.perf_counter() - started
        cell = schedule.next_cell(records, seconds - passed)
        if cell is None:
            return
        number = records.next_number(cell)
        block = players[cell.problem, cell.recipe](cell.simulations, number)
        records.add(cell, number, block)
        played += 1
        if passed - told >= TELL_SECONDS:
            told = passed
            print(f"{passed:6.0f} s: {played} blocks, now {cell}", flush=True)


def _players(
    problems: Sequence[Problem], configs: Mapping[str, SearchConfig], process: peer.PeerProcess
) -> tuple[dict[tuple[str, str], Play], list[str]]:
    """Who plays what, by problem and recipe; and what cannot be played, with the reason."""
    players: dict[tuple[str, str], Play] = {}
    left_out = []
    for problem in problems:
        for recipe, config in configs.items():
            try:
                players[problem.name, recipe] = _recipe_player(problem, config)
            except InvalidRequest as error:
                left_out.append(f"{recipe} on {problem.name}: {error}")
        if problem.horizon is not None and peer.is_installed():
            players[problem.name, peer.POMDP_PY] = _peer_player(problem.name, process)
    if not peer.is_installed():
        left_out.append(f"{peer.POMDP_PY}: is not installed; the extra `quality` has it")
    return players, left_out


def _recipe_player(problem: Problem, config: SearchConfig) -> Play:
    planner = RecipePlanner(problem, config)
    return lambda simulations, block: play_block(problem, planner, simulations, block)


def _peer_player(name: str, process: peer.PeerProcess) -> Play:
    return lambda simulations, block: process.play(name, simulations, block)


def _can_play(recipe: str, simulations: int) -> bool:
    return recipe != peer.POMDP_PY or simulations <= peer.MOST_SIMULATIONS


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, help=f"to play for (default {MINUTES:g})")
    parser.add_argument("--quick", action="store_true", help="few problems, simulations, episodes")
    parser.add_argument("--only", action="append", choices=list(PROBLEMS), help="a problem")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="for episodes and scores")
    return parser.parse_args()


if __name__ == "__main__":
    main()

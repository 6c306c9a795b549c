"""Measures how good the plans are: scores, shares of values kept, and returns.

python -m benchmarks.quality.run                      goes on for 110 minutes, or until all is known
python -m benchmarks.quality.run --minutes 10         goes on for ten
python -m benchmarks.quality.run --only taxi          one problem; repeatable; no matches
python -m benchmarks.quality.run --quick              does everything work? Under two minutes

What was played is kept in build/benchmarks/quality, in episodes.jsonl and matches.jsonl, and a run
goes on from there: remove the files after the search has changed. Scores are written as JSON,
Markdown and pictures, of a run of all problems to benchmarks/results/quality, and in short to
benchmarks/README.md; of any other run beside the episodes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.quality import match_run, peer
from benchmarks.quality.aims import format_aims
from benchmarks.quality.episodes import Block, play_block
from benchmarks.quality.game_problems import MATCH_GAMES
from benchmarks.quality.match_scores import score_matches
from benchmarks.quality.planners import RecipePlanner, recipes
from benchmarks.quality.problem import Problem
from benchmarks.quality.problems import PROBLEMS, problem_of
from benchmarks.quality.readme import write_readme
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
EPISODES, MATCHES = "episodes.jsonl", "matches.jsonl"
README = _ROOT / "benchmarks" / "README.md"

SIMULATIONS = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
QUICK_SIMULATIONS = (10, 100)
QUICK_PROBLEMS = ("frozen_lake_4x4", "navigation_1", "cart_pole", "tic_tac_toe")
MINUTES, QUICK_MINUTES = 110.0, 0.5
#: Of the time, at most, that goes to matches; they come first, as they end by themselves.
MATCH_PART = 0.2

#: Between two lines that tell how far a run is.
TELL_SECONDS = 10.0

Play = Callable[[int, int], Block]


def main() -> None:
    options = _parse()
    # Here, as measuring needs no matplotlib.
    from benchmarks.quality.plot import plot_report

    quick = options.quick
    partial = options.results or PARTIAL_RESULTS
    is_partial = bool(options.results or quick or options.only)
    folder = partial if is_partial else RESULTS
    minutes = QUICK_MINUTES if quick else MINUTES
    if options.minutes is not None:
        minutes = options.minutes
    report = measure(
        options.only or (QUICK_PROBLEMS if quick else list(PROBLEMS)),
        QUICK_SIMULATIONS if quick else SIMULATIONS,
        60 * minutes,
        partial,
        games=[] if options.only else MATCH_GAMES,
    )
    report.write(folder / "quality.json")
    (folder / "quality.md").write_text(f"{format_aims(report)}\n\n{format_table(report)}")
    pictures = plot_report(report, folder)
    if not is_partial:
        write_readme(report, README)
    print(f"wrote quality.json, quality.md, {', '.join(p.name for p in pictures)} in {folder}")


def measure(
    names: Sequence[str],
    simulations: Sequence[int],
    seconds: float,
    folder: Path,
    games: Sequence[str] = (),
) -> Report:
    """Plays for so many seconds at most, and says what is known then.

    Args:
      names: of the problems.
      simulations: a decision, ascending.
      seconds: for playing; building and solving the problems is a part of it.
      folder: that keeps what is played.
      games: of the matches, to which a part of the time goes.
    """
    started = time.perf_counter()
    problems = {name: problem_of(name) for name in names}
    configs = recipes()
    processes = {one.name: peer.PeerProcess(one) for one in peer.PEERS if peer.is_installed(one)}
    pairs = []
    if peer.OPENSPIEL.name in processes:
        pairs = match_run.play_matches(folder / MATCHES, MATCH_PART * seconds, games)
    try:
        players, left_out = _players(list(problems.values()), configs, processes)
        curves = [
            [Cell(problem, recipe, count) for count in simulations if _can_play(recipe, count)]
            for problem, recipe in players
        ]
        settings = {name: asdict(config) for name, config in configs.items()}
        records = Records(folder / EPISODES, {**settings, **{name: {} for name in processes}})
        seconds_left = seconds - (time.perf_counter() - started)
        _play_all(Schedule(curves, problems), players, records, seconds_left)
    finally:
        for process in processes.values():
            process.close()
    return make_report(list(problems.values()), curves, records, score_matches(pairs), left_out)


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
    problems: Sequence[Problem],
    configs: Mapping[str, SearchConfig],
    processes: Mapping[str, peer.PeerProcess],
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
        for one in peer.PEERS:
            if one.name in processes and one.plays(problem):
                players[problem.name, one.name] = _peer_player(problem.name, processes[one.name])
    left_out += [
        f"{one.name}: is not installed; the extra `quality` has it"
        for one in peer.PEERS
        if one.name not in processes
    ]
    return players, left_out


def _recipe_player(problem: Problem, config: SearchConfig) -> Play:
    """Has decided once, as some recipes are refused no sooner.

    Raises:
      InvalidRequest: the recipe does not suit the problem's model.
    """
    planner = RecipePlanner(problem, config)
    planner.decide(problem.start(0, np.random.default_rng(0)), problem.steps, 1, 0)
    return lambda simulations, block: play_block(problem, planner, simulations, block)


def _peer_player(name: str, process: peer.PeerProcess) -> Play:
    return lambda simulations, block: process.play(name, simulations, block)


def _can_play(recipe: str, simulations: int) -> bool:
    return all(recipe != one.name or simulations <= one.most_simulations for one in peer.PEERS)


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

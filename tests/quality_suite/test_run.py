"""A short run from the start to its table and pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.quality import peer, run, schedule
from benchmarks.quality.aims import format_aims
from benchmarks.quality.finite import FiniteProblem
from benchmarks.quality.planners import DEFAULT
from benchmarks.quality.problems import PROBLEMS, problem_of
from benchmarks.quality.report import Curve, Report
from benchmarks.quality.scores import Score, score_of
from benchmarks.quality.table import format_table

PROBLEM = "frozen_lake_4x4"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("quality")
    return path


def short_run(folder: Path) -> Report:
    """To its end, after two blocks a point; without the peer, which takes seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peer, "is_installed", lambda: False)
        patch.setattr(schedule, "MOST_EPISODES", 16)
        return run.measure([PROBLEM], (10, 100), math.inf, folder / "episodes.jsonl")


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return short_run(folder)


def test_every_problem_has_a_name_of_its_own() -> None:
    assert list(PROBLEMS) == [
        "frozen_lake_4x4",
        "frozen_lake_8x8",
        "cliff_walking",
        "taxi",
        "sailing",
        "racetrack",
        "random_mdp",
        "sysadmin_1",
        "game_of_life_1",
        "navigation_1",
    ]
    for name in (PROBLEM, "random_mdp"):
        assert problem_of(name).name == name
        assert problem_of(name).best > problem_of(name).random


def test_the_lake_is_the_one_that_was_solved(finite: Callable[[str], FiniteProblem]) -> None:
    problem = problem_of(PROBLEM)
    assert (problem.best, problem.horizon) == (pytest.approx(0.74419, abs=5e-6), 100)
    assert problem.attainable == pytest.approx(0.7402, abs=5e-5)
    rng = np.random.default_rng(0)
    assert problem.start(rng) == int(np.argmax(finite(PROBLEM).initial))


def test_a_run_scores_every_recipe(report: Report) -> None:
    [panel] = report.panels
    assert panel.problem == PROBLEM
    recipes = {curve.recipe: curve for curve in panel.curves}
    assert set(recipes) >= {DEFAULT, "uct", "graph", "dp_uct"}
    assert recipes["graph"].simulations == [10, 100]
    assert recipes["graph"].scores[1].score > recipes["uct"].scores[1].score
    assert all(score.milliseconds > 0 for curve in panel.curves for score in curve.scores)
    assert [line.partition(" ")[0] for line in report.left_out] == ["pomcp", "pomdp-py:"]
    assert report.left_out[1] == "pomdp-py: is not installed; the extra `quality` has it"


def test_a_second_run_plays_nothing_again(report: Report, folder: Path) -> None:
    kept = (folder / "episodes.jsonl").read_text()
    again = short_run(folder)
    assert again.panels == report.panels
    assert (folder / "episodes.jsonl").read_text() == kept


def test_a_report_is_written_as_json(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path / "quality.json")
    read = json.loads((tmp_path / "quality.json").read_text())
    assert read["panels"][0]["curves"][0]["recipe"] == DEFAULT
    assert set(read) == {"written", "machine", "panels", "left_out"}


def test_a_table_has_a_row_a_recipe_and_a_column_a_number(report: Report) -> None:
    table = format_table(report)
    assert "**frozen_lake_4x4** (best 0.74419, random 0.01394, 100 steps, a stat" in table
    assert "| recipe | 10 | 100 |\n|---|---|---|\n| default | " in table
    [curve] = [curve for curve in report.panels[0].curves if curve.recipe == "graph"]
    score = curve.scores[0]
    assert f"\n| graph | {score.score:.3f} ± {score.standard_error:.3f}; " in table


def with_scores(report: Report, problem: str, **scores: float) -> Report:
    """A report whose default has a score of 0.95 and the mean returns given, by simulations."""
    found = [Score(0.95, 0.01, value, 8, 1.0) for value in scores.values()]
    curve = Curve(DEFAULT, [int(name[1:]) for name in scores], found)
    return replace(report, panels=[replace(report.panels[0], problem=problem, curves=[curve])])


def test_aims_are_held_against_what_was_found(report: Report) -> None:
    lines = format_aims(
        with_scores(report, PROBLEM, n100=0.65, n300=0.7199, n10000=0.7)
    ).splitlines()
    assert [line.split(" | ")[1:] for line in lines[2:]] == [
        ["100", "return >= 0.65", "0.65 ± 0.0073", "yes |"],
        ["300", "return >= 0.72", "0.7199 ± 0.0073", "no |"],
        ["10,000", "score >= 0.95 of what its discount allows", "0.9553 ± 0.01", "yes |"],
    ]
    [_, _, first, *_] = format_aims(with_scores(report, PROBLEM, n300=0.7)).splitlines()
    assert first.split(" | ")[3:] == ["not played", " |"]


def test_the_peer_plays_in_a_process_of_its_own() -> None:
    pytest.importorskip("pomdp_py")
    process = peer.PeerProcess()
    try:
        block = process.play("random_mdp", 10, 3)
    finally:
        process.close()
    assert (len(block.losses), block.decisions) == (8, 8 * 50)
    assert 0.3 < score_of(problem_of("random_mdp"), [block]).score < 0.7


@pytest.mark.filterwarnings("ignore")
def test_a_report_is_drawn(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.quality.plot import plot_report, short_number

    for path in plot_report(report, tmp_path):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert [short_number(n) for n in (0.5, 10, 1e3, 3e4)] == ["0.5", "10", "1k", "30k"]

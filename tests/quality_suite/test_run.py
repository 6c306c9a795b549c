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

from benchmarks.quality import peer, readme, run, schedule
from benchmarks.quality.aims import format_aims
from benchmarks.quality.finite import FiniteProblem
from benchmarks.quality.planners import DEFAULT, RecipePlanner
from benchmarks.quality.problems import PROBLEMS, problem_of
from benchmarks.quality.report import Curve, Report
from benchmarks.quality.scores import Score, score_of
from benchmarks.quality.table import best_within, format_table
from mcts_service.errors import InvalidRequest

PROBLEM = "frozen_lake_4x4"
#: One of each kind.
PLAYED = (PROBLEM, "cart_pole", "tic_tac_toe")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("quality")
    return path


def short_run(folder: Path) -> Report:
    """To its end, after two blocks a point; without the peer, which takes seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peer, "is_installed", lambda _peer: False)
        patch.setattr(schedule, "MOST_EPISODES", 16)
        return run.measure(PLAYED, (10, 100), math.inf, folder)


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
        "cart_pole",
        "mountain_car",
        "acrobot",
        "game_2048",
        "tic_tac_toe",
        "connect_four",
        "connect_four_opening",
    ]
    for name in (*PLAYED, "random_mdp"):
        assert problem_of(name).name == name
        assert problem_of(name).best > problem_of(name).random


def test_the_lake_is_the_one_that_was_solved(finite: Callable[[str], FiniteProblem]) -> None:
    problem = problem_of(PROBLEM)
    assert (problem.best, problem.steps) == (pytest.approx(0.74419, abs=5e-6), 100)
    assert problem.attainable == pytest.approx(0.7402, abs=5e-5)
    rng = np.random.default_rng(0)
    assert problem.start(0, rng) == int(np.argmax(finite(PROBLEM).initial))


def test_a_run_scores_every_recipe(report: Report) -> None:
    panel = report.panels[0]
    assert [panel.problem for panel in report.panels] == list(PLAYED)
    assert [panel.measure for panel in report.panels] == ["score", "return", "share"]
    recipes = {curve.recipe: curve for curve in panel.curves}
    assert set(recipes) >= {DEFAULT, "uct", "graph", "dp_uct"}
    assert recipes["graph"].simulations == [10, 100]
    assert recipes["graph"].scores[1].score > recipes["uct"].scores[1].score
    for panel in report.panels:
        for curve in panel.curves:
            assert all(score.milliseconds > 0 for score in curve.scores)


def test_a_run_says_what_it_left_out_and_why(report: Report) -> None:
    [refused] = [line for line in report.left_out if line.startswith("graph on ")]
    assert refused.startswith("graph on tic_tac_toe: ")
    assert report.left_out[-2:] == [
        "pomdp-py: is not installed; the extra `quality` has it",
        "OpenSpiel: is not installed; the extra `quality` has it",
    ]


def test_a_recipe_that_is_refused_no_sooner_than_it_plans_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: Any) -> Any:
        raise InvalidRequest("selection", "needs priors")

    monkeypatch.setattr(peer, "is_installed", lambda _peer: False)
    monkeypatch.setattr(RecipePlanner, "decide", refuse)
    report = run.measure([PROBLEM], (10,), math.inf, tmp_path)
    assert report.panels[0].curves == []
    assert f"uct on {PROBLEM}: selection: needs priors" in report.left_out


def test_a_figure_is_in_the_units_of_its_problem(report: Report) -> None:
    lake, pole, game = report.panels
    score = Score(0.5, 0.1, 7.0, 8, 1.0)
    assert lake.figure(score) == (0.5, 0.1)
    assert pole.figure(score) == (7.0, pytest.approx(0.1 * (500 - pole.random)))
    assert game.figure(score) == (7.0, pytest.approx(0.1 * (1 - game.random)))


def test_plans_keep_the_pole_up_and_the_value_of_positions(report: Report) -> None:
    _, pole, game = ({c.recipe: c.scores[1] for c in panel.curves} for panel in report.panels)
    assert pole[DEFAULT].mean_return > 400
    assert game[DEFAULT].mean_return > 0.9


def test_a_second_run_plays_nothing_again(report: Report, folder: Path) -> None:
    kept = (folder / "episodes.jsonl").read_text()
    again = short_run(folder)
    assert again.panels == report.panels
    assert (folder / "episodes.jsonl").read_text() == kept


def test_a_report_is_written_as_json(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path / "quality.json")
    read = json.loads((tmp_path / "quality.json").read_text())
    assert read["panels"][0]["curves"][0]["recipe"] == DEFAULT
    assert set(read) == {"written", "machine", "panels", "matches", "left_out"}


def test_a_table_has_a_row_a_recipe_and_a_column_a_number(report: Report) -> None:
    table = format_table(report)
    assert "**frozen_lake_4x4** (score, best 0.74419, random 0.01394, 100 steps, a stat" in table
    assert "| recipe | 10 | 100 | 0.1 ms | 1 ms | 10 ms | 100 ms |\n|---|" in table
    assert "|\n| auto | " in table
    assert "**cart_pole** (return, to compare with 500, random 22.3, 500 steps)" in table
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
    process = peer.PeerProcess(peer.POMDP_PY)
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


def test_the_game_peer_keeps_values_in_a_process_of_its_own() -> None:
    pytest.importorskip("pyspiel")
    process = peer.PeerProcess(peer.OPENSPIEL)
    try:
        block = process.play("tic_tac_toe", 300, 0)
    finally:
        process.close()
    assert len(block.losses) == block.decisions == 66
    assert score_of(problem_of("tic_tac_toe"), [block]).mean_return > 0.9


def test_the_page_gets_a_row_a_problem(report: Report, tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    readme.write_readme(report, page)
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "old" not in lines
    [pole] = [line for line in lines if line.startswith("| cart_pole |")]
    assert pole.startswith("| cart_pole | return | (500) | 22.3 | ")
    page.write_text("no marks\n")
    with pytest.raises(ValueError, match="must have the lines"):
        readme.write_readme(report, page)


def test_the_figure_at_a_time_is_of_the_most_simulations_that_fit() -> None:
    scores = [Score(0.1 * n, 0.01, 0.0, 8, ms) for n, ms in ((1, 0.5), (2, 2.0), (3, 20.0))]
    curve = Curve("uct", [10, 30, 100], scores)
    assert best_within(curve, 0.1) is None
    assert best_within(curve, 2.0) == scores[1]
    assert best_within(curve, 100.0) == scores[2]

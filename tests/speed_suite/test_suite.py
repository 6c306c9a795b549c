"""Every group works, from its sides to the table, the picture and the page."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from comparison import Comparison, measure
from programs import Programs
from readme import BEGIN, END, write_readme
from report import Aim, Known, Report, Result
from side_process import Side, SideProcess
from suite import GROUPS
from table import format_known, format_report_end, format_result

#: Simulations of a turn: as few as there are.
AMOUNT = 1_000
#: What is measured of each group; of the rest, the sides are the same. Calls have servers.
MEASURED = {
    "games": ["tic-tac-toe, 1,000 simulations"],
    "grid10": ["grid10, 1,000 simulations"],
    "scaling": ["connect four, from 10,000 to 10,000,000 simulations"],
    "threads": ["grid10, horizon 50, 100,000 simulations"],
    "graph": ["Taxi", "SysAdmin 1", "a million cells, from samples"],
    "python": ["states are tuples, horizon 10", "states are arrays, horizon 10"],
    "latent": ["batch 32"],
    "mctx": ["puct, batch 32, 32 simulations", "gumbel, batch 1, 32 simulations"],
}
PEERS = {"pomdp-py": "pomdp_py", "OpenSpiel": "pyspiel", "mctx": "mctx"}


def shortened(comparison: Comparison) -> Comparison:
    sides = {name: replace(side, amount=AMOUNT) for name, side in comparison.sides.items()}
    return replace(comparison, sides=sides)


@pytest.fixture(scope="module")
def measured(programs: Programs) -> tuple[list[Result], list[str]]:
    results, left_out = [], []
    for group, works in MEASURED.items():
        comparisons = {comparison.work: comparison for comparison in GROUPS[group](programs)}
        for work in works:
            result, missing = measure(shortened(comparisons[work]), 1)
            results.append(result)
            left_out += missing
    return results, left_out


@pytest.fixture(scope="module")
def report(measured: tuple[list[Result], list[str]]) -> Report:
    machine = {"cpu": "a CPU", "cores": 2, "python": "CPython", "compiler": "gcc"}
    return Report("2026-01-02T03:04:05", 61.0, True, 1, machine, *measured)


def results_of(report: Report, group: str) -> Iterable[Result]:
    return (result for result in report.results if result.work in MEASURED[group])


def test_every_group_but_calls_is_measured_here() -> None:
    assert set(GROUPS) - set(MEASURED) == {"calls"}


def test_every_work_of_a_group_has_a_name_of_its_own(programs: Programs) -> None:
    for group in MEASURED:
        comparisons = list(GROUPS[group](programs))
        works = [(comparison.group, comparison.work) for comparison in comparisons]
        assert len(set(works)) == len(works)
        for comparison in comparisons:
            for pair in comparison.pairs:
                assert {pair.side, pair.against} <= set(comparison.sides)


def test_only_peers_that_are_not_installed_are_left_out(report: Report) -> None:
    absent = [name for name, module in PEERS.items() if not importlib.util.find_spec(module)]
    for text in report.left_out:
        assert any(f": {name}: " in text for name in absent), text


def test_every_side_takes_its_turn(report: Report) -> None:
    for result in report.results:
        assert result.sides
        for side in result.sides:
            assert all(sample > 0 for sample in side.samples), (result.work, side.name)


def test_native_sides_do_the_same_work(report: Report) -> None:
    for group in ("games", "grid10", "latent", "mctx"):
        for result in results_of(report, group):
            for ratio in result.ratios:
                if ratio.against not in ("limit, scaled by tree", "OpenSpiel"):
                    assert ratio.disagreements == [], (result.work, ratio.side)


def test_the_limit_grows_the_trees_that_ours_grows(report: Report) -> None:
    [result] = results_of(report, "latent")
    ours, limit = result.side("our trees alone"), result.side("limit")
    assert limit.counts["depth"] == pytest.approx(ours.counts["depth"], abs=0.01)


def test_a_step_down_the_graph_is_counted_down_to_the_horizon(report: Report) -> None:
    counts = {
        result.work: {side.name: side.counts for side in result.sides}
        for result in results_of(report, "graph")
    }
    assert counts["SysAdmin 1"]["graph"]["steps down a simulation"] == 40
    assert counts["SysAdmin 1"]["uct"]["steps in all"] == pytest.approx(40)
    short = counts["Taxi"]["uct without rollouts"]
    assert short["steps in all"] == pytest.approx(short["steps down a simulation"])


def test_a_report_comes_back_from_its_file(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path / "report.json")
    assert Report.read(tmp_path / "report.json") == report


def test_the_table_has_a_line_a_ratio(report: Report) -> None:
    [result] = results_of(report, "latent")
    text = format_result(result)
    for ratio in result.ratios:
        assert f"  {ratio.side} / {ratio.against}" in text
    assert "LightZero, its tree calls alone, measured elsewhere: 310,000 simulations" in text
    assert "1 rounds in 61 s" in format_report_end(report)


def test_known_figures_are_divided_by_where_there_is_an_aim(report: Report) -> None:
    [result] = results_of(report, "latent")
    median = result.side("our trees alone").median
    known = Known("someone", "7 a second", "our trees alone", median / 6, Aim(5, "higher"))
    assert format_known(known, result) == (
        "someone, measured elsewhere: 7 a second; our trees alone here are 6 times that "
        "(aim >= 5 +)"
    )
    assert format_known(Known("someone", "7"), result) == "someone, measured elsewhere: 7"


def test_the_page_gets_a_row_a_ratio(report: Report, tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_readme(replace(report, rounds=11), page)
    lines = page.read_text().splitlines()
    assert "old" not in lines
    rows = [line for line in lines if line.startswith("| Taxi (1 rounds) |")]
    assert len(rows) == 2
    assert any(line.startswith("- batch 32: LightZero") for line in lines)


@pytest.mark.filterwarnings("ignore")
def test_a_report_is_drawn(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from plot import plot_report

    plot_report(report, tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


def test_a_plan_that_stops_early_is_not_measured() -> None:
    from sides.ours import tic_tac_toe

    work: Any = tic_tac_toe(simulations=100, exploration=1.0)
    work.budget = replace(work.budget, simulations=99)
    with pytest.raises(RuntimeError, match="99 simulations"):
        work.turn(100)


def test_a_side_that_fails_says_why() -> None:
    side = Side("sides.descents:Descents", {"problem": "no", "recipe": "graph", "library": ""}, 1)
    with pytest.raises(RuntimeError, match=r"sides\.descents:Descents: Traceback"):
        SideProcess(side)

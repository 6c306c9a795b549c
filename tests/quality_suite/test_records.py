"""A run goes on from what is kept, and plays what is least known next."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.quality.episodes import Block
from benchmarks.quality.problem import Problem
from benchmarks.quality.records import Cell, Records
from benchmarks.quality.schedule import Schedule

SETTINGS: dict[str, Any] = {"uct": {"exploration": 1.0, "pair": (1, 2)}, "graph": {}}
CELL = Cell("taxi", "uct", 10)


def block(seconds: float = 1.0, losses: tuple[float, ...] = (0.5, 1.5)) -> Block:
    return Block(list(losses), 4, seconds / 2, seconds)


def filled(path: Path, *entries: tuple[Cell, Block]) -> Records:
    records = Records(path, SETTINGS)
    for cell, played in entries:
        records.add(cell, records.next_number(cell), played)
    return records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "episodes.jsonl"


# ---- records ----------------------------------------------------------------------------


def test_what_was_kept_is_there_again(path: Path) -> None:
    filled(path, (CELL, block(1)), (CELL, block(2)), (Cell("taxi", "graph", 10), block(3)))
    records = Records(path, SETTINGS)
    assert records.blocks(CELL) == [block(1), block(2)]
    assert records.next_number(CELL) == 2
    assert records.blocks(Cell("taxi", "uct", 30)) == []
    assert records.next_number(Cell("taxi", "uct", 30)) == 0


def test_a_block_that_is_missing_comes_next(path: Path) -> None:
    records = Records(path, SETTINGS)
    records.add(CELL, 0, block(1))
    records.add(CELL, 2, block(3))
    assert records.next_number(CELL) == 1


def test_blocks_of_other_settings_are_passed_over(path: Path) -> None:
    filled(path, (CELL, block()))
    assert Records(path, {**SETTINGS, "uct": {"exploration": 2.0}}).blocks(CELL) == []
    assert Records(path, {"graph": {}}).blocks(CELL) == []
    assert Records(path, SETTINGS).blocks(CELL) == [block()]


def test_a_line_that_was_cut_short_is_played_again(path: Path) -> None:
    filled(path, (CELL, block(1)), (CELL, block(2)))
    path.write_text(path.read_text()[:-20])
    records = Records(path, SETTINGS)
    assert records.blocks(CELL) == [block(1)]
    records.add(CELL, records.next_number(CELL), block(3))
    assert Records(path, SETTINGS).blocks(CELL) == [block(1), block(3)]


def test_any_other_line_that_is_none_is_refused(path: Path) -> None:
    filled(path, (CELL, block()))
    path.write_text(json.dumps({"problem": "taxi"}) + "\n" + path.read_text())
    with pytest.raises(ValueError, match="line 1: is no record of a block"):
        Records(path, SETTINGS)


# ---- schedule ---------------------------------------------------------------------------

CURVE = [Cell("taxi", "uct", count) for count in (10, 100, 1_000)]
OTHER = [Cell("taxi", "graph", count) for count in (10, 100, 1_000)]


def problems(span: float = 100.0) -> dict[str, Problem]:
    """All that a schedule looks at."""
    taxi = Problem(
        name="taxi",
        model=None,
        steps=200,
        best=span,
        random=0.0,
        start=lambda episode, luck: None,
        loss=None,
    )
    return {"taxi": taxi}


def schedule() -> Schedule:
    return Schedule([CURVE, OTHER], problems())


def test_curves_begin_at_their_left_ends(path: Path) -> None:
    assert schedule().next_cell(Records(path, SETTINGS), 100) == CURVE[0]
    assert schedule().next_cell(filled(path, (CURVE[0], block(1))), 100) == OTHER[0]


def test_the_least_time_is_added_to_first(path: Path) -> None:
    """A block at 100 simulations takes ten times one at 10, and a first one counts a quarter."""
    uncertain = (0.0, 90.0)
    records = filled(path, (CURVE[0], block(1, uncertain)), (OTHER[0], block(3, uncertain)))
    # With one block more: 1 + 1 s, 10 / 4 s; 3 + 3 s, 30 / 4 s.
    assert schedule().next_cell(records, 100) == CURVE[0]
    records.add(CURVE[0], 1, block(1, uncertain))
    # 2 + 1 s, 10 / 4 s.
    assert schedule().next_cell(records, 100) == CURVE[1]
    records.add(CURVE[1], 0, block(10, uncertain))
    assert schedule().next_cell(records, 100) == CURVE[0]
    for number in range(2, 6):
        records.add(CURVE[0], number, block(1, uncertain))
    # 6 + 1 s, 10 + 10 s; 3 + 3 s.
    assert schedule().next_cell(records, 100) == OTHER[0]


def test_what_is_known_well_enough_is_left(path: Path) -> None:
    records = filled(path, (CURVE[0], block(1, (5.0,) * 6)), (OTHER[0], block(50, (5.0, 90.0))))
    assert schedule().next_cell(records, 1_000) == CURVE[1]
    sure = Schedule([CURVE[:1]], problems())
    assert sure.next_cell(records, 1_000) is None


def test_few_episodes_are_not_believed(path: Path) -> None:
    few = Schedule([CURVE[:1]], problems())
    records = filled(path, (CURVE[0], block(1, (5.0,) * 5)))
    assert few.next_cell(records, 1_000) == CURVE[0]
    records.add(CURVE[0], 1, block(1, (5.0,)))
    assert few.next_cell(records, 1_000) is None
    more = Schedule([CURVE[:1]], {"taxi": replace(problems()["taxi"], least_episodes=7)})
    assert more.next_cell(records, 1_000) == CURVE[0]


def test_nothing_is_begun_that_would_not_end_in_time(path: Path) -> None:
    records = filled(path, (CURVE[0], block(1, (5.0,) * 6)), (OTHER[0], block(2, (5.0,) * 6)))
    assert schedule().next_cell(records, 9.9) is None
    assert schedule().next_cell(records, 10.0) == CURVE[1]


def test_episodes_come_to_an_end_however_uncertain(path: Path) -> None:
    one = Schedule([CURVE[:1]], problems(1.0))
    assert one.next_cell(filled(path, (CURVE[0], block(1, (0.0, 1e3) * 200))), 100) is None

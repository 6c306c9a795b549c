"""The mazes are models, and those of the book."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mcts_service.models import tabulate
from mcts_service.planning import prioritized_sweeping
from mcts_service.testing import check_model


@pytest.fixture
def mazes(example: Any) -> Any:
    return example("mazes")


@pytest.mark.parametrize(
    ("name", "shortest"), [("DYNA_MAZE", 14), ("OPEN_RIGHT", 10), ("OPEN_LEFT", 16)]
)
def test_a_maze_is_a_model_with_the_shortest_way_of_the_book(
    mazes: Any, name: str, shortest: int
) -> None:
    maze = getattr(mazes, name)
    problems = [check for check in check_model(maze).checks if check.outcome == "problem"]
    assert not problems
    assert maze.shortest() == shortest
    # A reward of 1 after so many steps, by another way than counting them.
    swept = prioritized_sweeping(maze, np.random.default_rng(0), threshold=1e-12)
    assert swept.values[0] == pytest.approx(0.95 ** (shortest - 1), abs=1e-9)
    assert maze.greedy_steps(_table(maze, swept), 100) == shortest


def _table(maze: Any, swept: Any) -> np.ndarray:
    q = np.zeros((maze.num_states, maze.num_actions))
    q[list(swept.states)] = swept.q
    return q


def test_the_dyna_maze_has_47_cells_and_finer_ones_have_as_many_times_more(mazes: Any) -> None:
    assert mazes.DYNA_MAZE.num_free == 47
    for height, width in ((2, 1), (2, 2), (16, 8)):
        finer = mazes.DYNA_MAZE.stretched(height, width)
        assert finer.num_free == 47 * height * width
        # Episodes end at the edge of the goal: what lies behind it is never entered.
        assert 0.9 * finer.num_free < len(tabulate(finer).states) <= finer.num_free
        assert finer.shortest() > mazes.DYNA_MAZE.shortest()


def test_the_shortcut_is_shorter_and_the_blocked_way_longer(mazes: Any) -> None:
    assert [maze.shortest() for maze in mazes.BLOCKED] == [10, 16]
    assert [maze.shortest() for maze in mazes.SHORTCUT] == [16, 10]


def test_a_changing_maze_changes_after_so_many_steps(mazes: Any) -> None:
    world = mazes.ChangingMaze(mazes.BLOCKED, 2)
    below_the_right_gap = 4 * 9 + 8
    outcomes = [world(below_the_right_gap, 0, None)[0] for _ in range(4)]
    assert outcomes == [below_the_right_gap - 9] * 2 + [below_the_right_gap] * 2


@pytest.mark.parametrize("rows", [("S.", "G"), ("S.",), (".G",), ("SG", "S.")])
def test_what_is_no_maze_is_refused(mazes: Any, rows: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="maze"):
        mazes.Maze(*rows)

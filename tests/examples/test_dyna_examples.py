"""Short forms of the Dyna and sweeping examples say what the book says.

Every comparison is of runs with fixed seeds. The figures beside it are means and standard
deviations over other seeds; a false alarm is a claim that would fail for a seed although the code
is right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

PNG = b"\x89PNG\r\n\x1a\n"


def test_planning_makes_the_dyna_maze_a_matter_of_few_episodes(
    example: Any, tmp_path: Path
) -> None:
    dyna_maze = example("dyna_maze")
    steps = dyna_maze.play(runs=8, seed=0)
    assert {n: of_runs.shape for n, of_runs in steps.items()} == dict.fromkeys((0, 5, 50), (8, 50))
    # Over 12 other seeds: 3,845 steps with a standard deviation of 565 without planning, 529 and 31
    # with 5 planning steps, 343 and 10 with 50. The nearest claim is 4.9 deviations away: a false
    # alarm in a million.
    sums = {n: of_runs[:, 1:20].sum(axis=1).mean() for n, of_runs in steps.items()}
    assert sums[0] > 2 * sums[5]
    assert sums[5] > sums[50]
    # The book: about 25, about 5, about 3. Over the same seeds: 26.8 and 2.3, 5.75 and 0.6, always
    # 3. The nearest claim is 5.1 deviations away.
    first = {n: dyna_maze.first_good_episode(steps, n) for n in steps}
    assert first[0] > 15
    assert 2 < first[5] < 11
    assert first[50] <= 5
    # 16.6 and 0.3; no episode can take fewer than 14.
    assert 14 <= dyna_maze.final_steps(steps) < 20
    dyna_maze.draw(steps, tmp_path / "maze.png")
    assert (tmp_path / "maze.png").read_bytes().startswith(PNG)
    assert dyna_maze.table(steps).row_count == 3


def test_the_bonus_finds_the_new_way_when_the_old_one_is_blocked_or_long(
    example: Any, tmp_path: Path
) -> None:
    blocking_maze = example("blocking_maze")
    rewards = {
        change.title: blocking_maze.play(change, runs=6, seed=0) for change in blocking_maze.CHANGES
    }
    for change in blocking_maze.CHANGES:
        after = {
            name: gathered[:, -1].mean() - gathered[:, change.change_after - 1].mean()
            for name, gathered in rewards[change.title].items()
        }
        # 40 other runs: 76 with a standard deviation of 12 against 18 and 33 where the way is
        # blocked, 229 and 6 against 165 and 3 where a shortcut opens. The nearer claim is 5.1
        # deviations of the mean of 10 runs away: a false alarm in a million.
        assert after["Dyna-Q+"] > after["Dyna-Q"]
    blocking_maze.draw(rewards, tmp_path / "blocking.png")
    assert (tmp_path / "blocking.png").read_bytes().startswith(PNG)
    assert blocking_maze.table(rewards).row_count == 4


def test_sweeping_needs_several_times_fewer_updates_than_dyna(example: Any, tmp_path: Path) -> None:
    growing_mazes, mazes = example("growing_mazes"), example("mazes")
    finer = mazes.DYNA_MAZE.stretched(2, 2)
    updates = growing_mazes.play([mazes.DYNA_MAZE, finer], runs=5, seed=0)
    assert list(updates) == [47, 188]
    # Means of logarithms over 40 other runs, with their standard deviations, of 47 and 188 states:
    # 8.63, 0.55 and 10.30, 0.54 in all, 7.54, 0.37 and 9.78, 0.65 from the first reward on, and
    # 5.12, 0.31 and 6.95, 0.47 of sweeping. The nearest claim is 4.8 deviations of the difference
    # of means of 5 runs away: a false alarm in a million.
    for counts in updates.values():
        in_all, since_reward, sweeping = (
            float(np.exp(np.mean(np.log(of_runs)))) for of_runs in counts.values()
        )
        assert in_all > 5 * sweeping
        assert since_reward > 3 * sweeping
    growing_mazes.draw(updates, tmp_path / "growing.png")
    assert (tmp_path / "growing.png").read_bytes().startswith(PNG)
    assert growing_mazes.table(updates).row_count == 2

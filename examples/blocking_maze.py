"""Dyna-Q and Dyna-Q+ in a maze that changes: the way is blocked, or a shorter one opens.

python examples/blocking_maze.py [--runs RUNS] [--seed SEED] [--results FOLDER]

Reproduces figures 8.4 and 8.5 of Sutton and Barto (2018): the reward gathered by each step. Where
the way is blocked, Dyna-Q may go on trying the old gap for the rest of a run; it does not find
the shortcut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress
from rich.table import Table

from figures import BLUE, ORANGE, arguments_of, save, show, subplots
from mazes import BLOCKED, SHORTCUT, ChangingMaze, Maze
from mcts_service.learning import DynaQ, DynaQPlus


@dataclass(frozen=True)
class Change:
    """A world that changes once.

    Attributes:
      title: of its panel.
      mazes: before and after.
      change_after, steps: when it changes, and how long it is played.
      planning_steps, exploration_bonus: of the learners. The book does not give these.
    """

    title: str
    mazes: tuple[Maze, Maze]
    change_after: int
    steps: int
    planning_steps: int
    exploration_bonus: float


CHANGES = (
    Change("The way is blocked", BLOCKED, 1_000, 3_000, 10, 1e-4),
    Change("A shortcut opens", SHORTCUT, 3_000, 6_000, 50, 1e-3),
)
LEARNERS = {"Dyna-Q": BLUE, "Dyna-Q+": ORANGE}
#: The world is deterministic while it lasts: one step tells all.
STEP_SIZE, EPSILON, DISCOUNT = 1.0, 0.1, 0.95

Rewards = dict[str, np.ndarray]


def main() -> None:
    """Runs both learners in both worlds, prints the table and draws the plot."""
    arguments = arguments_of("Dyna-Q and Dyna-Q+ in a maze that changes", runs=30)
    runs: int = arguments.runs
    with Progress() as progress:
        task = progress.add_task("changing mazes", total=len(CHANGES) * len(LEARNERS) * runs)
        rewards = {
            change.title: play(change, runs, arguments.seed, lambda: progress.advance(task))
            for change in CHANGES
        }
    show(table(rewards))
    draw(rewards, arguments.results / "blocking_maze.png")


def play(change: Change, runs: int, seed: int, on_run: Callable[[], Any] = lambda: None) -> Rewards:
    """The reward gathered up to each step: float64[runs, steps] of each learner.

    Args:
      change: the world.
      runs: of each learner; run i has the same seed for both.
      seed: of the first run.
      on_run: called after each.
    """
    gathered: dict[str, list[np.ndarray]] = {name: [] for name in LEARNERS}
    for name, of_runs in gathered.items():
        for run in range(runs):
            ran = _learner(name, change).run(
                ChangingMaze(change.mazes, change.change_after),
                np.random.default_rng((seed, run)),
                steps=change.steps,
                initial_state=change.mazes[0].initial_state(),
            )
            of_runs.append(ran.cumulative_reward)
            on_run()
    return {name: np.array(of_runs) for name, of_runs in gathered.items()}


def _learner(name: str, change: Change) -> DynaQ:
    maze = change.mazes[0]
    settings: Any = {
        "step_size": STEP_SIZE,
        "epsilon": EPSILON,
        "discount": DISCOUNT,
        "planning_steps": change.planning_steps,
    }
    if name == "Dyna-Q":
        return DynaQ(maze.num_states, maze.num_actions, **settings)
    bonus = change.exploration_bonus
    return DynaQPlus(maze.num_states, maze.num_actions, exploration_bonus=bonus, **settings)


def table(rewards: dict[str, Rewards]) -> Table:
    """What was gathered before and after the change."""
    runs = len(next(iter(rewards.values()))["Dyna-Q"])
    shown = Table(title=f"Changing mazes: reward gathered, mean ± standard error of {runs} runs")
    for column in ("world", "learner", "before the change", "after it", "in its last 500 steps"):
        shown.add_column(column, justify="left" if column in ("world", "learner") else "right")
    for change in CHANGES:
        for name, gathered in rewards[change.title].items():
            before = gathered[:, change.change_after - 1]
            last = gathered[:, -1] - gathered[:, -501]
            shown.add_row(
                change.title, name, _mean(before), _mean(gathered[:, -1] - before), _mean(last)
            )
    return shown


def _mean(values: np.ndarray) -> str:
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{values.mean():.1f} ± {error:.1f}"


def draw(rewards: dict[str, Rewards], path: Path) -> None:
    """A panel for each world."""
    figure, axes = subplots(len(CHANGES), width=9.0, height=3.8)
    for axis, change in zip(axes, CHANGES, strict=True):
        time = np.arange(1, change.steps + 1)
        for name, gathered in rewards[change.title].items():
            mean, spread = gathered.mean(axis=0), gathered.std(axis=0)
            axis.plot(time, mean, color=LEARNERS[name], linewidth=1.4, label=name)
            axis.fill_between(
                time, mean - spread, mean + spread, color=LEARNERS[name], alpha=0.15, linewidth=0
            )
        axis.axvline(change.change_after, color="#888888", linewidth=1.0, linestyle=":")
        axis.text(
            change.change_after,
            0.99,
            " the maze changes",
            transform=axis.get_xaxis_transform(),
            fontsize=8,
            va="top",
        )
        axis.set_title(change.title, loc="left", fontsize=10)
        axis.set_xlim(0, change.steps)
        axis.set_ylim(0, None)
        axis.set_xlabel("steps")
    runs = len(rewards[CHANGES[0].title]["Dyna-Q"])
    axes[0].set_ylabel(f"reward gathered, mean ± s.d. of {runs} runs")
    axes[0].legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 0.93))
    save(figure, path)


if __name__ == "__main__":
    main()

"""Dyna-Q in a maze, with 0, 5 and 50 simulated steps after each real one.

python examples/dyna_maze.py [--runs RUNS] [--seed SEED] [--results FOLDER]

Reproduces figure 8.2 of Sutton and Barto (2018): how many steps each episode takes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress
from rich.table import Table

from figures import BLACK, BLUE, ORANGE, arguments_of, save, show, subplots
from mazes import DYNA_MAZE
from mcts_service.learning import DynaQ

EPISODES = 50
#: As in the book.
STEP_SIZE, EPSILON, DISCOUNT = 0.1, 0.1, 0.95
#: By simulated steps after each real one: the colour, and when the book says that it was nearly
#: optimal.
PLANNING = {0: (BLACK, "about 25"), 5: (BLUE, "about 5"), 50: (ORANGE, "about 3")}
#: An episode this much longer than those at the end is not nearly as good.
NEARLY = 1.25
TICKS = (10, 20, 50, 100, 200, 500, 1_000)

Steps = dict[int, np.ndarray]


def main() -> None:
    """Runs all learners, prints the table and draws the plot."""
    arguments = arguments_of("Dyna-Q in a maze", runs=30)
    with Progress() as progress:
        task = progress.add_task("learning the maze", total=len(PLANNING) * arguments.runs)
        steps = play(arguments.runs, arguments.seed, lambda: progress.advance(task))
    show(table(steps))
    draw(steps, arguments.results / "dyna_maze.png")


def play(runs: int, seed: int, on_run: Callable[[], Any] = lambda: None) -> Steps:
    """The steps of each episode.

    Args:
      runs: of each learner; run i has the same seed for all of them.
      seed: of the first run.
      on_run: called after each.
    Returns:
      int64[runs, EPISODES] for each number of planning steps.
    """
    steps: Steps = {}
    for planning_steps in PLANNING:
        of_runs = []
        for run in range(runs):
            learner = DynaQ(
                DYNA_MAZE.num_states,
                DYNA_MAZE.num_actions,
                step_size=STEP_SIZE,
                discount=DISCOUNT,
                epsilon=EPSILON,
                planning_steps=planning_steps,
            )
            rng = np.random.default_rng((seed, run))
            of_runs.append(learner.run(DYNA_MAZE, rng, episodes=EPISODES).steps_per_episode)
            on_run()
        steps[planning_steps] = np.array(of_runs)
    return steps


def final_steps(steps: Steps) -> float:
    """What an episode takes in the end: the mean of the last ten of those who plan most."""
    return float(steps[max(steps)][:, -10:].mean())


def first_good_episode(steps: Steps, planning_steps: int) -> int:
    """The first episode, counted from 1, that took nearly as few steps as those in the end.

    Looks at means over the runs, each of three neighbouring episodes.
    """
    means = steps[planning_steps].mean(axis=0)
    smooth = np.convolve(np.pad(means, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    good = np.minimum(smooth, means) <= NEARLY * final_steps(steps)
    return int(good.argmax()) + 1 if good.any() else len(means) + 1


def table(steps: Steps) -> Table:
    """What was measured, beside the book."""
    runs = len(steps[0])
    shown = Table(title=f"Dyna maze: {runs} runs, shortest way {DYNA_MAZE.shortest()} steps")
    for column in ("planning steps", "episode 1", "episode 2", "last ten", "nearly optimal from"):
        shown.add_column(column, justify="right")
    shown.add_column("the book", justify="right")
    for planning_steps, (_, book) in PLANNING.items():
        means = steps[planning_steps].mean(axis=0)
        shown.add_row(
            str(planning_steps),
            f"{means[0]:,.0f}",
            f"{means[1]:,.1f}",
            f"{means[-10:].mean():.1f}",
            f"episode {first_good_episode(steps, planning_steps)}",
            book,
        )
    return shown


def draw(steps: Steps, path: Path) -> None:
    """The steps of each episode from the second on, as the book shows them."""
    figure, (axis,) = subplots(1, width=6.4, height=4.0)
    episodes = np.arange(2, EPISODES + 1)
    for planning_steps, (colour, _) in PLANNING.items():
        mean = steps[planning_steps].mean(axis=0)[1:]
        error = steps[planning_steps].std(axis=0, ddof=1)[1:] / np.sqrt(len(steps[0]))
        label = f"{planning_steps} planning steps" if planning_steps else "no planning"
        axis.plot(episodes, mean, color=colour, linewidth=1.4, label=label)
        axis.fill_between(
            episodes, mean - error, mean + error, color=colour, alpha=0.18, linewidth=0
        )
    shortest = DYNA_MAZE.shortest()
    axis.axhline(shortest, color="#888888", linewidth=1.0, linestyle=":")
    axis.text(EPISODES, shortest * 0.96, f"shortest way: {shortest}", ha="right", va="top")
    axis.set_xlim(2, EPISODES)
    axis.set_yscale("log")
    axis.set_ylim(10, 1_000)
    axis.set_xticks([2, 10, 20, 30, 40, 50])
    axis.set_yticks(TICKS, labels=[f"{tick:,}" for tick in TICKS])
    axis.set_xlabel("episode")
    axis.set_ylabel(f"steps per episode, mean of {len(steps[0])} runs ± s.e.")
    axis.legend(frameon=False)
    save(figure, path)


if __name__ == "__main__":
    main()

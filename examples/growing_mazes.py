"""Prioritized sweeping and Dyna-Q in ever finer mazes: updates until the shortest way is known.

python examples/growing_mazes.py [--runs RUNS] [--seed SEED] [--results FOLDER]

Example 8.4 of Sutton and Barto (2018), after Peng and Williams (1993): both make at most five
updates a real step. The book has sweeping get by with 5 to 10 times fewer; here it is more, as
sweeping makes none while nothing new is seen, and Dyna-Q goes on making five. So it does until the
first reward, before which there is nothing to learn: Dyna-Q is counted twice, from the first step
on and from the first reward on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress
from rich.table import Table

from figures import BLUE, ORANGE, arguments_of, save, show, subplots
from mazes import DYNA_MAZE, Maze
from mcts_service.learning import DynaLearner, DynaQ, DynaSweeping
from mcts_service.planning import PrioritizedSweeping
from mcts_service.protocols import Experience

#: How the Dyna maze is stretched: each has twice the cells of the one before, 47 to 6,016.
STRETCHES = ((1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4), (8, 8), (16, 8))
LEARNERS = ("Dyna-Q", "prioritized sweeping")
#: The mazes are deterministic: a step size of 1. All steps are at random, so that a short way once
#: found does not keep anybody from the shortest: the book leaves open how it explores.
PLANNING_STEPS, STEP_SIZE, EPSILON, DISCOUNT = 5, 1.0, 1.0, 0.95
#: Far below what one step more or less is worth at the start of the greatest maze: 2e-5.
THRESHOLD = 1e-9
#: The policy is looked at about this often while an agent walks through as many states.
LOOKS = 20

#: What is counted, by the colour and the line that show it.
COUNTS = {
    "Dyna-Q": (BLUE, "--"),
    "Dyna-Q, from the first reward on": (BLUE, "-"),
    "prioritized sweeping": (ORANGE, "-"),
}
#: By the number of states and the count: of each run.
Updates = dict[int, dict[str, list[int]]]


def main() -> None:
    """Runs both learners on all mazes, prints the table and draws the plot."""
    arguments = arguments_of("Prioritized sweeping and Dyna-Q in ever finer mazes", runs=4)
    mazes = [DYNA_MAZE.stretched(*stretch) for stretch in STRETCHES]
    with Progress() as progress:
        # A run takes about as long as its maze is great.
        total = len(LEARNERS) * arguments.runs * sum(maze.num_free for maze in mazes)
        task = progress.add_task("learning mazes", total=total)
        updates = play(
            mazes, arguments.runs, arguments.seed, lambda size: progress.advance(task, size)
        )
    show(table(updates))
    draw(updates, arguments.results / "growing_mazes.png")


def play(
    mazes: list[Maze], runs: int, seed: int, on_run: Callable[[int], Any] = lambda _: None
) -> Updates:
    """How many updates it took until the shortest way was known.

    Args:
      mazes: to learn.
      runs: of each learner in each maze.
      seed: of the runs; run i has the same seed for both learners.
      on_run: called after each with the number of states.
    """
    updates: Updates = {}
    for maze in mazes:
        updates[maze.num_free] = {name: [] for name in COUNTS}
        for name in LEARNERS:
            for run in range(runs):
                rng = np.random.default_rng((seed, run))
                in_all, since_reward = updates_to_the_shortest_way(maze, _learner(name, maze), rng)
                updates[maze.num_free][name].append(in_all)
                if name == "Dyna-Q":
                    updates[maze.num_free][f"{name}, from the first reward on"].append(since_reward)
                on_run(maze.num_free)
    return updates


def updates_to_the_shortest_way(
    maze: Maze, learner: DynaLearner, rng: np.random.Generator
) -> tuple[int, int]:
    """Walks at random and learns until the greedy policy takes the shortest way from the start.

    Returns:
      The updates in all, and those from the step of the first reward on.
    """
    shortest = maze.shortest()
    every = max(1, maze.num_free // LOOKS)
    steps, without_reward, rewarded = 0, 0, False

    def knows_the_shortest_way(experience: Experience[int], ended: bool) -> bool:
        nonlocal steps, without_reward, rewarded
        steps += 1
        rewarded = rewarded or experience.reward > 0
        if not rewarded:
            without_reward = learner.updates
            return False
        # Where nothing is known, the first of equally good actions may be right by chance.
        return (
            steps % every == 0
            and learner.q[maze.initial_state()].any()
            and maze.greedy_steps(learner.q, shortest + 1) == shortest
        )

    learner.run(maze, rng, steps=10**9, on_step=knows_the_shortest_way)
    return learner.updates, learner.updates - without_reward


def _learner(name: str, maze: Maze) -> DynaLearner:
    if name == "Dyna-Q":
        return DynaQ(
            maze.num_states,
            maze.num_actions,
            step_size=STEP_SIZE,
            epsilon=EPSILON,
            discount=DISCOUNT,
            planning_steps=PLANNING_STEPS - 1,  # the real step is an update too
        )
    sweeping = PrioritizedSweeping(
        maze.num_states,
        maze.num_actions,
        step_size=STEP_SIZE,
        discount=DISCOUNT,
        threshold=THRESHOLD,
        kept="last",
    )
    return DynaSweeping(sweeping, epsilon=EPSILON, planning_steps=PLANNING_STEPS)


def table(updates: Updates) -> Table:
    """The means, and how many times fewer sweeping needs."""
    runs = len(next(iter(updates.values()))["Dyna-Q"])
    shown = Table(title=f"Updates until the shortest way is known, means of {runs} runs")
    for column in ("states", *COUNTS, "times fewer"):
        shown.add_column(column, justify="right")
    for size, counts in updates.items():
        means = [float(np.mean(of_runs)) for of_runs in counts.values()]
        shown.add_row(
            f"{size:,}",
            *(f"{mean:,.0f}" for mean in means),
            f"{means[0] / means[2]:.0f}, {means[1] / means[2]:.0f}",
        )
    return shown


def draw(updates: Updates, path: Path) -> None:
    """Updates against states, both in powers, as the book shows them."""
    figure, (axis,) = subplots(1, width=6.4, height=4.2)
    sizes = list(updates)
    for name, (colour, line) in COUNTS.items():
        of_runs = np.array([updates[size][name] for size in sizes])
        axis.plot(
            sizes,
            of_runs.mean(axis=1),
            color=colour,
            linestyle=line,
            marker="o",
            markersize=4,
            label=name,
        )
        if line == "-":
            low, high = of_runs.min(axis=1), of_runs.max(axis=1)
            axis.fill_between(sizes, low, high, color=colour, alpha=0.15, linewidth=0)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(sizes, labels=[f"{size:,}" for size in sizes])
    axis.minorticks_off()
    axis.set_xlabel("states of the maze")
    runs = len(updates[sizes[0]]["Dyna-Q"])
    axis.set_ylabel(f"updates until the shortest way is known\nmean and range of {runs} runs")
    axis.legend(frameon=False, loc="upper left")
    save(figure, path)


if __name__ == "__main__":
    main()

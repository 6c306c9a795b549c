"""FrozenLake learned from logged random play, and then planned.

    python examples/frozen_lake_learned.py [--runs RUNS] [--seed SEED] [--results FOLDER]

Random play is logged. A table is learned from the first steps of the log, by counting, and planned
with; Q-learning goes over the same steps, once and ten times. What each policy returns on the
true lake is computed exactly, so that the curves have no noise but that of the log. The true lake,
planned in the same way, stands beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress
from rich.table import Table

from figures import BLACK, BLUE, ORANGE, YELLOW, arguments_of, save, show, subplots
from mcts_service import MCTS, Budget
from mcts_service.learning import LinearQ, OneHot, QLearning, one_by_one
from mcts_service.learning.data import collect
from mcts_service.learning.fit import fit_table
from mcts_service.models import TabularModel, UnrolledModel, make
from mcts_service.policies import Uniform
from mcts_service.protocols import Trajectory

#: Steps of the log that are learned from.
SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000)
#: An episode of Gymnasium's lake.
HORIZON = 100
#: Of one plan; and of Q-learning.
SIMULATIONS, STEP_SIZE, PASSES = 1_000, 0.1, (1, 10)

LEARNED = "planning on the learned table"
TRUE = "planning on the true table"

#: By curve, the returns of each run: float64[runs, len(SIZES)].
Curves = dict[str, np.ndarray]


def main() -> None:
    """Runs all learners, prints the table and draws the plot."""
    arguments = arguments_of("FrozenLake learned from logged random play", runs=20)
    with Progress() as progress:
        task = progress.add_task("learning the lake", total=arguments.runs)
        curves = play(arguments.runs, arguments.seed, lambda: progress.advance(task))
    show(table(curves))
    draw(curves, arguments.results / "frozen_lake_learned.png")


def play(runs: int, seed: int, on_run: Callable[[], Any] = lambda: None) -> Curves:
    """What each way of learning returns, by how much was observed.

    Args:
      runs: logs of random play; run i has a seed of its own.
      seed: of the first of them.
      on_run: called after each.
    """
    lake = make("frozen_lake_4x4")
    assert isinstance(lake, TabularModel)
    true = exact_return(lake, planned_policy(lake, lake))
    rows: dict[str, list[list[float]]] = {}
    for run in range(runs):
        rng = np.random.default_rng((seed, run))
        source: UnrolledModel[int] = UnrolledModel(lake, max_steps=HORIZON)
        log = collect(source, Uniform(lake.num_actions), max(SIZES), rng)
        row: dict[str, list[float]] = {}
        for size in SIZES:
            seen = first_steps(log, size)
            learned = fit_table(seen, lake.num_states, lake.num_actions, discount=lake.discount)
            returned = exact_return(lake, planned_policy(learned, lake))
            row.setdefault(LEARNED, []).append(returned)
            for passes in PASSES:
                returned = exact_return(lake, q_policy(seen, passes, lake))
                row.setdefault(q_name(passes), []).append(returned)
            row.setdefault(TRUE, []).append(true)
        for name, returns in row.items():
            rows.setdefault(name, []).append(returns)
        on_run()
    return {name: np.array(returns) for name, returns in rows.items()}


def first_steps(log: Sequence[Trajectory[int]], count: int) -> list[Trajectory[int]]:
    """The first steps of a log; the last trajectory is cut where that is."""
    kept: list[Trajectory[int]] = []
    for trajectory in log:
        steps = min(count, len(trajectory.actions))
        if not steps:
            break
        whole = steps == len(trajectory.actions)
        kept.append(
            Trajectory(
                trajectory.states[: steps + 1],
                trajectory.actions[:steps],
                trajectory.rewards[:steps],
                trajectory.terminated and whole,
            )
        )
        count -= steps
    return kept


def planned_policy(model: Any, lake: TabularModel) -> np.ndarray:
    """The action of a plan in each state: int64[num_states]; 0 where the lake ends."""
    planner = MCTS(model, seed=0)
    policy = np.zeros(lake.num_states, np.int64)
    for state in range(lake.num_states):
        if not lake.is_terminal(state) and not model.is_terminal(state):
            policy[state] = planner.plan(state, Budget(simulations=SIMULATIONS), seed=0).action
    return policy


def q_policy(log: Sequence[Trajectory[int]], passes: int, lake: TabularModel) -> np.ndarray:
    """The greedy actions of Q-learning, so many times over the log: int64[num_states]."""
    q = LinearQ(OneHot(lake.num_states), lake.num_actions)
    improve = one_by_one(QLearning(q, lake.discount))
    parameters: Any = q.initial()
    rng = np.random.default_rng(0)
    for _ in range(passes):
        for trajectory in log:
            parameters = improve(trajectory, parameters, STEP_SIZE, rng)
    values = q(parameters)
    return np.array([int(np.argmax(values(state))) for state in range(lake.num_states)])


def exact_return(lake: TabularModel, policy: np.ndarray) -> float:
    """What a policy returns on average, within an episode's steps: by its transition matrix."""
    matrix, rewards = np.zeros((lake.num_states,) * 2), np.zeros(lake.num_states)
    for state in range(lake.num_states):
        if lake.is_terminal(state):
            continue
        for probability, next_state, reward, ended in lake.transitions(state, int(policy[state])):
            rewards[state] += probability * reward
            matrix[state, next_state] += probability * (not ended)
    values = np.zeros(lake.num_states)
    for _ in range(HORIZON):
        values = rewards + matrix @ values
    return float(lake.initial_distribution @ values)


def q_name(passes: int) -> str:
    """What the curve of Q-learning is called."""
    return "Q-learning on the same steps" + (f", {passes} times over" if passes > 1 else "")


def table(curves: Curves) -> Table:
    """Means and their standard errors, by steps."""
    columns = Table(title="FrozenLake 4x4: return of what was learned from so many steps")
    columns.add_column("")
    for size in SIZES:
        columns.add_column(f"{size:,}", justify="right")
    for name, returns in curves.items():
        means, errors = returns.mean(axis=0), standard_errors(returns)
        cells = [f"{mean:.3f} ± {error:.3f}" for mean, error in zip(means, errors, strict=True)]
        columns.add_row(name, *(c.removesuffix(" ± 0.000") for c in cells))
    return columns


def standard_errors(returns: np.ndarray) -> np.ndarray:
    """Of the means over the runs."""
    errors: np.ndarray = returns.std(axis=0, ddof=1) / np.sqrt(len(returns))
    return errors


def draw(curves: Curves, path: Path) -> None:
    """Writes the plot: means, and two standard errors around them."""
    figure, (axes,) = subplots(1, width=6.4, height=4.0)
    styles = {
        TRUE: (BLACK, ""),
        LEARNED: (BLUE, "o"),
        q_name(PASSES[1]): (YELLOW, "^"),
        q_name(PASSES[0]): (ORANGE, "s"),
    }
    for name, (color, marker) in styles.items():
        returns = curves[name]
        means, errors = returns.mean(axis=0), 2 * standard_errors(returns)
        line = "--" if name == TRUE else "-"
        axes.plot(SIZES, means, line, marker=marker, markersize=4, color=color, label=name)
        axes.fill_between(SIZES, means - errors, means + errors, color=color, alpha=0.15, lw=0)
    axes.set_xscale("log")
    axes.set_xticks(SIZES, [f"{size:,}" for size in SIZES], minor=False)
    axes.minorticks_off()
    axes.set_ylim(0, 0.8)
    axes.set_xlabel("logged steps of random play")
    axes.set_ylabel("return within 100 steps")
    axes.set_title(
        f"FrozenLake 4x4, {len(curves[TRUE])} logs: mean, and two standard errors", fontsize=10
    )
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0.0, 0.93))
    save(figure, path)


if __name__ == "__main__":
    main()

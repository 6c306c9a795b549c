"""Whether plans of several threads on one tree are as good as those of one: a curve.

    python -m benchmarks.threads [--quick]

For numbers of simulations and of threads: the share of connect-four positions whose value the
plan's action keeps, and on FrozenLake 4x4, by plain UCT, what the action falls short of the best
one by, in the mean over its states. Both are known exactly. Writes results/threads.json and .png.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np

from benchmarks.quality.connect_four_positions import read_positions
from benchmarks.quality.exact import discounted_values
from benchmarks.quality.finite import finite_table
from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.models import ConnectFour, make

matplotlib.use("agg")
from matplotlib import pyplot

RESULTS = Path(__file__).parent / "results"
THREADS = (1, 2, 4)
SIMULATIONS = (2_500, 5_000, 10_000, 20_000, 40_000)
COLOURS = {1: "#1b5e8c", 2: "#c44e2a", 4: "#2f7d4f"}
LAKE_DISCOUNT, LAKE_SEEDS = 0.99, 30

#: Mean and standard error.
Score = tuple[float, float]


def kept_share(threads: int, simulations: int, every: int) -> Score:
    """Of every so many-th of the connect-four positions."""
    model = ConnectFour()
    planner = MCTS(model, SearchConfig.preset("uct", threads=threads, early_stop=False))
    kept = []
    for seed, position in enumerate(read_positions()[::every]):
        state = model.state_from_json(position.moves)
        plan = planner.plan(state, Budget(simulations=simulations), seed=seed)
        kept.append(position.values[plan.action] == position.best)
    return _score(kept)


def shortfall(threads: int, simulations: int, every: int) -> Score:
    """Of the actions' exact values below the best, over the states of the lake and some seeds."""
    model = make("frozen_lake_4x4")
    problem = finite_table(model)
    values = discounted_values(problem, LAKE_DISCOUNT)
    q = problem.action_values(values, LAKE_DISCOUNT)
    config = SearchConfig.preset("uct", threads=threads, early_stop=False, discount=LAKE_DISCOUNT)
    planner = MCTS(model, config)
    lost = []
    for state in np.flatnonzero(np.isfinite(q).all(axis=1)):
        for seed in range(0, LAKE_SEEDS, every):
            plan = planner.plan(int(state), Budget(simulations=simulations), seed=seed)
            lost.append(q[state].max() - q[state, plan.action])
    return _score(lost)


def _score(numbers: list[float] | list[bool]) -> Score:
    return float(np.mean(numbers)), float(np.std(numbers) / math.sqrt(len(numbers)))


CURVES: dict[str, Callable[[int, int, int], Score]] = {
    "connect four: share of positions kept": kept_share,
    "FrozenLake 4x4: value lost by the action": shortfall,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="does it work?")
    quick = parser.parse_args().quick
    started = time.perf_counter()
    found: dict[str, dict[str, list[Score]]] = {}
    for name, measure in CURVES.items():
        found[name] = {str(threads): [] for threads in THREADS}
        for simulations in SIMULATIONS[: 1 if quick else None]:
            for threads in THREADS:
                score = measure(threads, simulations, 12 if quick else 1)
                found[name][str(threads)].append(score)
                print(
                    f"{name}, {simulations:,} simulations, {threads} threads: "
                    f"{score[0]:.4f} +- {score[1]:.4f}",
                    flush=True,
                )
    print(f"{time.perf_counter() - started:.0f} s")
    if not quick:
        report = {"simulations": SIMULATIONS, "scores": found}
        (RESULTS / "threads.json").write_text(json.dumps(report, indent=1) + "\n")
        plot(found, RESULTS / "threads.png")


def plot(found: dict[str, dict[str, list[Score]]], path: Path) -> None:
    """A panel for each problem, a curve for each number of threads, with standard errors."""
    figure, axes = pyplot.subplots(1, len(found), figsize=(10.0, 3.6), layout="constrained")
    for axis, (name, curves) in zip(axes, found.items(), strict=True):
        for number, (threads, scores) in enumerate(curves.items()):
            means, errors = np.transpose(scores)
            shifted = np.array(SIMULATIONS) * (1.0 + 0.02 * (number - 1))  # bars side by side
            label = f"{threads} thread{'s' if threads != '1' else ''}"
            colour = COLOURS[int(threads)]
            axis.errorbar(shifted, means, errors, fmt="o-", ms=3, capsize=2, color=colour,
                          label=label)  # fmt: skip
        axis.set_xscale("log")
        axis.set_xticks(SIMULATIONS, [f"{n:,}" for n in SIMULATIONS])
        axis.minorticks_off()
        axis.set_xlabel("simulations")
        axis.set_title(name, loc="left", fontsize=10)
        axis.grid(color="#d9d9d9", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    main()

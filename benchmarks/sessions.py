"""What it is worth to go on with the tree of the last plan: a curve for each of three problems.

    python -m benchmarks.sessions [--quick]

By numbers of simulations a plan, with and without a kept tree: the mean return of an episode on
FrozenLake 4x4 and on cart-pole, and in connect four the points that the side with one scores
against the side without; and how many simulations of earlier plans the tree still held. Besides:
what it costs to move the root of a large tree. Writes results/sessions.json and .png.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.models import make
from mcts_service.planning import KeptTree

matplotlib.use("agg")
from matplotlib import pyplot

RESULTS = Path(__file__).parent / "results"
#: The defaults, but for plans that end before their budget is spent.
CONFIG = SearchConfig(early_stop=False)
EPISODES = {
    "frozen_lake_4x4": ((5, 10, 20, 50, 100), 300, 100),
    "cart_pole": ((2, 4, 8, 16, 32), 100, 500),
}
GAME, GAME_SIMULATIONS, GAMES = "connect_four", (50, 100, 200, 400, 800, 1_600), 400
#: Random moves that a game begins with, so that no two are alike; each beginning is played twice.
OPENING = 4
MOVED = (1_000, 10_000, 100_000, 1_000_000)
WITH, WITHOUT = "with a kept tree", "afresh each time"
COLOURS = {WITH: "#1b5e8c", WITHOUT: "#c44e2a"}


@dataclass
class Score:
    """A mean over episodes or games.

    Attributes:
      mean, error: of the return, or of the points a game; its standard error.
      reused: mean simulations of earlier plans that a plan went on from.
      simulations: mean new ones: fewer than the budget where the answer was known.
    """

    mean: float
    error: float
    reused: float
    simulations: float


class Side:
    """Plans move after move, with a kept tree or without one."""

    def __init__(self, model: Any, keeps: bool, simulations: int, seed: int) -> None:
        self._planner = MCTS(model, CONFIG, seed=seed, keep_trees=False)
        self._budget = Budget(simulations=simulations)
        self._keeps = keeps
        self.reused: list[int] = []
        self.simulations: list[int] = []
        self.begin()

    def begin(self) -> None:
        """A new episode."""
        self._tree = KeptTree() if self._keeps else None

    def action(self, state: Any) -> Any:
        plan = self._planner.plan(state, self._budget, tree=self._tree)
        self.reused.append(plan.reused_simulations)
        self.simulations.append(plan.simulations)
        return plan.action

    def score(self, numbers: list[float]) -> Score:
        error = float(np.std(numbers, ddof=1) / math.sqrt(len(numbers)))
        return Score(
            float(np.mean(numbers)), error, float(np.mean(self.reused)),
            float(np.mean(self.simulations)),
        )  # fmt: skip


def episodes(name: str, keeps: bool, simulations: int, count: int, steps: int) -> Score:
    """The return of a number of episodes, each of so many steps at most."""
    model = make(name)
    side, returns = Side(model, keeps, simulations, seed=1), []
    for seed in range(count):
        rng = np.random.default_rng(seed)  # with and without: the same start, the same luck
        state, total = model.initial_state(rng), 0.0
        side.begin()
        for _ in range(steps):
            state, reward, terminated = model.sample(state, side.action(state), rng)
            total += reward
            if terminated:
                break
        returns.append(total)
    return side.score(returns)


def openings(model: Any, count: int) -> Iterator[Any]:
    """Positions after some random moves."""
    rng = np.random.default_rng(0)
    while count > 0:
        state, terminated = model.initial_state(), False
        for _ in range(OPENING):
            state, _, terminated = model.sample(
                state, int(rng.choice(model.legal_actions(state))), rng
            )
            if terminated:
                break
        if not terminated:
            yield state
            count -= 1


def games(simulations: int, count: int) -> Score:
    """Points a game of the side with a kept tree: each position is played from both sides."""
    model, rng = make(GAME), np.random.default_rng(0)
    keeping = Side(model, True, simulations, seed=1)
    other = Side(model, False, simulations, seed=2)
    pairs = []
    for start in openings(model, count // 2):
        points = 0.0
        for mine in (0, 1):
            keeping.begin()
            state, terminated, rewards = start, False, (0.0, 0.0)
            while not terminated:
                mover = model.current_player(state)
                side = keeping if mover == mine else other
                state, rewards, terminated = model.sample(state, side.action(state), rng)
            points += (rewards[mine] + 1) / 2
        pairs.append(points / 2)
    return keeping.score(pairs)  # of pairs: the two games of one are not independent


def moving(simulations: int, repeats: int) -> dict[str, float]:
    """Seconds of the CPU that a plan of connect four takes, and that moving its root does."""
    model = make(GAME)
    planner, start = MCTS(model, CONFIG, keep_trees=False), model.initial_state()
    searched, moved, before, after = [], [], 0, 0
    one = Budget(simulations=1)
    for seed in range(repeats):
        tree = KeptTree()
        began = time.thread_time()
        plan = planner.plan(start, Budget(simulations=simulations), seed=seed, tree=tree)
        searched.append(time.thread_time() - began)
        state, before = start, tree.bytes
        for step in plan.principal_variation[:2]:
            state, _, _ = model.sample(state, step.action, np.random.default_rng(0))
        began = time.thread_time()
        planner.plan(state, one, tree=tree)
        between = time.thread_time()
        planner.plan(state, one)
        moved.append(2 * between - began - time.thread_time())  # less what else such a plan takes
        after = tree.bytes
    return {
        "simulations": simulations, "search_seconds": statistics.median(searched),
        "move_seconds": statistics.median(moved), "bytes": before, "bytes_kept": after,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="does it work?")
    quick = parser.parse_args().quick
    started = time.perf_counter()
    found: dict[str, dict[str, dict[int, Score]]] = {}
    for name, (budgets, count, steps) in EPISODES.items():
        found[name] = {WITH: {}, WITHOUT: {}}
        for simulations in budgets[: 2 if quick else None]:
            for way in (WITH, WITHOUT):
                score = episodes(name, way == WITH, simulations, 10 if quick else count, steps)
                found[name][way][simulations] = score
                tell(name, way, simulations, score)
    found[GAME] = {WITH: {}}
    for simulations in GAME_SIMULATIONS[: 2 if quick else None]:
        score = found[GAME][WITH][simulations] = games(simulations, 10 if quick else GAMES)
        tell(GAME, WITH, simulations, score)
    costs = [moving(n, 5) for n in MOVED[: 2 if quick else None]]
    for cost in costs:
        print(
            f"{cost['simulations']:,} simulations: {1e3 * cost['search_seconds']:.2f} ms, then to "
            f"move the root {1e3 * cost['move_seconds']:.3f} ms, {cost['bytes']:,} bytes to "
            f"{cost['bytes_kept']:,}"
        )
    print(f"{time.perf_counter() - started:.0f} s")
    if not quick:
        scores = {
            name: {
                way: {n: asdict(score) for n, score in curve.items()} for way, curve in ways.items()
            }
            for name, ways in found.items()
        }
        report = {"scores": scores, "moving": costs}
        (RESULTS / "sessions.json").write_text(json.dumps(report, indent=1) + "\n")
        plot(found, RESULTS / "sessions.png")


def tell(name: str, way: str, simulations: int, score: Score) -> None:
    print(
        f"{name}, {simulations:,} simulations, {way}: {score.mean:.3f} +- {score.error:.3f}, "
        f"{score.simulations:.1f} new, {score.reused:.1f} reused",
        flush=True,
    )


def plot(found: dict[str, dict[str, dict[int, Score]]], path: Path) -> None:
    """Above what a plan is worth, with standard errors; below what it went on from."""
    figure, axes = pyplot.subplots(2, len(found), figsize=(11.0, 6.0), layout="constrained")
    for (worth, reused), (name, ways) in zip(axes.T, found.items(), strict=True):
        for way, curve in ways.items():
            budgets, scores = list(curve), list(curve.values())
            worth.errorbar(budgets, [s.mean for s in scores], [s.error for s in scores],
                           fmt="o-", ms=3, capsize=2, color=COLOURS[way], label=way)  # fmt: skip
        kept = ways[WITH]
        there = [s.reused or math.nan for s in kept.values()]
        reused.plot(list(kept), there, "o-", ms=3, color=COLOURS[WITH],
                    label="simulations that were still there")  # fmt: skip
        reused.plot(list(kept), [s.simulations for s in kept.values()], "o--", ms=3,
                    color="#666666", label="new simulations")  # fmt: skip
        if name == GAME:
            worth.axhline(0.5, color=COLOURS[WITHOUT], linewidth=1.0, label=WITHOUT)
        unit = "points a game" if name == GAME else "return of an episode"
        worth.set_title(f"{name}: {unit}", loc="left", fontsize=10)
        reused.set_yscale("log")
        reused.set_xlabel("simulations a plan may run")
        for axis in (worth, reused):
            axis.set_xscale("log")
            axis.set_xticks(list(kept), [f"{n:,}" for n in kept])
            axis.minorticks_off()
            axis.grid(color="#d9d9d9", linewidth=0.6)
            axis.spines[["top", "right"]].set_visible(False)
            axis.legend(frameon=False, fontsize=8)
    axes[1, 0].set_ylabel("simulations, mean of a plan")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    main()

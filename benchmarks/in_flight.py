"""What several simulations in flight gain in time, and what they lose in quality.

    python benchmarks/in_flight.py [--quick]

The models are written with NumPy and answer in batches. For each number K in flight:

  us / simulation   of one plan of FrozenLake 4x4, by rollouts, and of tic-tac-toe
  return            mean of episodes of FrozenLake 4x4 from plans of 300 simulations (preset
                    "graph"); the best possible is 0.744 in 100 steps
  kept              share of tic-tac-toe positions whose value the plan's action keeps, with 200
                    simulations a plan

In brackets the standard error.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from models.numpy_batches import FrozenLake, TicTacToe, keeps_value, unfinished_positions

from mcts_service import MCTS, Budget, Plan, SearchConfig

IN_FLIGHT = (1, 4, 16, 64)
STEPS = 100
RETURN_BUDGET, KEPT_BUDGET = Budget(simulations=300), Budget(simulations=200)


def microseconds_a_simulation(model: Any, state: Any, in_flight: int, simulations: int) -> float:
    """The least of three plans: what other work beside adds is no part of it."""
    planner = MCTS(model, SearchConfig.preset("uct", in_flight=in_flight))
    plans = [
        planner.plan(state, Budget(simulations=simulations), horizon=50, seed=seed)
        for seed in range(3)
    ]
    return min(plan.search_time for plan in plans) / simulations * 1e6


def mean_return(in_flight: int, episodes: int) -> tuple[float, float]:
    """Of episodes that are played side by side: (mean, standard error)."""
    model, rng = FrozenLake(), np.random.default_rng(7)
    planner = MCTS(model, SearchConfig.preset("graph", in_flight=in_flight))
    states, alive = np.zeros(episodes, np.int64), np.ones(episodes, np.bool_)
    returns = np.zeros(episodes)
    for step in range(STEPS):
        playing = np.flatnonzero(alive)
        if not len(playing):
            break
        seeds = [int(seed) for seed in step * 10**6 + playing]
        plans = planner.plan_batch(states[playing], RETURN_BUDGET, seeds=seeds)
        following, rewards, ended = model.sample_batch(states[playing], _actions(plans), rng)
        states[playing], returns[playing] = following, returns[playing] + rewards
        alive[playing] = ~ended
    return float(returns.mean()), float(returns.std() / math.sqrt(episodes))


def kept_share(in_flight: int, positions: np.ndarray) -> tuple[float, float]:
    """Of the positions: (share, standard error)."""
    planner = MCTS(TicTacToe(), SearchConfig.preset("uct", in_flight=in_flight))
    plans = planner.plan_batch(positions, KEPT_BUDGET, seeds=range(len(positions)))
    share = float(
        np.mean([keeps_value(*pair) for pair in zip(positions, _actions(plans), strict=True)])
    )
    return share, math.sqrt(share * (1 - share) / len(positions))


def _actions(plans: Sequence[Any]) -> np.ndarray:
    assert all(isinstance(plan, Plan) for plan in plans)
    return np.array([plan.action for plan in plans])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="does it work?")
    quick = parser.parse_args().quick
    simulations, episodes, count = (200, 8, 20) if quick else (2_000, 200, 400)
    every = unfinished_positions()
    positions = every[np.random.default_rng(3).choice(len(every), count, replace=False)]
    print("| in flight | FrozenLake, us / simulation | tic-tac-toe, us / simulation "
          "| FrozenLake, return | tic-tac-toe, kept |")  # fmt: skip
    print("|---:|---:|---:|---:|---:|")
    started = time.perf_counter()
    for in_flight in IN_FLIGHT:
        lake = microseconds_a_simulation(FrozenLake(), 0, in_flight, simulations)
        game = microseconds_a_simulation(TicTacToe(), np.zeros(9, np.int8), in_flight, simulations)
        gained, kept = mean_return(in_flight, episodes), kept_share(in_flight, positions)
        print(
            f"| {in_flight} | {lake:.0f} | {game:.0f} | {gained[0]:.3f} ({gained[1]:.3f}) "
            f"| {kept[0]:.3f} ({kept[1]:.3f}) |",
            flush=True,
        )
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()

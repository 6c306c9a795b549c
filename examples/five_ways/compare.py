"""Plans with the five models in turn, and prints how fast each is beside plain Python."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import c_library
import cython_extension
import numba_cfunc
import numpy_batch
import plain_python

from mcts_service import MCTS, Budget, Plan, SearchConfig

__all__ = ["five_ways", "plan"]

#: Days of every plan.
HORIZON = 30


def five_ways(folder: Path) -> dict[str, Any]:
    """Each model by its name; what must be compiled is built in `folder`."""
    return {
        "plain Python": plain_python.model(),
        "NumPy batch, one row at a time": numpy_batch.model(),
        "numba.cfunc": numba_cfunc.model(),
        "C library by ctypes": c_library.model(folder),
        "Cython extension": cython_extension.model(folder),
    }


def plan(planner: MCTS, simulations: int, seed: int) -> Plan:
    """The plan from a stock of 5."""
    return planner.plan(5, Budget(simulations=simulations), horizon=HORIZON, seed=seed)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=5_000, help="of each plan")
    parser.add_argument("--rounds", type=int, default=5, help="plans of each model")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        planners = {
            name: MCTS(model, SearchConfig.preset("uct"))
            for name, model in five_ways(Path(folder)).items()
        }
        times: dict[str, list[float]] = {name: [] for name in planners}
        for seed in range(arguments.rounds):
            for name, planner in planners.items():
                times[name].append(plan(planner, arguments.simulations, seed).search_time)
    seconds = {name: statistics.median(taken) for name, taken in times.items()}
    print("| model | simulations / s | beside plain Python |\n|---|---:|---:|")
    for name, taken in seconds.items():
        ratio = seconds["plain Python"] / taken
        print(f"| {name} | {arguments.simulations / taken:,.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()

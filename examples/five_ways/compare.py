"""Plans with the five models in turn, and prints how fast each is beside plain Python.

The batch model is measured once more in each of the ways in which it is asked for many rows.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import c_library
import cython_extension
import numba_cfunc
import numpy_batch
import plain_python

from mcts_service import MCTS, Budget, SearchConfig

__all__ = ["five_ways", "speeds"]

#: Days of every plan.
HORIZON = 30


def five_ways(folder: Path) -> dict[str, Any]:
    """Each model by its name; what must be compiled is built in `folder`."""
    return {
        "plain Python": plain_python.model(),
        "NumPy batch": numpy_batch.model(),
        "numba.cfunc": numba_cfunc.model(),
        "C library by ctypes": c_library.model(folder),
        "Cython extension": cython_extension.model(folder),
    }


def speeds(folder: Path) -> dict[str, tuple[MCTS, int]]:
    """What is measured, by its name: a planner, and how many states it plans at once."""
    uct = SearchConfig.preset("uct")
    found = {name: (MCTS(model, uct), 1) for name, model in five_ways(folder).items()}
    for in_flight in (16, 64):
        planner = MCTS(numpy_batch.model(), replace(uct, in_flight=in_flight))
        found[f"NumPy batch, {in_flight} simulations in flight"] = planner, 1
    found["NumPy batch, 64 states at once"] = MCTS(numpy_batch.model(), uct), 64
    return found


def simulations_a_second(planner: MCTS, states: int, simulations: int, seed: int) -> float:
    """Of plans from a stock of 5, of as many states at once."""
    seeds = range(seed * states, (seed + 1) * states)
    started = time.perf_counter()
    planner.plan_batch([5] * states, Budget(simulations=simulations), horizon=HORIZON, seeds=seeds)
    return states * simulations / (time.perf_counter() - started)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=5_000, help="of each plan")
    parser.add_argument("--rounds", type=int, default=5, help="plans of each model")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sides = speeds(Path(folder))
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for seed in range(arguments.rounds):
            for name, side in sides.items():
                rates[name].append(simulations_a_second(*side, arguments.simulations, seed))
    medians = {name: statistics.median(measured) for name, measured in rates.items()}
    print("| model | simulations / s | beside plain Python |\n|---|---:|---:|")
    for name, rate in medians.items():
        print(f"| {name} | {rate:,.0f} | {rate / medians['plain Python']:.2f} |")


if __name__ == "__main__":
    main()

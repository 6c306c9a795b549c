"""Do agents that plan over one batch model at the same time get what one offline batch gets?

    python -m benchmarks.service.agents [--rounds 5]

Sides in turn, each for some seconds: `MCTS.plan_batch` of 64 states in a process that does nothing
else; 64 agents, each of which sends its next state when it has its plan, to a server whose worker
makes their plans together, and to one that makes one after the other (`max_together = 1`); and one
agent alone. The model is a network in NumPy, of three sizes, on one thread of BLAS. About eight
minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import grpc
import numpy as np

from benchmarks.chaos.served import Server
from benchmarks.models.network import Network
from mcts_service.v1 import planner_pb2

__all__ = ["agents_rate", "configuration", "environment", "offline_rate"]

AGENTS, SIMULATIONS = 64, 50
HIDDEN = (256, 1024, 4096)
_SECONDS = 3.0
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_CHECKOUT = Path(__file__).parents[2]
_PLAN = "/mcts_service.v1.PlannerService/Plan"


def configuration(hidden: int, max_together: int) -> str:
    """Of a server with the model "network"."""
    return (
        '[[models]]\nname = "network"\nfactory = "benchmarks.models.network:Network"\n'
        f"arguments = {{ hidden = {hidden} }}\n"
        f"[models.worker_processes]\nmax_together = {max_together}\nwarm_spares = 0\n"
    )


def environment() -> dict[str, str]:
    """Of that server."""
    return {**_ONE_THREAD, "PYTHONPATH": str(_CHECKOUT)}


def agents_rate(target: str, agents: int, seconds: float) -> float:
    """Plans a second of so many agents, each of which waits for its plan and asks for the next."""
    return asyncio.run(_agents_rate(target, agents, seconds))


async def _agents_rate(target: str, agents: int, seconds: float) -> float:
    async with grpc.aio.insecure_channel(target) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_PLAN)
        started = time.perf_counter()

        async def act(number: int) -> int:
            rng, plans = np.random.default_rng(number), 0
            while time.perf_counter() < started + seconds:
                await call(_request(rng), timeout=60)
                plans += 1
            return plans

        plans = await asyncio.gather(*(act(number) for number in range(agents)))
        return sum(plans) / (time.perf_counter() - started)


def _request(rng: np.random.Generator) -> bytes:
    state = rng.normal(size=16).astype("<f4")
    return planner_pb2.PlanRequest(
        model="network",
        state={"tensor": {"dtype": "DTYPE_FLOAT32", "shape": [16], "data": state.tobytes()}},
        budget={"simulations": SIMULATIONS},
        options={"preset": "gumbel"},
    ).SerializeToString()


def offline_rate(hidden: int, states: int, seconds: float) -> float:
    """Plans a second of `plan_batch`."""
    from mcts_service import MCTS, Budget, SearchConfig

    planner = MCTS(Network(hidden), SearchConfig.preset("gumbel"), keep_trees=False)
    rng, plans, budget = np.random.default_rng(1), 0, Budget(simulations=SIMULATIONS)
    planner.plan_batch(rng.normal(size=(states, 16)).astype(np.float32), budget)
    started = time.perf_counter()
    while time.perf_counter() < started + seconds:
        planner.plan_batch(rng.normal(size=(states, 16)).astype(np.float32), budget)
        plans += states
    return plans / (time.perf_counter() - started)


def _offline(pipe: Connection, hidden: int) -> None:
    """In a process of its own: measures whenever it is told to."""
    while pipe.recv():
        pipe.send(offline_rate(hidden, AGENTS, _SECONDS))


def measure(hidden: int, rounds: int) -> str:
    """A row of the table."""
    processes = multiprocessing.get_context("spawn")
    pipe, other_end = processes.Pipe()
    offline = processes.Process(target=_offline, args=(other_end, hidden))
    offline.start()

    def measured_offline() -> float:
        pipe.send(True)
        return float(pipe.recv())

    with (
        Server(configuration(hidden, AGENTS), environment=environment()) as together,
        Server(configuration(hidden, 1), environment=environment()) as in_turn,
    ):
        sides: dict[str, Callable[[], float]] = {
            "offline": measured_offline,
            "together": lambda: agents_rate(together.target, AGENTS, _SECONDS),
            "in turn": lambda: agents_rate(in_turn.target, AGENTS, _SECONDS),
            "one": lambda: agents_rate(together.target, 1, _SECONDS),
        }
        for side in sides.values():
            side()
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                rates[name].append(side())
    pipe.send(False)
    offline.join()
    median = {name: f"{np.median(found):,.0f}" for name, found in rates.items()}
    ratios = {
        other: np.array(rates["together"]) / np.array(rates[other])
        for other in ("offline", "in turn")
    }
    told = {
        other: f"{np.median(ratio):.2f} [{ratio.min():.2f}, {ratio.max():.2f}]"
        for other, ratio in ratios.items()
    }
    return (
        f"| {hidden} | {median['offline']} | {median['together']} | {median['in turn']} "
        f"| {median['one']} | {told['offline']} | {told['in turn']} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side (default 5)")
    options = parser.parse_args()
    os.environ.update(_ONE_THREAD)
    print(
        f"| hidden units | offline batch of {AGENTS} | {AGENTS} agents | the same, one plan after "
        "the other | one agent | of the offline batch | of one after the other |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for hidden in HIDDEN:
        print(measure(hidden, options.rounds), flush=True)


if __name__ == "__main__":
    main()

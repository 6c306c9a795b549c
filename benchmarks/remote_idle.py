"""For what part of the time a simulator in another place waits for the planner's next question.

Run it from the checkout: `python benchmarks/remote_idle.py`; about three minutes. A simulator that
takes 10 ms, 100 ms or 1 s for a call, however many rows that has, and answers one call at a time or
four, is planned over by one search, by four plans at the same time, and by a batch of 16 states.
Idle is the part of its workers' time, from the first question to the last answer, in which there
was no call for them.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from mcts_client import serve_model
from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import DeadlineExpired
from mcts_service.rpc.remote_model import RemoteModel, connect
from mcts_service.service.remote_options import RemoteOptions

#: Of a call, and of the plans, in seconds.
CASES = ((0.01, 3.0), (0.1, 6.0), (1.0, 12.0))


class Sleeper:
    """A walk on a plane whose every answer takes a while; it notes when it is at work.

    Attributes:
      spans: (start, end) of each call, in seconds of time.monotonic().
      rows: that it has answered.
    """

    num_actions = 4
    discount = 0.95
    steps = np.array([[-1, 0], [0, 1], [1, 0], [0, -1]])

    def __init__(self, seconds: float) -> None:
        self.seconds, self.rows = seconds, 0
        self.spans: list[tuple[float, float]] = []
        self._lock = threading.Lock()

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        started = time.monotonic()
        following = states + self.steps[actions] + rng.integers(-1, 2, size=states.shape)
        time.sleep(self.seconds)
        with self._lock:
            self.spans.append((started, time.monotonic()))
            self.rows += len(states)
        return following, -0.1 * np.abs(following).sum(axis=1), np.zeros(len(states), np.bool_)

    def initial_state(self, rng: Any = None) -> np.ndarray:
        return np.array([8, 8])

    def idle_share(self, workers: int) -> float:
        """Of the time of so many workers, from the first question on."""
        busy = sum(end - start for start, end in self.spans)
        first, last = min(self.spans)[0], max(end for _, end in self.spans)
        return 1.0 - busy / (workers * (last - first))


def serve(seconds: float, workers: int, pipe: Connection) -> None:
    """Serves until it is told to stop, and then tells what it has done; in a process of its own."""
    model = Sleeper(seconds)
    with serve_model(model, threads=workers) as server:
        pipe.send(server.address)
        pipe.recv()
    calls = len(model.spans)
    pipe.send((calls, model.rows / calls, model.idle_share(workers)))


def planner_of(there: RemoteModel) -> MCTS:
    """With the number of simulations in flight that a server would choose."""
    return MCTS(there, SearchConfig(in_flight=there.default_in_flight, max_depth=5))


def one_plan(there: RemoteModel, seconds: float) -> int:
    try:
        plan = planner_of(there).plan(there.initial_state(), Budget(time_limit=seconds))
    except DeadlineExpired:  # not one simulation was done
        return 0
    return plan.simulations


def four_plans(there: RemoteModel, seconds: float) -> int:
    with ThreadPoolExecutor(4) as threads:
        return sum(threads.map(lambda _: one_plan(there, seconds), range(4)))


def a_batch(there: RemoteModel, seconds: float) -> int:
    states = np.repeat(there.initial_state()[np.newaxis], 16, axis=0)
    plans = planner_of(there).plan_batch(states, Budget(time_limit=seconds))
    return int(plans.simulations.sum())


WAYS: dict[str, Callable[[RemoteModel, float], int]] = {
    "one plan": one_plan,
    "four plans": four_plans,
    "a batch of 16": a_batch,
}


def measure(
    seconds: float, workers: int, plan: Callable[[RemoteModel, float], int], limit: float
) -> str:
    """A case: its row of the table, from the calls on."""
    processes = multiprocessing.get_context("spawn")
    pipe, other_end = processes.Pipe()
    simulator = processes.Process(target=serve, args=(seconds, workers, other_end))
    simulator.start()
    there = connect(pipe.recv(), RemoteOptions())
    simulations = plan(there, limit)
    there.close()
    pipe.send("stop")
    calls, rows, idle = pipe.recv()
    simulator.join()
    return f"{calls} | {rows:.1f} | {simulations} | {100 * idle:.1f} % |"


def main() -> None:
    """Measures every case, and prints a table."""
    print("| a call takes | at once | asked by | calls | rows a call | simulations | idle |")
    print("|---:|---:|---|---:|---:|---:|---:|")
    for seconds, limit in CASES:
        for workers in (1, 4):
            for name, plan in WAYS.items():
                case = f"| {seconds * 1e3:.0f} ms | {workers} | {name} | "
                print(case + measure(seconds, workers, plan, limit), flush=True)


if __name__ == "__main__":
    main()

"""Models that raise, hang, crash, print, eat memory: each costs its own request, and no other."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from benchmarks.chaos.row import Row, Scale, percentile
from benchmarks.chaos.served import Server
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

__all__ = ["misbehaving"]

#: Where the models lie that the tests of isolation misbehave by.
_MODELS = Path(__file__).parents[2] / "tests"
_BAD_STATE, _GOOD_STATE = 6, 3
#: Deadlines of what never ends by itself, and of all else.
_SHORT_SECONDS, _LONG_SECONDS = 0.5, 30.0
_MEMORY_BYTES = 256 * 2**20
_WORKER = f"max_memory_bytes = {_MEMORY_BYTES}\noverrun_seconds = 0.1"

#: The statuses that a misdeed may end its own request with.
_FAULT, _LATE = {"INTERNAL"}, {"DEADLINE_EXCEEDED"}
_EXPECTED = {
    "raise_error": _FAULT,
    "nan": _FAULT,
    "recurse": _FAULT,
    "exit_in_python": _FAULT,
    "exit_at_once": _FAULT,
    "segfault": _FAULT,
    "abort": _FAULT,
    "allocate_in_python": _FAULT,
    "allocate_in_c": _FAULT,
    "sleep_for_ever": _LATE,
    "loop_in_python": _LATE,
    "loop_in_c": _LATE,
    "print_without_end": _LATE,
    "stop_itself": _LATE,
}
#: Calls of a misdeed that are told apart by what the others' calls take meanwhile.
_TURNS = 3
_MOST_TIMES, _MOST_MORE = 2.0, 0.01
_MOST_BACK = 0.2


def misbehaving(scale: Scale) -> list[Row]:
    """Each misdeed a few times, while another caller plans in another model."""
    wrong: list[str] = []
    alone: list[float] = []
    beside: list[float] = []
    back: list[float] = []
    with (
        Server(_configuration(), environment=_environment()) as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        stub = planner_pb2_grpc.PlannerServiceStub(channel)
        with _planning(server.target, alone, wrong):
            time.sleep(scale.seconds / 4)
        for deed, expected in _EXPECTED.items():
            with _planning(server.target, beside, wrong):
                for _ in range(_TURNS):
                    limit = _SHORT_SECONDS if expected is _LATE else _LONG_SECONDS
                    found = _status(stub, deed, _BAD_STATE, limit)
                    if found not in expected:
                        wrong.append(f"{deed}: {found}")
                    started = time.perf_counter()
                    if (found := _status(stub, deed, _GOOD_STATE, _LONG_SECONDS)) != "OK":
                        wrong.append(f"after {deed}: {found}")
                    back.append(time.perf_counter() - started)
    before, meanwhile = percentile(alone, 99), percentile(beside, 99)
    latest = percentile(back, 99)
    return [
        Row(
            f"{len(_EXPECTED)} ways to misbehave, {_TURNS} times each",
            "its own request gets the right status; others' p99 < 2x (or 10 ms more); "
            "worker back < 200 ms",
            f"wrong: {sorted(set(wrong)) or 'none'}; p99 of {len(beside):,} calls of others "
            f"{1e3 * before:.2g} -> {1e3 * meanwhile:.2g} ms; next answer of the same model after "
            f"{1e3 * percentile(back, 50):.0f} ms (p99 {1e3 * latest:.0f})",
            not wrong,
            meanwhile < max(_MOST_TIMES * before, before + _MOST_MORE) and latest < _MOST_BACK,
        )
    ]


def _configuration() -> str:
    return "".join(
        f'[[models]]\nname = "{deed}"\nfactory = "misbehaving_models:Misbehaving"\n'
        f'arguments = {{ deed = "{deed}" }}\n[models.worker_processes]\n{_WORKER}\n'
        for deed in _EXPECTED
    )


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join([str(_MODELS), os.environ.get("PYTHONPATH", "")])}


def _status(
    stub: planner_pb2_grpc.PlannerServiceStub, model: str, state: int, seconds: float
) -> str:
    """The name of the status of a plan."""
    request = planner_pb2.PlanRequest(
        model=model, state={"discrete": state}, budget={"simulations": 50}
    )
    try:
        stub.Plan(request, timeout=seconds)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


@contextmanager
def _planning(target: str, seconds: list[float], wrong: list[str]) -> Iterator[None]:
    """Another caller plans for the length of a block; what its calls take is noted."""
    stop = threading.Event()

    def plan() -> None:
        with grpc.insecure_channel(target) as channel:
            stub = planner_pb2_grpc.PlannerServiceStub(channel)
            while not stop.is_set():
                started = time.perf_counter()
                found = _status(stub, "frozen_lake_4x4", 0, 30.0)
                seconds.append(time.perf_counter() - started)
                if found != "OK":
                    wrong.append(f"another caller: {found}")
                time.sleep(0.005)

    caller = threading.Thread(target=plan)
    caller.start()
    try:
        yield
    finally:
        stop.set()
        caller.join()

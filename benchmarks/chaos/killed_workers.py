"""kill -9 of worker processes, again and again, under a client that retries."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.chaos.row import Row, Scale
from benchmarks.chaos.served import Server
from mcts_client import PlannerClient

__all__ = ["killed_workers"]

_CONFIGURATION = """
[[models]]
name = "corridor"
factory = "served_models:Corridor"
[models.worker_processes]
replicas = 2
warm_spares = 1
"""
_MODELS = Path(__file__).parents[2] / "tests"
_AGENTS = 2
_SIMULATIONS = 300
_LONGEST_PAUSE = 5.0
_KILLS = 12


def killed_workers(scale: Scale) -> list[Row]:
    """One of them every five seconds, or as often as the time allows."""
    found: Counter[str] = Counter()
    stop = threading.Event()
    path = os.pathsep.join([str(_MODELS), os.environ.get("PYTHONPATH", "")])
    pause = min(_LONGEST_PAUSE, scale.seconds / _KILLS)
    killed = 0
    environment = {"PYTHONPATH": path}
    with (
        Server(_CONFIGURATION, environment=environment) as server,
        PlannerClient(server.target, timeout=20) as client,
    ):
        agents = [
            threading.Thread(target=_play, args=(client, stop, found)) for _ in range(_AGENTS)
        ]
        for agent in agents:
            agent.start()
        for _ in range(_KILLS):
            time.sleep(pause)
            killed += _kill_one(server.pid)
        time.sleep(pause)
        stop.set()
        for agent in agents:
            agent.join()
    failed = {name: count for name, count in found.items() if name != "OK"}
    return [
        Row(
            f"kill -9 of a worker every {pause:.1f} s",
            "0 errors at a client with the shipped retry policy",
            f"{killed} killed; {found['OK']:,} calls answered, failed: {failed or 'none'}",
            not failed and killed > 0,
        )
    ]


def _kill_one(server: int) -> int:
    """Kills the worker that has used the CPU most; 1 if there was one."""
    workers = {pid: used for pid in _descendants(server) if (used := _cpu_ticks(pid)) is not None}
    if not workers:
        return 0
    os.kill(max(workers, key=workers.__getitem__), signal.SIGKILL)
    return 1


def _descendants(parent: int) -> list[int]:
    """All processes below one that have no processes below themselves."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(fields[1])
    below = {parent}
    for _ in range(4):
        below |= {pid for pid, over in parents.items() if over in below}
    below.discard(parent)
    inner = set(parents.values())
    return [pid for pid in below if pid not in inner]


def _cpu_ticks(pid: int) -> int | None:
    """What a process has used of the CPU; None if it has gone, or is no worker."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"resource_tracker" in command:
            return None
        return int(fields[11]) + int(fields[12])
    return None


def _play(client: PlannerClient, stop: threading.Event, found: Counter[str]) -> None:
    while not stop.is_set():
        try:
            client.plan("corridor", 3, simulations=_SIMULATIONS)
        except Exception as error:
            found[f"{type(error).__name__}: {error}"] += 1
        else:
            found["OK"] += 1

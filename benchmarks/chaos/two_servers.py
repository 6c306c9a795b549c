"""Two servers take turns to be stopped while agents go on: no call fails."""

from __future__ import annotations

import threading
import time
from collections import Counter

from benchmarks.chaos.row import Row, Scale
from benchmarks.chaos.served import Server
from mcts_client import PlannerClient

__all__ = ["two_servers"]

_AGENTS = 4
_SIMULATIONS = 2_000
_RESTARTS = 4
_EXIT_SECONDS = 40.0


def two_servers(scale: Scale) -> list[Row]:
    """SIGTERM to one after the other under load; each is started again before the next."""
    found: Counter[str] = Counter()
    stop = threading.Event()
    servers = [Server(), Server()]
    try:
        target = "ipv4:" + ",".join(server.target for server in servers)
        with PlannerClient(target, timeout=20) as client:
            agents = [
                threading.Thread(target=_play, args=(client, stop, found)) for _ in range(_AGENTS)
            ]
            for agent in agents:
                agent.start()
            exits = []
            for number in range(_RESTARTS):
                time.sleep(scale.seconds / _RESTARTS)
                exits.append(_restarted(servers, number % 2))
            stop.set()
            for agent in agents:
                agent.join()
    finally:
        for server in servers:
            server.__exit__(None, None, None)
    failed = {name: count for name, count in found.items() if name != "OK"}
    return [
        Row(
            f"SIGTERM under load behind two servers, {_RESTARTS} times",
            "0 failed calls",
            f"{found['OK']:,} calls answered, failed: {failed or 'none'}; exit status "
            f"{sorted(set(exits))}",
            not failed and set(exits) == {0},
        )
    ]


def _restarted(servers: list[Server], number: int) -> int:
    """Stops a server, and starts another on its port; the exit status of the first."""
    server = servers[number]
    port = server.target.rpartition(":")[2]
    server.terminate()
    status = server.wait(_EXIT_SECONDS)
    server.__exit__(None, None, None)
    servers[number] = Server(port=int(port))
    return status


def _play(client: PlannerClient, stop: threading.Event, found: Counter[str]) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        try:
            client.plan("taxi", 328, simulations=_SIMULATIONS, seed=number)
        except Exception as error:
            found[f"{type(error).__name__}: {error}"] += 1
        else:
            found["OK"] += 1

"""Peers, each in a process of its own: it disturbs neither memory nor random numbers here."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.episodes import Block
from benchmarks.quality.game_problems import GAMES
from benchmarks.quality.problem import Problem

__all__ = ["OPENSPIEL", "PEERS", "POMDP_PY", "Peer", "PeerProcess", "is_installed"]

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Peer:
    """Another library's planner.

    Attributes:
      name: as its curves are called.
      module: that runs as its process; see `peer_worker`.
      package: that it needs.
      most_simulations: beyond that it takes minutes a decision.
      plays: whether it can play a problem.
    """

    name: str
    module: str
    package: str
    most_simulations: int
    plays: Callable[[Problem], bool]


POMDP_PY = Peer(
    name="pomdp-py",
    module="benchmarks.quality.pomdp_py_planner",
    package="pomdp_py",
    most_simulations=10_000,
    # It has one player, and a depth to stop at.
    plays=lambda problem: problem.tells_steps_left,
)
OPENSPIEL = Peer(
    name="OpenSpiel",
    module="benchmarks.quality.openspiel_planner",
    package="pyspiel",
    most_simulations=100_000,
    plays=lambda problem: problem.name in GAMES,
)
PEERS = (POMDP_PY, OPENSPIEL)


def is_installed(peer: Peer) -> bool:
    """Whether the peer can run here."""
    return importlib.util.find_spec(peer.package) is not None


class PeerProcess:
    """Started when it is first asked.

    Raises:
      RuntimeError: the process has ended; standard error says why.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._process: subprocess.Popen[str] | None = None

    def play(self, problem: str, simulations: int, block: int) -> Block:
        """The block of a problem."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._peer.module],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._read(self._process)
        request = {"problem": problem, "simulations": simulations, "block": block}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Block(**self._read(self._process))

    def close(self) -> None:
        """Lets it end."""
        if self._process is not None:
            # Closes both pipes; the end of its requests ends it.
            self._process.communicate()

    def _read(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._peer.name}: the process has ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer

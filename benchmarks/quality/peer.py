"""A peer in a process of its own, so that it disturbs neither memory nor random numbers here."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.quality.episodes import Block

__all__ = ["POMDP_PY", "PeerProcess", "is_installed"]

POMDP_PY = "pomdp-py"
#: Beyond that it takes minutes a decision.
MOST_SIMULATIONS = 10_000

_MODULE, _PACKAGE = "benchmarks.quality.pomdp_py_planner", "pomdp_py"
_ROOT = Path(__file__).resolve().parents[2]


def is_installed() -> bool:
    """Whether the peer can run here."""
    return importlib.util.find_spec(_PACKAGE) is not None


class PeerProcess:
    """Started when it is first asked.

    Raises:
      RuntimeError: the process has ended; standard error says why.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def play(self, problem: str, simulations: int, block: int) -> Block:
        """The block of a problem."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _MODULE],
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
            raise RuntimeError(f"{POMDP_PY}: the process has ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer

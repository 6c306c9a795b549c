"""One side of a comparison, in a process of its own.

So no side disturbs another's memory, threads or interpreter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Side", "SideMissing", "SideProcess"]

BENCHMARKS = Path(__file__).parent
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Side:
    """What a side runs.

    Attributes:
      factory: "module:name" of something that gives a `Work`.
      arguments: for it.
      amount: simulations or calls a turn.
      compiled_modules: a folder with compiled modules to use in place of the installed ones.
    """

    factory: str
    arguments: dict[str, Any]
    amount: int
    compiled_modules: Path | None = None


class SideMissing(Exception):
    """A side needs a package that is not installed.

    Attributes:
      module: its name.
    """

    def __init__(self, module: str) -> None:
        self.module = module
        super().__init__(f"{module} is not installed; `make bench` installs the extra `bench`")


@dataclass
class SideProcess:
    """A running side.

    Raises:
      SideMissing: a package that it needs is not installed.
      RuntimeError: anything else that went wrong in it, now or later.
    """

    side: Side
    _process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        command = [sys.executable, str(BENCHMARKS / "side_main.py"), self.side.factory]
        command.append(json.dumps(self.side.arguments))
        if self.side.compiled_modules is not None:
            command.append(str(self.side.compiled_modules))
        # Some sides take problems from the package `benchmarks.quality`.
        paths = [str(BENCHMARKS.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        try:
            self._read()
        except Exception:
            self.close()
            raise

    def turn(self) -> float:
        """One turn's measure."""
        return float(self._ask({"turn": self.side.amount}))

    def counts(self) -> dict[str, float]:
        """What its work consists of."""
        counts: dict[str, float] = self._ask({"counts": True})
        return counts

    def close(self) -> None:
        """Lets it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()["answer"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        reply: dict[str, Any] = json.loads(line) if line else {"error": "it ended without a word"}
        if "missing" in reply:
            raise SideMissing(reply["missing"])
        if "error" in reply:
            raise RuntimeError(f"{self.side.factory}: {reply['error']}")
        return reply

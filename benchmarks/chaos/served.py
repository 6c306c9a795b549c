"""A server of our own in a process of its own, and what that process holds."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.sides.server_process import ServerProcess

__all__ = ["Holding", "Server"]

COMMAND = Path(sys.executable).with_name("mcts-service")


class Server:
    """`mcts-service serve` by a configuration, on a free port of this machine.

        with Server(configuration) as server:
            PlannerClient(server.target)

    Attributes:
      target: HOST:PORT.
      pid: of the process.
    """

    def __init__(
        self,
        configuration: str = "",
        *,
        port: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts it, and waits until it serves.

        Args:
          configuration: TOML.
          port: 0: any that is free.
          environment: variables beside those of this process.
        Raises:
          RuntimeError: it does not start; the message has its log.
        """
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "server.toml"
        path.write_text(configuration)
        command = [str(COMMAND), "serve", "--port", str(port), "--config", str(path)]
        self._process = ServerProcess(command, environment=environment)
        self.target, self.pid = self._process.target, self._process.pid

    def terminate(self) -> None:
        """Asks it to end: it finishes what runs."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Its exit status.

        Raises:
          subprocess.TimeoutExpired: it runs on.
        """
        return self._process.wait(seconds)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.close()
        self._folder.cleanup()


class Holding:
    """What a process holds at a moment, by /proc.

    Attributes:
      bytes: of memory that is its own, resident.
      descriptors: files and sockets that are open.
      threads: how many.
    """

    def __init__(self, pid: int) -> None:
        status = _fields(Path(f"/proc/{pid}/status"))
        self.bytes = 1024 * int(status["RssAnon"].split()[0])
        self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        self.threads = int(status["Threads"])

    def since(self, before: Holding) -> str:
        """By how much it has grown, in words."""
        return (
            f"memory {(self.bytes - before.bytes) / 1e6:+.1f} MB, "
            f"descriptors {self.descriptors - before.descriptors:+d}, "
            f"threads {self.threads - before.threads:+d}"
        )


def _fields(path: Path) -> dict[str, Any]:
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return {name: value.strip() for name, _, value in lines}

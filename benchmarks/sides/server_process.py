"""A server in a process of its own, which says on a line where it listens."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
from collections.abc import Mapping

__all__ = ["ServerProcess"]

ANNOUNCEMENT = "serving on "
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class ServerProcess:
    """Starts at once; `target` is its HOST:PORT, `pid` the number of the process.

    Raises:
      RuntimeError: it did not start; the message holds its log.
    """

    def __init__(self, command: list[str], *, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: variables beside those of this process."""
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the server
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        assert self._process.stdout is not None
        line = ""
        if select.select([self._process.stdout], [], [], START_SECONDS)[0]:
            line = self._process.stdout.readline()
        if not line.startswith(ANNOUNCEMENT):
            self._end()
            log = self.log()
            self.close()
            raise RuntimeError(f"{command} did not start; it said {line!r} and {log}")
        self.target = line.removeprefix(ANNOUNCEMENT).strip()
        self.pid = self._process.pid

    def wait(self, seconds: float) -> int:
        """Its exit status, once it has ended.

        Raises:
          subprocess.TimeoutExpired: it runs on.
        """
        return self._process.wait(seconds)

    def log(self) -> str:
        """What it has written to standard error so far."""
        # Not by seek(): the process writes where the file's one position is.
        descriptor = self._log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("utf-8", "replace")

    def close(self) -> None:
        """Asks it to end, and makes it after a while; its log is gone then."""
        self._end()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

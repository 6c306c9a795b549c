"""A server in a process of its own, which says on a line where it listens."""

from __future__ import annotations

import select
import subprocess
import tempfile

__all__ = ["ServerProcess"]

ANNOUNCEMENT = "serving on "
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class ServerProcess:
    """Starts at once; `target` is its HOST:PORT.

    Raises:
      RuntimeError: it did not start; the message holds its log.
    """

    def __init__(self, command: list[str]) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the server
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        assert self._process.stdout is not None
        line = ""
        if select.select([self._process.stdout], [], [], START_SECONDS)[0]:
            line = self._process.stdout.readline()
        if not line.startswith(ANNOUNCEMENT):
            self._end()
            self._log.seek(0)
            said = self._log.read()
            self.close()
            raise RuntimeError(f"{command} did not start; it said {line!r} and {said}")
        self.target = line.removeprefix(ANNOUNCEMENT).strip()

    @property
    def process_id(self) -> int:
        """Its number in the system."""
        return self._process.pid

    def close(self) -> None:
        """Asks it to end, and makes it after a while."""
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

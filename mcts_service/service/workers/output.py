"""What workers print, in the server's log: `log_output`."""

from __future__ import annotations

import logging
import os
import threading
import time
from multiprocessing.connection import Connection

__all__ = ["log_output"]

logger = logging.getLogger("mcts_service")

#: Of one worker, in so many seconds so many lines of so many characters are logged.
WINDOW_SECONDS, MAX_LINES, MAX_CHARACTERS = 10.0, 100, 500
_CHUNK_BYTES = 2**16


def log_output(output: Connection, name: str) -> None:
    """Reads what a worker prints, in a thread, until it has ended: it never waits for a reader.

    Args:
      output: the end to read from, which the thread takes over.
      name: of the worker, for the log.
    """
    threading.Thread(target=_drain, args=(output, name), name=f"output-{name}", daemon=True).start()


def _drain(output: Connection, name: str) -> None:
    lines = _BoundedLines(name)
    with output:
        while data := os.read(output.fileno(), _CHUNK_BYTES):
            lines.take(data)
    lines.end()


class _BoundedLines:
    """Logs lines as far as they are few and short, and says how many more there were."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun = b""
        self._window_ends = 0.0
        self._logged = self._left_out = 0

    def take(self, data: bytes) -> None:
        """Takes the next bytes, wherever lines may end in them."""
        now = time.monotonic()
        if now >= self._window_ends:
            self._tell_left_out()
            self._window_ends, self._logged = now + WINDOW_SECONDS, 0
        *lines, rest = data.split(b"\n", max(0, MAX_LINES - self._logged))
        for line in lines:
            self._log(self._begun + line)
            self._begun = b""
        if self._logged >= MAX_LINES:
            self._left_out += rest.count(b"\n")
            rest = rest[rest.rfind(b"\n") + 1 :]
        self._begun = (self._begun + rest)[:MAX_CHARACTERS]

    def end(self) -> None:
        """Nothing more comes."""
        if self._begun:
            self._log(self._begun)
        self._tell_left_out()

    def _log(self, line: bytes) -> None:
        text = line[:MAX_CHARACTERS].decode("utf-8", "backslashreplace")
        text = "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in text)
        self._logged += 1
        logger.info("%s: %s", self._name, text)

    def _tell_left_out(self) -> None:
        if self._left_out:
            logger.warning("%s has printed %d lines more", self._name, self._left_out)
        self._left_out = 0

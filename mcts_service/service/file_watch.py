"""Notices when files change."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

__all__ = ["FileWatch"]

_Signature = tuple["tuple[int, ...] | None", ...]


class FileWatch:
    """Looks at files now and then. For one thread, or with a lock around it."""

    def __init__(self, paths: Sequence[str], interval_seconds: float = 1.0) -> None:
        """Takes the files as they are for known.

        Args:
          paths: of the files; a file that is not there has changed when it is.
          interval_seconds: at least so long between two looks.
        """
        self._paths = tuple(paths)
        self._interval = interval_seconds
        self._seen = self._look()
        self._next_look = time.monotonic() + interval_seconds

    def changed(self) -> bool:
        """True if a file is not as it was at the last look, if it is time for another one."""
        if time.monotonic() < self._next_look:
            return False
        self._next_look = time.monotonic() + self._interval
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def _look(self) -> _Signature:
        return tuple(_signature(path) for path in self._paths)


def _signature(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    # The inode too: a file that is put in place of another may be as old and as long.
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev

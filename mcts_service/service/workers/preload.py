"""Imported once by the process that workers are forked from, so that each of them starts at once.

That process runs no model. It must outlive a SIGTERM that a service manager sends to all
processes of the server: with it all workers would end, and with them what they have accepted.
It ends when the server does, however that ends, and then ends what workers have left behind.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from multiprocessing import forkserver
from pathlib import Path

import mcts_service.service.loading
import mcts_service.service.workers.worker  # noqa: F401

__all__: list[str] = []


def _as_usual() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _outlive_the_service_manager() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.register_at_fork(after_in_child=_as_usual)


def _end_workers() -> None:
    """Kills each worker with all that its model has started; each leads a group of its own."""
    own = os.getpid()
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{own}/task/{own}/children").read_text().split():
            with contextlib.suppress(OSError):
                os.killpg(int(child), signal.SIGKILL)


# Any other process that imports this goes on as it was.
if getattr(sys.modules["__main__"], "main", None) is forkserver.main:
    _outlive_the_service_manager()
    atexit.register(_end_workers)

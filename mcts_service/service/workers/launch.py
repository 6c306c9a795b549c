"""Starts worker processes: forked from one that has nothing but the imports, never from a server.

A server has threads, and gRPC's among them: what is forked from it may hang at any lock.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

from mcts_service.service.workers.shared_state import SharedState
from mcts_service.service.workers.worker import work

__all__ = ["exit_status", "launch"]

_PRELOAD = "mcts_service.service.workers.preload"

_one_at_a_time = threading.Lock()


def launch(
    name: str, shared: SharedState, max_memory_bytes: int
) -> tuple[BaseProcess, Connection, Connection]:
    """Starts a worker.

    Args:
      name: of the process.
      shared, max_memory_bytes: as of `work`.
    Returns:
      The process, a connection to it, and what it prints, to be read.
    """
    context = _context()
    connection, theirs = context.Pipe()
    output, printed = context.Pipe(duplex=False)
    with theirs, printed:
        process = context.Process(
            target=work,
            args=(theirs, printed, shared, max_memory_bytes),
            name=name,
        )
        with _one_at_a_time, _no_main_module():
            process.start()
    return process, connection, output


def exit_status(process: BaseProcess) -> int | None:
    """That of a process that has ended; less than 0: of the signal.

    The news can be read once, which a start of another process would do at the same time.
    """
    with _one_at_a_time:
        return process.exitcode


def _context() -> Any:
    """Of a system without a fork server, workers begin afresh."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOAD])
    return context


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Keeps `multiprocessing` from having every worker import the program that runs the server.

    No model is in there: factories are named by their modules. But gRPC may be, or, without a
    guard, another server.
    """
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program

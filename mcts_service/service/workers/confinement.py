"""What a worker process does to itself before a model is there: it can do no harm from then on."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any, TextIO

__all__ = ["confine"]

#: As of the search threads: the server's event loop comes first where every core is planning.
_NICENESS = 5
#: Of -1000 .. 1000: where the machine has no memory left, a worker goes first, not the server.
_FIRST_TO_GO = 500
_PR_SET_PDEATHSIG = 1


def confine(output: Connection, max_memory_bytes: int) -> None:
    """Sets this process up as a worker.

    Args:
      output: takes what is printed from now on.
      max_memory_bytes: beyond what this process holds by now; 0: no limit.
    """
    _leave_the_terminal()
    _end_with_the_server()
    _print_to(output)
    _yield_to_the_server()
    if max_memory_bytes:
        _limit_memory(max_memory_bytes)


def _leave_the_terminal() -> None:
    """A session of its own, which a server can end with all that the model has started.

    What tells a server to stop must not end what it has accepted: service managers tell all
    processes at once.
    """
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _end_with_the_server() -> None:
    """The system kills this process when its parent ends, which ends when the server does.

    Where a system cannot, the end of the connection to the server ends a worker that is idle.
    """
    _let_the_parent_end()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    server = multiprocessing.parent_process()
    if server is not None and not server.is_alive():
        os._exit(0)


def _let_the_parent_end() -> None:
    """Closes what `multiprocessing` keeps its fork server alive by: until all its children end."""
    own: Any = forkserver
    held = getattr(own._forkserver, "_forkserver_alive_fd", None)
    if held is not None:
        os.close(held)
        own._forkserver._forkserver_alive_fd = None


def _print_to(output: Connection) -> None:
    """What Python, C and child processes print goes to the server, which bounds it."""
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    output.close()
    sys.stdout, sys.stderr = _line_by_line(1), _line_by_line(2)
    faulthandler.enable(file=sys.stderr)


def _line_by_line(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, closefd=False, errors="backslashreplace")


def _yield_to_the_server() -> None:
    os.nice(_NICENESS)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(_FIRST_TO_GO))


def _limit_memory(max_memory_bytes: int) -> None:
    import resource  # where there is none, no worker has a limit

    # A search reserves the addresses of its whole budget at once, which is no memory yet: only
    # Linux tells the two apart.
    kind, held = resource.RLIMIT_AS, 0
    if sys.platform == "linux":
        kind = resource.RLIMIT_DATA
        with open("/proc/self/statm") as file:
            held = int(file.read().split()[5]) * resource.getpagesize()
    limit = held + max_memory_bytes
    resource.setrlimit(kind, (limit, limit))

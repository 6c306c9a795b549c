"""The server's end of one worker process: `Worker`."""

from __future__ import annotations

import atexit
import contextlib
import enum
import math
import os
import signal
import time
import weakref
from collections.abc import Callable
from multiprocessing import util  # noqa: F401 (what it does at the end comes after `_kill_all`)
from multiprocessing.connection import wait
from typing import Any

from mcts_service.service.workers.cancel import JobCancel
from mcts_service.service.workers.launch import exit_status, launch
from mcts_service.service.workers.output import log_output
from mcts_service.service.workers.replies import Reply, read_reply
from mcts_service.service.workers.shared_state import new_shared_state

__all__ = ["State", "Worker", "WorkerEnded", "WorkerNeverBegan"]

#: What ends a process from outside. All other ends are its own doing.
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: What `multiprocessing` says where its fork server has ended, and can tell nothing.
_NOT_KNOWN = 255
#: For the news of an end to come.
_PATIENCE_SECONDS = 1.0

#: What a process had open is closed shortly before it has ended.
_SETTLING_SECONDS = 0.2

_all: weakref.WeakSet[Worker] = weakref.WeakSet()


class WorkerEnded(Exception):
    """The process has ended in the middle of a job."""


class WorkerNeverBegan(Exception):
    """The process had ended before it was given a job."""


class State(enum.Enum):
    """What a worker does."""

    BUILDING = enum.auto()
    IDLE = enum.auto()
    BUSY = enum.auto()
    ENDED = enum.auto()


class Worker:
    """A process that builds a model and then does one job at a time.

    Attributes:
      state: kept by whoever has the worker.
      has_built: True once it has a model.
      is_proven: True once it was of use.
      since: when it was started, or had built its model, in seconds of time.monotonic().
      connection, sentinel: for `multiprocessing.connection.wait`: it says something; it has ended.
      was_overdue: True if it was killed because it took too long.
      was_dropped: True if it was killed because it had hung up.
    """

    def __init__(self, name: str, order: bytes, max_memory_bytes: int) -> None:
        """Starts it.

        Args:
          name: for the log.
          order: see `worker.write_order`.
          max_memory_bytes: 0: no limit.
        """
        self.state = State.BUILDING
        self.has_built = self.is_proven = False
        self.was_overdue = self.was_dropped = False
        self._shared = new_shared_state()
        self._process, self.connection, output = launch(name, self._shared, max_memory_bytes)
        self.since = time.monotonic()
        self._job: tuple[float, JobCancel] | None = None
        _all.add(self)
        log_output(output, f"{name} ({self._process.pid})")
        with contextlib.suppress(OSError):
            self.connection.send_bytes(order)

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def sentinel(self) -> int:
        """A descriptor that can be read once the process has ended."""
        return self._process.sentinel

    def run(
        self,
        number: int,
        job: bytes,
        end_by: float,
        cancel: JobCancel,
        sink: Callable[[Any], None] | None = None,
    ) -> Reply:
        """Has a job done; for one thread at a time.

        Args:
          number: of the job.
          job: see `jobs.write_job`.
          end_by: when it must have ended, in seconds of time.monotonic().
          sink: takes what the search comes to on its way.
        Returns:
          The last of its replies.
        Raises:
          WorkerNeverBegan, WorkerEnded: see there.
          ModelFault: the reply cannot be read.
        """
        self._job = end_by, cancel
        cancel.attach(self._shared)
        try:
            with contextlib.suppress(OSError):
                self.connection.send_bytes(job)
            while True:
                reply = self.read()
                if reply.number != number:
                    raise WorkerEnded  # it says something, but not to this
                if reply.is_last:
                    return reply
                if sink is not None:
                    sink(reply.content)
        except WorkerEnded as error:
            if self._shared.has_begun(number):
                raise
            raise WorkerNeverBegan from error
        finally:
            cancel.detach()
            self._job = None

    def read(self) -> Reply:
        """What it says next.

        Raises:
          WorkerEnded: nothing, any more.
          ModelFault: what cannot be read.
        """
        try:
            return read_reply(self.connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise WorkerEnded from error

    def overdue_since(self) -> float:
        """When the job in progress should have ended; infinite where none is."""
        job = self._job
        return math.inf if job is None else min(job[0], job[1].cancelled_at)

    def kill(self) -> None:
        """Ends it at once, with all that it has started."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        # It may have no session of its own yet.
        if exit_status(self._process) is None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)

    def hang_up(self) -> None:
        """Lets it end by itself, once it is idle."""
        self.connection.close()

    def has_ended(self, patience_seconds: float = _PATIENCE_SECONDS) -> bool:
        """Whether the process has ended by then."""
        return bool(wait([self.sentinel], patience_seconds))

    @property
    def was_ended_from_outside(self) -> bool:
        """Of one that has ended: whether that was not its own doing."""
        status = exit_status(self._process)
        if self.was_dropped:
            return False
        if status == _NOT_KNOWN:
            return _ends(self._shared.forked_from)
        return status is not None and -status in _FROM_OUTSIDE

    def how_it_ended(self) -> str:
        """In a few words: "by signal SIGSEGV", "with exit status 3"."""
        status = exit_status(self._process)
        if status is None or self.was_dropped:
            return "without a word"
        return f"with exit status {status}" if status >= 0 else f"by signal {_named(-status)}"


def _named(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _ends(child: int) -> bool:
    """Whether a process that this one has started has ended; it is left to whoever waits for it."""
    give_up = time.monotonic() + _SETTLING_SECONDS
    try:
        while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() > give_up:
                return False
            time.sleep(0.01)
    except ChildProcessError:
        pass
    return True


def _kill_all() -> None:
    """At the end of the program: no worker answers to what `multiprocessing` would do."""
    for worker in list(_all):
        worker.kill()


atexit.register(_kill_all)

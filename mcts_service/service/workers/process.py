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
from mcts_service.service.workers.conversation import Conversation, WorkerEnded
from mcts_service.service.workers.jobs import in_slot
from mcts_service.service.workers.launch import exit_status, launch
from mcts_service.service.workers.output import log_output
from mcts_service.service.workers.replies import Reply, read_reply
from mcts_service.service.workers.shared_state import (
    MAX_SLOTS,
    NOBODY,
    SEVERAL,
    new_shared_state,
)

__all__ = ["Culprit", "State", "Worker", "WorkerEnded", "WorkerNeverBegan"]

#: What ends a process from outside. All other ends are its own doing.
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: What `multiprocessing` says where its fork server has ended, and can tell nothing.
_NOT_KNOWN = 255
#: For the news of an end to come.
_PATIENCE_SECONDS = 1.0

#: What a process had open is closed shortly before it has ended.
_SETTLING_SECONDS = 0.2

_all: weakref.WeakSet[Worker] = weakref.WeakSet()


class WorkerNeverBegan(Exception):
    """The process had ended before it was given a job."""


class Culprit(enum.Enum):
    """Whose doing the end of a worker was, seen from one of its jobs."""

    THIS = enum.auto()
    ANOTHER = enum.auto()
    UNKNOWN = enum.auto()
    NOBODY = enum.auto()


class State(enum.Enum):
    """What a worker does."""

    BUILDING = enum.auto()
    IDLE = enum.auto()
    BUSY = enum.auto()
    ENDED = enum.auto()


class Worker:
    """A process that builds a model and then does jobs, one at a time or some together.

    Attributes:
      state: kept by whoever has the worker.
      jobs: that it has. Kept too.
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
        self.state, self.jobs = State.BUILDING, 0
        self.has_built = self.is_proven = False
        self.was_overdue = self.was_dropped = False
        self._shared = new_shared_state()
        self._process, self.connection, output = launch(name, self._shared, max_memory_bytes)
        self.since = time.monotonic()
        self._conversation = Conversation(self.connection)
        self._in_slots: dict[int, tuple[int, float, JobCancel]] = {}
        self._slots = list(range(MAX_SLOTS))
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
        is_apart: bool = False,
    ) -> Reply:
        """Has a job done; for as many threads at a time as it may have jobs.

        Args:
          number: of the job.
          job: see `jobs.write_job`.
          end_by: when it must have ended, in seconds of time.monotonic().
          sink: takes what the search comes to on its way.
          is_apart: see `Job`.
        Returns:
          The last of its replies.
        Raises:
          WorkerNeverBegan, WorkerEnded: see there.
          ModelFault: the reply cannot be read.
        """
        slot = self._slots.pop()
        self._in_slots[slot] = number, end_by, cancel
        cancel.attach(self._shared, slot)
        self._shared.arrived = 1  # a large job takes a while to send
        self._conversation.send(number, in_slot(slot, job, is_apart=is_apart))
        self._shared.arrived = 1  # and may have been looked for too early
        try:
            while True:
                reply = self._conversation.hear(number)
                if reply.is_last:
                    return reply
                if sink is not None:
                    sink(reply.content)
        except WorkerEnded as error:
            if self._shared.has_begun(slot, number):
                raise
            raise WorkerNeverBegan from error
        finally:
            self._conversation.leave(number)
            cancel.detach()
            del self._in_slots[slot]
            self._slots.append(slot)

    def read(self) -> Reply:
        """What it says of its building.

        Raises:
          WorkerEnded: nothing, any more.
          ModelFault: what cannot be read.
        """
        try:
            return read_reply(self.connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise WorkerEnded from error

    def overdue_since(self) -> float:
        """Since when it does something that should have ended; infinite where it does not.

        A job that is to end does so before the next turn: until then the one whose turn it is
        holds it up. What waits for its beginning meanwhile may have to wait for long.
        """
        shared = self._shared
        has_turns = shared.turn != NOBODY
        ends = [
            min(end_by, cancel.cancelled_at)
            for slot, (number, end_by, cancel) in list(self._in_slots.items())
            if not has_turns or shared.has_begun(slot, number)
        ]
        return max(min(ends, default=math.inf), shared.turn_began)

    def culprit(self, number: int) -> Culprit:
        """Which of its jobs has ended it, as far as it is known, seen from this one.

        Of a worker that has ended, or is to.
        """
        turn = self._shared.turn
        if turn in (NOBODY, SEVERAL):
            return Culprit.NOBODY if turn == NOBODY else Culprit.UNKNOWN
        return Culprit.THIS if turn == number & 0xFFFFFFFF else Culprit.ANOTHER

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

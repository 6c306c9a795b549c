"""Keeps as many workers of a model as are wanted: `Staff`."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from multiprocessing.connection import wait
from operator import attrgetter
from pathlib import Path
from typing import Any

from mcts_service.errors import Cancelled, InvalidRequest, MCTSServiceError, ModelFault, ReplicaLost
from mcts_service.service.entry import ModelEntry
from mcts_service.service.observer import WorkerState
from mcts_service.service.plan_arguments import stopped
from mcts_service.service.workers.cancel import JobCancel
from mcts_service.service.workers.conversation import WorkerEnded
from mcts_service.service.workers.process import State, Worker
from mcts_service.service.workers.settings import WorkerSettings

__all__ = ["Staff"]

logger = logging.getLogger("mcts_service")

#: How often workers that are busy are looked at, and whoever waits for one looks up.
_TICK_SECONDS = 0.1
#: After a worker that has failed the next starts later and later.
_FIRST_DELAY, _LAST_DELAY = 0.1, 30.0
#: A worker that lives so long has not failed.
_YOUNG_SECONDS = 10.0
#: Failures in a row after which nobody waits for the next attempt.
_TOO_MANY = 2
#: For workers to end by themselves.
_PARTING_SECONDS = 1.0


class Staff:
    """The workers of one model.

    A thread starts them, replaces those that have ended, and kills those that take too long. One
    worker is there at first; it tells what the model is. Who has asked for it waits where none is
    free.
    """

    def __init__(self, name: str, subject: str, order: bytes, settings: WorkerSettings) -> None:
        """Starts the first.

        Args:
          name: of the model.
          subject: what an error of its building is about.
          order: see `worker.write_order`.
          settings: how many, and until when.
        """
        self._lost = 0
        self._name, self._subject, self._order, self._settings = name, subject, order, settings
        self._wanted = self._jobs_at_once = 1
        self._workers: set[Worker] = set()
        self._idle: list[Worker] = []
        self._description: ModelEntry | None = None
        self._refusal: MCTSServiceError | None = None
        self._failures = 0
        self._next_start = 0.0
        self._closed = self._rests = False
        self._changed = threading.Condition()
        self._awake, self._alarm = os.pipe()
        self._thread = threading.Thread(
            target=self._look_after, name=f"workers-{name}", daemon=True
        )
        self._thread.start()

    # ---- for everybody

    def description(self) -> ModelEntry:
        """What the first worker says of the model, once it has built it.

        Raises:
          InvalidRequest: it has not.
        """
        with self._changed:
            while self._description is None:
                if self._refusal is not None:
                    raise self._refusal
                self._changed.wait()
            return self._description

    def complete(self) -> None:
        """From now on there are as many as the settings say."""
        with self._changed:
            assert self._description is not None
            self._jobs_at_once = self._settings.jobs_at_once(self._description)
            self._wanted = self._settings.replicas + self._settings.warm_spares
            self._wake()

    def lend(
        self, end_by: float, cancel: JobCancel, favourite: Worker | None = None
    ) -> Worker | None:
        """A worker for one job; None: none was free until the job's end.

        Args:
          favourite: rather this one than another, if it has room.
        Raises:
          ReplicaLost: there is none, and may be none for a while.
          Cancelled: the job was.
        """
        with self._changed:
            while True:
                if self._closed:
                    raise stopped()
                if cancel.cancelled:
                    raise Cancelled("cancelled before a worker was free")
                worker = self._free(favourite)
                if worker is not None:
                    break
                if self._has_given_up():
                    raise ReplicaLost(f"model {self._name} has no worker now; try again")
                left = end_by - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(min(left, _TICK_SECONDS))
            if worker.state is State.IDLE:
                self._idle.remove(worker)
                worker.state = State.BUSY
            worker.jobs += 1
            if self._rests:
                self._wake()
            return worker

    def take_back(self, worker: Worker) -> None:
        """A worker has done a job."""
        with self._changed:
            worker.jobs -= 1
            if worker.jobs == 0 and worker.state is State.BUSY:
                worker.state = State.IDLE
                if worker in self._workers:  # else it has ended right after its job
                    self._idle.append(worker)
            if not worker.is_proven:
                worker.is_proven, self._failures = True, 0
            self._changed.notify_all()

    def lose(self, worker: Worker) -> None:
        """A worker has not: it has ended, or must."""
        with self._changed:
            worker.state = State.ENDED
            self._changed.notify_all()
        if not worker.has_ended():
            worker.was_dropped = True
            worker.kill()
            worker.has_ended()

    def state(self) -> WorkerState:
        """How many there are, and what they do."""
        with self._changed:
            workers, lost = list(self._workers), self._lost
        busy = sum(worker.state is State.BUSY for worker in workers)
        return WorkerState(busy, len(workers), lost, sum(map(_resident_bytes, workers)))

    @property
    def is_closed(self) -> bool:
        """True once all workers are to end."""
        return self._closed

    def close(self) -> None:
        """Ends all workers."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
            self._wake()
        self._thread.join()
        for worker in self._workers:
            if worker.state is State.IDLE:
                worker.hang_up()
            else:
                worker.kill()
        give_up = time.monotonic() + _PARTING_SECONDS
        for worker in self._workers:
            worker.has_ended(max(0.0, give_up - time.monotonic()))
            worker.kill()  # or what it has left behind
            worker.has_ended()
        for descriptor in (self._awake, self._alarm):
            os.close(descriptor)

    # ---- with the lock held

    def _free(self, favourite: Worker | None) -> Worker | None:
        """The worker that is best for a job now; None: none has room."""
        busy = [worker for worker in self._workers if worker.state is State.BUSY]
        found = [worker for worker in busy if worker.jobs < self._jobs_at_once]
        if len(busy) < self._settings.replicas:
            found += self._idle
        if favourite in found:
            return favourite
        # Of those that idle, the last one to have worked: its memory is at hand, and the spare
        # stays one.
        return min(reversed(found), key=attrgetter("jobs"), default=None)

    # ---- in the thread that looks after them

    def _look_after(self) -> None:
        while not self._closed:
            try:
                self._look()
            except Exception:
                # Without this thread no worker would ever be replaced.
                logger.exception("the workers of %s cannot be looked after", self._name)
                time.sleep(_TICK_SECONDS)

    def _look(self) -> None:
        with self._changed:
            missing = self._missing()
            watched, patience = self._watched(), self._patience()
            self._rests = patience is None and not missing and not self._closed
        if missing:
            self._start()
        elif not self._closed:
            self._notice(wait(watched, patience))

    def _missing(self) -> bool:
        """Whether it is time to start a worker."""
        return len(self._workers) < self._wanted and time.monotonic() >= self._next_start

    def _watched(self) -> list[Any]:
        building = [w.connection for w in self._workers if w.state is State.BUILDING]
        return [self._awake, *building, *(worker.sentinel for worker in self._workers)]

    def _patience(self) -> float | None:
        """Seconds until there may be something to do that nobody tells; None: there is nothing."""
        if any(worker.state in (State.BUILDING, State.BUSY) for worker in self._workers):
            return _TICK_SECONDS
        if len(self._workers) < self._wanted:
            return max(0.0, self._next_start - time.monotonic())
        return None

    def _start(self) -> None:
        try:
            worker = Worker(f"model {self._name}", self._order, self._settings.max_memory_bytes)
        except Exception as error:
            logger.warning("no worker of %s can be started", self._name, exc_info=error)
            with self._changed:
                self._fail(InvalidRequest(self._subject, f"has no worker: {error}"))
            return
        with self._changed:
            self._workers.add(worker)

    def _notice(self, ready: Iterable[Any]) -> None:
        found = set(ready)
        if self._awake in found:
            os.read(self._awake, 4096)
        for worker in list(self._workers):
            if worker.state is State.BUILDING and worker.connection in found:
                self._hear(worker)
            if worker.sentinel in found:
                self._bury(worker)
            else:
                self._hurry(worker)

    def _hear(self, worker: Worker) -> None:
        """What a worker says of the building."""
        content: object = None
        try:
            content = worker.read().content
        except ModelFault as error:
            content = InvalidRequest(self._subject, f"cannot be described: {error.__cause__}")
        except WorkerEnded:
            pass
        with self._changed:
            if isinstance(content, ModelEntry):
                worker.state, worker.has_built = State.IDLE, True
                worker.since = time.monotonic()
                self._description, self._refusal = self._description or content, None
                self._idle.insert(0, worker)
                self._changed.notify_all()
                return
            worker.state = State.ENDED
            if isinstance(content, MCTSServiceError):
                self._refusal = content
        worker.kill()

    def _hurry(self, worker: Worker) -> None:
        """Kills a worker that takes too long."""
        now, settings = time.monotonic(), self._settings
        is_late = (
            worker.state is State.BUILDING and now > worker.since + settings.build_seconds
        ) or now > worker.overdue_since() + settings.overrun_seconds
        if is_late and not worker.was_overdue:
            logger.warning("a worker of %s takes too long and is killed", self._name)
            worker.was_overdue = True
            worker.kill()

    def _bury(self, worker: Worker) -> None:
        """A worker has ended."""
        worker.kill()  # what it has started
        how, from_outside = worker.how_it_ended(), worker.was_ended_from_outside
        with self._changed:
            self._workers.discard(worker)
            if worker in self._idle:
                self._idle.remove(worker)
            if not worker.has_built:
                self._fail(self._refusal or self._not_built(worker, how))
                return
            self._lost += 1
            if worker.state is State.IDLE:
                logger.warning("a worker of %s has ended %s", self._name, how)
                is_young = time.monotonic() < worker.since + _YOUNG_SECONDS
                if is_young and not worker.is_proven and not from_outside:
                    self._fail(None)

    def _not_built(self, worker: Worker, how: str) -> InvalidRequest:
        if worker.was_overdue:
            text = f"was not built within {self._settings.build_seconds:g} seconds"
        else:
            text = f"ended its worker {how} while it was built"
        return InvalidRequest(self._subject, text)

    def _fail(self, why: MCTSServiceError | None) -> None:
        """Notes that a worker was of no use."""
        self._failures += 1
        delay = min(_FIRST_DELAY * 2.0 ** min(self._failures - 1, 30), _LAST_DELAY)
        self._next_start = time.monotonic() + delay
        if why is not None:
            if self._description is not None:
                logger.error("model %s cannot be built again: %s", self._name, why)
            self._refusal = why
        self._changed.notify_all()

    def _has_given_up(self) -> bool:
        if self._failures < _TOO_MANY:
            return False
        return not any(worker.has_built for worker in self._workers)

    def _wake(self) -> None:
        """Has the thread look."""
        self._rests = False
        os.write(self._alarm, b"\0")


def _resident_bytes(worker: Worker) -> int:
    """Of its process, on Linux; 0 elsewhere, and of one that has ended."""
    try:
        pages = Path(f"/proc/{worker.pid}/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")

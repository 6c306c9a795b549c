"""Threads that run searches, with a waiting room before them."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from mcts_service.service.admission import WaitingRoom
from mcts_service.service.observer import QueueState
from mcts_service.service.waiting_jobs import Job

__all__ = ["Pool"]

T = TypeVar("T")

#: Added to the niceness of a search thread: the event loop, which answers health checks and
#: cancels, comes first where every core is planning.
_NICENESS = 5


class Pool:
    """A number of threads, which start as they are needed; jobs wait in the order of `WaitingRoom`.

    Unlike concurrent.futures.ThreadPoolExecutor it refuses what it has no room or no time for,
    forgets a job that is cancelled while it waits at once, and does not hold up the end of the
    process when a model never returns.
    """

    def __init__(self, name: str, workers: int, max_waiting: int) -> None:
        """Starts no thread yet.

        Args:
          name: what the threads are called.
          workers: how many jobs run at once, >= 1.
          max_waiting: how many more may wait, >= 0.
        """
        self._room = WaitingRoom(workers, max_waiting)
        self._jobs: dict[Future[Any], Job] = {}
        self._closed = False
        self._changed = threading.Condition()
        self._name, self._workers = name, workers
        self._started = self._idle = 0

    def submit(
        self,
        work: Callable[[], T],
        *,
        caller: str = "",
        priority: int = 0,
        due: float = math.inf,
        seconds: float = math.inf,
    ) -> Future[T]:
        """Has `work` done by a thread.

        Args:
          caller: for whom; callers share the threads fairly.
          priority: from -100 to 100, higher first.
          due: when the result must be there, in seconds of time.monotonic(). The job is not
            withdrawn then; but what could not begin in time is refused.
          seconds: what the work is expected to take; infinite: not known.
        Returns:
          Its result to come. While the job waits, `cancel()` takes it out of the queue, and
          one that comes before it may take its place: it then ends with Overloaded. Once it
          runs, only its own end ends it, and its thread is not free before.
        Raises:
          Overloaded: the waiting room is full, or the job could not begin in time.
        """
        future: Future[T] = Future()
        job = Job((future, work), caller, priority, due, seconds)
        with self._changed:
            leaving = self._room.enter(job, time.monotonic())
            self._jobs[future] = job
            refusal = self._room.overloaded()
            self._wake_one()
        future.add_done_callback(self._forget)
        if leaving is not None:
            _fail(leaving.content[0], refusal)
        return future

    def withdraw(self, future: Future[Any], error: Exception) -> None:
        """Ends a job with `error` if it still waits; one that runs or is done goes on."""
        if self._remove(future):
            _fail(future, error)

    def charge(self, caller: str, seconds: float) -> None:
        """Counts what a caller had elsewhere, as if this pool's threads had done it."""
        with self._changed:
            self._room.charge(caller, seconds)

    def state(self) -> QueueState:
        """What waits and what runs at this moment."""
        with self._changed:
            room, now = self._room, time.monotonic()
            return QueueState(room.waiting, room.running, now - room.waiting_since(now))

    def close(self) -> None:
        """Lets the threads end when the jobs that wait are done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _forget(self, future: Future[Any]) -> None:
        """Frees the place of a job that was cancelled while it waited."""
        if future.cancelled():
            self._remove(future)
        self._jobs.pop(future, None)

    def _remove(self, future: Future[Any]) -> bool:
        with self._changed:
            job = self._jobs.get(future)
            return job is not None and self._room.remove(job)

    def _wake_one(self) -> None:
        """Has one thread more look for a job, if there may be one. Needs the lock."""
        if self._idle:
            self._idle -= 1  # here, so that the next job does not count on the same thread
            self._changed.notify()
        elif self._started < self._workers:
            name = f"{self._name}-{self._started}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
            self._started += 1

    def _work(self) -> None:
        _lower_priority()
        while True:
            with self._changed:
                job = self._room.start(time.monotonic())
                while job is None:
                    if self._closed:
                        return
                    self._idle += 1
                    self._changed.wait()
                    job = self._room.start(time.monotonic())
            self._run(job)
            # A thread that waits must not keep the last request's state alive.
            del job

    def _run(self, job: Job) -> None:
        future, work = job.content
        if not future.set_running_or_notify_cancel():
            self._free_thread(job)
            return
        # The thread is free before the result is told: its receiver may submit at once.
        try:
            result = work()
        except BaseException as error:
            self._free_thread(job)
            future.set_exception(error)
        else:
            self._free_thread(job)
            future.set_result(result)

    def _free_thread(self, job: Job) -> None:
        with self._changed:
            self._room.end(job, time.monotonic())


def _fail(future: Future[Any], error: Exception) -> None:
    """Ends a job that is not to be run, unless it was cancelled just now."""
    if future.set_running_or_notify_cancel():
        future.set_exception(error)


def _lower_priority() -> None:
    # Only on Linux does a thread have a priority of its own.
    if sys.platform == "linux":
        thread = threading.get_native_id()
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS
        os.setpriority(os.PRIO_PROCESS, thread, niceness)

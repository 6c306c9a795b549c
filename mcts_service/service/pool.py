"""Threads that run searches, and a waiting room of a fixed size before them."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from mcts_service.errors import Overloaded
from mcts_service.service.observer import QueueState

__all__ = ["Pool"]

T = TypeVar("T")
#: Its result, what it does, and when it came, in seconds of time.monotonic().
_Job = tuple["Future[Any]", Callable[[], Any], float]

#: Added to the niceness of a search thread: the event loop, which answers health checks and
#: cancels, comes first where every core is planning.
_NICENESS = 5
#: Weight of the newest job in the running mean of what a job takes.
_NEWEST = 0.1
#: A hint outside of this range (seconds) is of no use to a client.
_LEAST_RETRY, _MOST_RETRY = 0.01, 30.0


class Pool:
    """A fixed number of threads; jobs wait in the order in which they came.

    Unlike concurrent.futures.ThreadPoolExecutor it refuses what it has no room for, forgets a
    job that is cancelled while it waits at once, and does not hold up the end of the process
    when a model never returns.
    """

    def __init__(self, name: str, workers: int, max_waiting: int) -> None:
        """Starts the threads.

        Args:
          name: what the threads are called.
          workers: how many jobs run at once, >= 1.
          max_waiting: how many more may wait, >= 0.
        """
        self._workers = workers
        self._max_waiting = max_waiting
        self._waiting: deque[_Job] = deque()
        self._running = 0
        self._closed = False
        self._mean_seconds = 0.0
        self._changed = threading.Condition()
        for number in range(workers):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Has `work` done by a thread.

        Returns:
          Its result to come. While the job waits, `cancel()` takes it out of the queue; once
          it runs, only its own end ends it, and its thread is not free before.
        Raises:
          Overloaded: the waiting room is full.
        """
        future: Future[T] = Future()
        with self._changed:
            if len(self._waiting) + self._running >= self._workers + self._max_waiting:
                raise Overloaded(
                    f"{self._running} running and {len(self._waiting)} waiting are all that the "
                    "server has room for; try again later",
                    retry_after=self._expected_wait(),
                )
            self._waiting.append((future, work, time.monotonic()))
            self._changed.notify()
        future.add_done_callback(self._forget)
        return future

    def withdraw(self, future: Future[Any], error: Exception) -> None:
        """Ends a job with `error` if it still waits; one that runs or is done goes on."""
        if self._remove(future):
            future.set_exception(error)

    def state(self) -> QueueState:
        """What waits and what runs at this moment."""
        with self._changed:
            oldest = time.monotonic() - self._waiting[0][2] if self._waiting else 0.0
            return QueueState(len(self._waiting), self._running, oldest)

    def close(self) -> None:
        """Lets the threads end when the jobs that wait are done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _expected_wait(self) -> float:
        ahead = (len(self._waiting) + self._running) / self._workers
        return min(max(ahead * self._mean_seconds, _LEAST_RETRY), _MOST_RETRY)

    def _forget(self, future: Future[Any]) -> None:
        """Frees the place of a job that was cancelled while it waited."""
        if future.cancelled():
            self._remove(future)

    def _remove(self, future: Future[Any]) -> bool:
        with self._changed:
            remaining = [job for job in self._waiting if job[0] is not future]
            was_waiting = len(remaining) < len(self._waiting)
            self._waiting = deque(remaining)
        return was_waiting

    def _work(self) -> None:
        _lower_priority()
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                future, work, _ = self._waiting.popleft()
                self._running += 1
            self._run(future, work)
            # A thread that waits must not keep the last request's state alive.
            del future, work

    def _run(self, future: Future[Any], work: Callable[[], Any]) -> None:
        started = time.monotonic()
        if not future.set_running_or_notify_cancel():
            self._free_thread(started)
            return
        # The thread is free before the result is told: its receiver may submit at once.
        try:
            result = work()
        except BaseException as error:
            self._free_thread(started)
            future.set_exception(error)
        else:
            self._free_thread(started)
            future.set_result(result)

    def _free_thread(self, started: float) -> None:
        with self._changed:
            self._running -= 1
            self._mean_seconds += _NEWEST * (time.monotonic() - started - self._mean_seconds)


def _lower_priority() -> None:
    # Only on Linux does a thread have a priority of its own.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

"""Functions to be called at a later time, for code without an event loop."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

__all__ = ["Alarm", "Alarms"]

#: Alarms that were cancelled are kept until they are so many, and half of all.
_FEW = 64


class Alarm:
    """One of them."""

    def __init__(self, function: Callable[[], None], alarms: Alarms) -> None:
        self._alarms = alarms
        self.function: Callable[[], None] | None = function

    def cancel(self) -> None:
        """It does not go off any more."""
        self._alarms.forget(self)


class Alarms:
    """Calls functions in a thread of its own, which begins with the first of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Alarm]] = []
        self._numbers = itertools.count()
        self._cancelled = 0
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def call_later(self, seconds: float, function: Callable[[], None]) -> Alarm:
        """Has a function called after so many seconds, unless all is closed before."""
        alarm = Alarm(function, self)
        entry = (time.monotonic() + seconds, next(self._numbers), alarm)
        with self._changed:
            heapq.heappush(self._waiting, entry)
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._run, name="mcts-alarms", daemon=True)
                self._thread.start()
            if self._waiting[0] is entry:
                self._changed.notify()
        return alarm

    def forget(self, alarm: Alarm) -> None:
        """Cancels one."""
        with self._changed:
            if alarm.function is None:
                return
            alarm.function = None
            self._cancelled += 1
            if self._cancelled > max(_FEW, len(self._waiting) // 2):
                self._waiting = [entry for entry in self._waiting if entry[2].function is not None]
                heapq.heapify(self._waiting)
                self._cancelled = 0

    def close(self) -> None:
        """None goes off any more, and the thread ends."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _run(self) -> None:
        while (function := self._next()) is not None:
            function()

    def _next(self) -> Callable[[], None] | None:
        """Waits for what is due; None: all is closed."""
        with self._changed:
            while not self._is_closed:
                due = self._waiting[0][0] if self._waiting else None
                wait = None if due is None else due - time.monotonic()
                if wait is not None and wait <= 0:
                    alarm = heapq.heappop(self._waiting)[2]
                    function, alarm.function = alarm.function, None
                    if function is not None:
                        return function
                    self._cancelled -= 1
                else:
                    self._changed.wait(None if wait is None else min(wait, threading.TIMEOUT_MAX))
        return None

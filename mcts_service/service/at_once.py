"""Which searches are so short that the event loop runs them itself.

To hand a search to a thread and to get its plan back takes longer than a search of some hundred
simulations. But what the loop runs, it does not answer others in.
"""

from __future__ import annotations

import math

__all__ = ["AT_ONCE_SECONDS", "LoopShare", "SearchTimes"]

#: A search that is expected to take no longer runs on the loop; it is paused after twice as long.
AT_ONCE_SECONDS = 0.0003


class SearchTimes:
    """What the searches of one planner take, by their number of simulations to a factor of two.

    How long others had the CPU meanwhile says nothing of the next search. A thread of a pool leaves
    that out; the loop does not, as to ask for its time of the CPU takes a part of a short search.
    Whatever gets in between only adds, as does a cold cache, so a search that was shorter than
    thought says more than one that was longer: else a machine that others use too would keep short
    searches from the loop, and in a thread, where they take longer, they would stay.

    Threads may share it: of two who write at once, one may be lost.
    """

    #: Weight of the newest search in the running mean: of a shorter and of a longer one.
    SHORTER, LONGER = 0.5, 0.1
    #: A search counts as so many times the mean at most: one that the system has interrupted says
    #: little, and where all take longer the mean follows soon.
    MOST = 4.0

    def __init__(self) -> None:
        # Simulations are 31 bits wide.
        self._means = [math.inf] * 32

    def expected(self, simulations: int) -> float:
        """Seconds of a search; infinite where none of that size was seen."""
        return self._means[simulations.bit_length()]

    def observe(self, simulations: int, seconds: float) -> None:
        """Notes one search; infinite seconds are more than were waited for."""
        size = simulations.bit_length()
        mean = self._means[size]
        if mean == math.inf:
            self._means[size] = seconds
        elif seconds < mean:
            self._means[size] = mean + self.SHORTER * (seconds - mean)
        else:
            self._means[size] = mean + self.LONGER * (min(seconds, self.MOST * mean) - mean)


class LoopShare:
    """Sees to it that an event loop has time for other things than searches. For one thread.

    Searches may have half of the loop's time, and some milliseconds in a row. Of that, callers
    who come at the same time have equal parts, and one alone leaves some of those milliseconds
    to whoever comes next.
    """

    SHARE = 0.5
    #: Of searches in a row, in seconds.
    BURST = 0.01
    #: Of those, one caller's part.
    OWN_BURST = 0.5
    #: Callers that are remembered; more of them than have a debt are forgotten.
    MOST = 64

    def __init__(self) -> None:
        self._paid_at = 0.0
        self._own: dict[str, float] = {}

    def allows(self, now: float, caller: str) -> bool:
        """Whether there is time for a caller's search, at a time of time.monotonic()."""
        if self._paid_at > now + self.BURST:
            return False
        return self._own.get(caller, 0.0) <= now + self.OWN_BURST * self.BURST

    def spend(self, now: float, seconds: float, caller: str) -> None:
        """Notes a search that has ended now, and took so long."""
        self._paid_at = max(self._paid_at, now) + seconds / self.SHARE
        if len(self._own) > self.MOST:
            self._own = {name: paid for name, paid in self._own.items() if paid > now}
        others = sum(paid > now for name, paid in self._own.items() if name != caller)
        own = max(self._own.get(caller, 0.0), now)
        self._own[caller] = own + (1 + others) * seconds / self.SHARE

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

    Threads may share it: of two who write at once, one may be lost.
    """

    #: Weight of the newest search in the running mean.
    NEWEST = 0.2
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
        else:
            self._means[size] = mean + self.NEWEST * (min(seconds, self.MOST * mean) - mean)


class LoopShare:
    """Sees to it that an event loop has time for other things than searches. For one thread.

    Searches may have half of the loop's time, and some milliseconds in a row.
    """

    SHARE = 0.5
    #: Of searches in a row, in seconds.
    BURST = 0.01

    def __init__(self) -> None:
        self._paid_at = 0.0

    def allows(self, now: float) -> bool:
        """Whether there is time for a search, at a time of time.monotonic()."""
        return self._paid_at <= now + self.BURST

    def spend(self, now: float, seconds: float) -> None:
        """Notes a search that has ended now, and took so long."""
        self._paid_at = max(self._paid_at, now) + seconds / self.SHARE

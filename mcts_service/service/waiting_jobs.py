"""Jobs that wait for a worker: by priority, by caller, and by when they are due."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import OrderedDict
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

__all__ = ["Job", "Level"]


@dataclass(eq=False, slots=True)
class Job:
    """What waits.

    Attributes:
      content: what is to be done.
      caller: who asked.
      priority: from -100 to 100, higher first.
      due: when its answer must be there, in seconds of the clock that `now` is of; later than
        that it is not run. Infinite: at any time.
      seconds: what it is expected to take; infinite: not known.
      came: when it was let in.
      charged: seconds that its caller was charged when it started.
    """

    content: Any = None
    caller: str = ""
    priority: int = 0
    due: float = math.inf
    seconds: float = math.inf
    came: float = 0.0
    charged: float = 0.0

    @property
    def known_seconds(self) -> float:
        """What it is expected to take; 0 where that is not known."""
        return 0.0 if self.seconds == math.inf else self.seconds


_due = attrgetter("due")


@dataclass(slots=True)
class _Queue:
    """Jobs of one priority and one caller, by when they are due, and their known seconds."""

    jobs: list[Job] = field(default_factory=list)
    seconds: float = 0.0

    def seconds_before(self, job: Job) -> float:
        """Of those that are due no later than another."""
        count = bisect_right(self.jobs, job.due, key=_due)
        if count == len(self.jobs):
            return self.seconds
        return sum(one.known_seconds for one in self.jobs[:count])


class Level:
    """Jobs of one priority, by caller, and in the order in which they came."""

    def __init__(self) -> None:
        self.queues: dict[str, _Queue] = {}
        self.arrivals: OrderedDict[Job, None] = OrderedDict()
        self.seconds = 0.0

    def add(self, job: Job) -> None:
        queue = self.queues.setdefault(job.caller, _Queue())
        insort(queue.jobs, job, key=_due)
        queue.seconds += job.known_seconds
        self.seconds += job.known_seconds
        self.arrivals[job] = None

    def remove(self, job: Job) -> None:
        queue = self.queues[job.caller]
        queue.jobs.remove(job)
        queue.seconds -= job.known_seconds
        if not queue.jobs:
            del self.queues[job.caller]
        self.seconds -= job.known_seconds
        del self.arrivals[job]

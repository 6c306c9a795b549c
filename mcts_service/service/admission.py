"""Who may wait for a worker, who is next, and who must leave. No thread and no clock.

The order in which jobs run:

1. By priority, where to have waited for a tenth of a second counts as one level more: what is
   low is overtaken for a while, not for ever.
2. Within a priority, the caller that has had the least search time lately (`FairShares`), so that
   one who sends much waits for itself and not before others.
3. Of one caller, what is due first.

A full room takes a newcomer in the place of the job that would run last, if the newcomer has a
higher priority, or the same and a caller that is served sooner by more than a job; and so that
nobody is kept out altogether by whatever priority others claim, a caller of whom nothing waits
takes the last place of the caller who has the most of them. Else the newcomer is refused.

A newcomer that could not begin in time is refused at once too. How long it would wait is counted
from what is known: what jobs of that model and size took, the ones before it in this order, and
by how much jobs took longer of late than was expected. A job whose length is not known, such as a
plan that is limited by time alone, counts nothing, because it ends the sooner the later it starts:
nobody is refused on a guess.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from mcts_service.errors import Overloaded
from mcts_service.service.fair_shares import FairShares
from mcts_service.service.waiting_jobs import Job, Level

__all__ = ["GREATEST_PRIORITY", "WaitingRoom"]

#: Priorities are from minus this to this.
GREATEST_PRIORITY = 100
#: Seconds of waiting that count as one level.
LEVEL_SECONDS = 0.1
#: Of a job's time, what must be left when its turn comes.
LEAST_LEFT = 0.1
#: Weight of the newest job in a running mean.
_NEWEST = 0.1
#: A job counts as so many times what was expected at most: one that was held up says little.
_MOST_STRETCH = 4.0
#: A hint outside of this range (seconds) is of no use to a client.
_LEAST_RETRY, _MOST_RETRY = 0.01, 30.0


class WaitingRoom:
    """The jobs of one pool of workers: those that wait and those that run."""

    def __init__(self, workers: int, max_waiting: int) -> None:
        """Opens it, empty.

        Args:
          workers: jobs that run at once, >= 1.
          max_waiting: jobs that may wait besides, >= 0.
        """
        self._workers, self._max_waiting = workers, max_waiting
        self._levels: dict[int, Level] = {}
        self._places: dict[str, int] = {}
        self._running: dict[Job, float] = {}
        self._shares = FairShares()
        self._waiting = 0
        self._mean_seconds = 0.0
        self._stretch = 1.0

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return self._waiting

    @property
    def running(self) -> int:
        """Jobs that run."""
        return len(self._running)

    def waiting_since(self, now: float) -> float:
        """When the job came that waits longest; now, if none does."""
        firsts = (next(iter(level.arrivals)) for level in self._levels.values() if level.arrivals)
        return min((job.came for job in firsts), default=now)

    def enter(self, job: Job, now: float) -> Job | None:
        """Lets a job in.

        Returns:
          The job that has to leave in its place, which is out already; None: there was room.
        Raises:
          Overloaded: the room is full of others that come first, or the job could not begin
            in time.
        """
        leaving = None
        if self._waiting + len(self._running) >= self._workers + self._max_waiting:
            leaving = self._less_entitled(job, now)
            if leaving is None:
                raise self.overloaded()
        self._refuse_if_too_late(job, now)
        if leaving is not None:
            self.remove(leaving)
        job.came = now
        self._levels.setdefault(job.priority, Level()).add(job)
        self._places[job.caller] = self._places.get(job.caller, 0) + 1
        self._shares.enter(job.caller)
        self._waiting += 1
        return leaving

    def start(self, now: float) -> Job | None:
        """The job to run next, which runs from now on; None: nobody waits."""
        if not self._waiting:
            return None
        level = self._levels[self._next_level(now)]
        caller = min(level.queues, key=self._shares.had)
        job = level.queues[caller].jobs[0]
        self._take_out(job)
        job.charged = self._mean_seconds if job.seconds == math.inf else job.seconds
        self._shares.charge(caller, job.charged)
        self._running[job] = now
        return job

    def end(self, job: Job, now: float) -> None:
        """Notes that a job which has started is done."""
        seconds = now - self._running.pop(job)
        self._shares.charge(job.caller, seconds - job.charged)
        self._shares.leave(job.caller)
        self._mean_seconds += _NEWEST * (seconds - self._mean_seconds)
        if job.known_seconds > 0:
            stretch = min(max(seconds / job.known_seconds, 1.0), _MOST_STRETCH)
            self._stretch += _NEWEST * (stretch - self._stretch)

    def remove(self, job: Job) -> bool:
        """Takes a job out that waits; False if it does not."""
        level = self._levels.get(job.priority)
        if level is None or job not in level.arrivals:
            return False
        self._take_out(job)
        self._shares.leave(job.caller)
        return True

    def charge(self, caller: str, seconds: float) -> None:
        """Counts search time that a caller of this room had elsewhere."""
        self._shares.charge(caller, seconds)

    def overloaded(self) -> Overloaded:
        """The error of a job for which there is no room."""
        ahead = (self._waiting + len(self._running)) / self._workers
        return Overloaded(
            f"{len(self._running)} running and {self._waiting} waiting are all that the "
            "server has room for; try again later",
            retry_after=_hint(ahead * self._mean_seconds),
        )

    # ---- who is next

    def _next_level(self, now: float) -> int:
        if len(self._levels) == 1:
            return next(iter(self._levels))
        return max(self._levels, key=lambda priority: self._aged(priority, now))

    def _aged(self, priority: int, now: float) -> float:
        """A priority and the levels that the first who came has waited for."""
        return _aged(next(iter(self._levels[priority].arrivals)), now)

    def _take_out(self, job: Job) -> None:
        level = self._levels[job.priority]
        level.remove(job)
        if not level.arrivals:
            del self._levels[job.priority]
        self._places[job.caller] -= 1
        if not self._places[job.caller]:
            del self._places[job.caller]
        self._waiting -= 1

    # ---- who must leave

    def _less_entitled(self, job: Job, now: float) -> Job | None:
        """The job that a newcomer displaces, if any."""
        if not self._waiting:
            return None
        lowest = min(self._levels, key=lambda priority: self._aged(priority, now))
        last = self._last_of(self._levels[lowest], self._levels[lowest].queues)
        if job.priority > _aged(last, now):
            return last
        if job.priority == lowest and self._is_served_sooner(job, last):
            return last
        if job.caller not in self._places:
            most = max(self._places, key=self._places.__getitem__)
            if self._places[most] > 1:
                priority = min(p for p, level in self._levels.items() if most in level.queues)
                return self._last_of(self._levels[priority], [most])
        return None

    def _last_of(self, level: Level, callers: Iterable[str]) -> Job:
        """The job of these callers that would run last of its level."""
        caller = max(callers, key=lambda name: self._served_until(level, name))
        return level.queues[caller].jobs[-1]

    def _served_until(self, level: Level, caller: str) -> float:
        """What a caller will have had when all that it waits for is done."""
        queue = level.queues.get(caller)
        return self._shares.had(caller) + (len(queue.jobs) * self._one_job if queue else 0.0)

    def _is_served_sooner(self, job: Job, last: Job) -> bool:
        """Whether a newcomer would run before the last job, by more than one job."""
        level = self._levels[last.priority]
        newcomer = self._served_until(level, job.caller) + self._one_job
        return newcomer + self._one_job < self._served_until(level, last.caller)

    @property
    def _one_job(self) -> float:
        # Before anything was measured, jobs are counted.
        return self._mean_seconds or 1.0

    # ---- who could not begin in time

    def _refuse_if_too_late(self, job: Job, now: float) -> None:
        """Raises Overloaded if a job would have no time left when its turn comes.

        It must have what it needs, or a tenth of its time, in which it finds out something.
        """
        if job.due == math.inf:
            return
        left = job.due - now
        wait = self._expected_wait(job, now)
        needed = min(self._stretch * job.seconds, left * LEAST_LEFT)
        if wait > 0 and wait + needed > left:
            raise Overloaded(
                f"the wait for a free worker is about {wait:.3g} s, and the answer is due in "
                f"{left:.3g} s; try again later",
                retry_after=_hint(wait + needed - left),
            )

    def _expected_wait(self, job: Job, now: float) -> float:
        """Seconds until a newcomer would start, as far as they are known."""
        if self._waiting + len(self._running) < self._workers:
            return 0.0
        running = sum(
            max(0.0, self._stretch * one.known_seconds - (now - started))
            for one, started in self._running.items()
        )
        ahead = 0.0
        for priority, level in self._levels.items():
            if priority > job.priority:
                ahead += level.seconds
            elif priority == job.priority:
                ahead += self._ahead_within(level, job)
        return (running + self._stretch * ahead) / self._workers

    def _ahead_within(self, level: Level, job: Job) -> float:
        """Seconds of jobs of the newcomer's own priority that run before it."""
        own = level.queues.get(job.caller)
        mine = 0.0 if own is None else own.seconds_before(job)
        served_until = self._shares.had(job.caller) + mine
        others = (
            min(queue.seconds, max(0.0, served_until - self._shares.had(caller)))
            for caller, queue in level.queues.items()
            if caller != job.caller
        )
        return mine + sum(others)


def _aged(job: Job, now: float) -> float:
    """The priority of a job and the levels that it has waited for."""
    return job.priority + (now - job.came) / LEVEL_SECONDS


def _hint(seconds: float) -> float:
    """When to try again, in seconds from now."""
    return min(max(seconds, _LEAST_RETRY), _MOST_RETRY)

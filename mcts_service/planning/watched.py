"""A search that is looked at while it runs, and runs as if it were not: `MCTS.watch`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from mcts_service._core import CancelFlag, Search
from mcts_service.checks import require_number
from mcts_service.planning.auto import Recipe
from mcts_service.planning.plan import Plan
from mcts_service.planning.read_plan import read_unfinished
from mcts_service.planning.request import Request
from mcts_service.planning.unfinished import SLICE, PlanSteps, SearchRun

__all__ = ["LEAST_INTERVAL", "Watched", "improving_plans"]

#: Seconds from one look to the next, at least.
LEAST_INTERVAL = 0.001
#: The next look waits at least so many times as long as the last one took: looks have a fifth of
#: the time at most.
_REST = 4.0


class Watched:
    """Runs a search within the time of a request, and yields the plans that it has come to.

    Args:
      every: seconds from one to the next; None: after 1, 2, 4, ... simulations, those of another
        recipe that was tried before included. Where several are in flight at once, soon after.
      is_run_elsewhere: yields each part of the search, too, to be sent how it has ended.
      is_apart: of those parts, see `SearchRun`.
    """

    def __init__(
        self,
        request: Request,
        cancel: CancelFlag | None,
        every: float | None,
        is_run_elsewhere: bool = False,
        is_apart: bool = False,
    ) -> None:
        if every is not None:
            every = require_number("every", every, LEAST_INTERVAL, 1e9)
        self._request, self._cancel, self._every = request, cancel, every
        self._is_run_elsewhere, self._is_apart = is_run_elsewhere, is_apart
        self._due_simulations = 1
        self._due_at = 0.0 if every is None else request.limits.started + every
        self._last_took = 0.0

    def run(self, search: Search, simulations: int, recipe: Recipe, tried: int) -> PlanSteps[str]:
        """As a `RunSearch`."""
        while True:
            part = self._next_part(search, simulations, tried)
            end = (yield part) if self._is_run_elsewhere else _run(part)
            assert isinstance(end, str)
            if end != SLICE:
                return end
            started = time.perf_counter()
            plan = read_unfinished(self._request, search, recipe, tried)
            self._note(tried + search.simulations, started)
            if plan is not None:
                yield plan

    def _next_part(self, search: Search, simulations: int, tried: int) -> SearchRun:
        """What is to be run until it is looked at, or to its end."""
        limits = self._request.limits
        part = SearchRun(search, simulations, limits, self._cancel, is_apart=self._is_apart)
        left = limits.seconds_left()
        if left is not None and left < _REST * self._last_took:
            # A look would use up the time of the search, and what comes after it is the final plan.
            return part
        if self._every is not None:
            part.pause_seconds = max(0.0, self._due_at - time.perf_counter())
        else:
            self._count(tried)
            part.pause_simulations = self._due_simulations - tried
        return part

    def _note(self, simulations: int, started: float) -> None:
        """After a look, begun in seconds of time.perf_counter(): when the next one is due."""
        now = time.perf_counter()
        self._last_took = now - started
        if self._every is not None:
            self._due_at = max(self._due_at + self._every, now + _REST * self._last_took)
        self._count(simulations)

    def _count(self, simulations: int) -> None:
        """After so many in all: how many there are to be at the next look."""
        while self._due_simulations <= simulations:
            self._due_simulations *= 2


def _run(part: SearchRun) -> str:
    search, due = part.search, part.pause_simulations
    if 0 < due <= search.simulations < part.simulations:
        return SLICE
    return search.run(
        part.simulations,
        part.limits.seconds_left(),
        part.cancel,
        slice_seconds=part.pause_seconds,
        slice_simulations=due,
    )


def improving_plans(
    begin: Callable[[], PlanSteps[Plan]], turn: Callable[[], AbstractContextManager[None]]
) -> Iterator[Plan]:
    """The plans that the steps of a plan yield, and the one that they end with.

    Args:
      begin: gives the steps.
      turn: gives what is held while they search, and not while the caller looks at a plan.
    """
    with turn():
        steps = begin()
    try:
        while True:
            with turn():
                try:
                    plan = next(steps)
                except StopIteration as end:
                    final: Plan = end.value
                    break
            assert isinstance(plan, Plan)
            yield plan
        yield final
    finally:
        with turn():
            steps.close()

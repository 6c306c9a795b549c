"""Plans that improve while their search goes on, from where it runs to who reads them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from mcts_service.planning import CancelFlag
from mcts_service.service.actions import travelling
from mcts_service.service.plan_arguments import plan_arguments
from mcts_service.service.planners import Planners
from mcts_service.service.query import PlanOutcome, PlanQuery

__all__ = ["Sink", "improving_outcomes", "watched_search"]

#: Takes each plan that a search comes to on its way; from any thread, and without waiting.
Sink = Callable[[PlanOutcome], None]


def watched_search(
    planners: Planners,
    every: float | None,
    sink: Sink,
    query: PlanQuery,
    end_by: float,
    cancel: CancelFlag,
) -> PlanOutcome:
    """One search, in this thread; what it comes to on its way goes to the sink.

    Args:
      planners: of the models.
      every: seconds from one plan to the next, or None, as of `MCTS.watch`.
      query: what to plan.
      end_by: when the search must have ended, in seconds of time.monotonic().
      cancel: ends it.
    """
    started = time.monotonic()
    planner = planners.get(query.model, query.config).mcts
    plans = planner.watch(query.read_state(), every=every, **plan_arguments(query, end_by, cancel))
    for plan in plans:
        outcome = PlanOutcome(
            travelling(query.model, plan),
            queue_time=started - query.received,
            finished=time.monotonic(),
        )
        if plan.is_final:
            break
        sink(outcome)
    return outcome


async def improving_outcomes(
    search: Callable[[Sink], Awaitable[PlanOutcome]],
) -> AsyncGenerator[PlanOutcome, None]:
    """The newest plan whenever the reader asks for one, and the final one as the last.

    The search waits for no reader: a plan that was not read gives way to a newer one. It is
    cancelled when the generator is closed.

    Args:
      search: begins it, given the sink for its plans, and gives the final one.
    """
    newest = _Newest()
    searching = asyncio.ensure_future(search(newest.put))
    searching.add_done_callback(lambda _: newest.end())
    try:
        while (outcome := await newest.get()) is not None:
            yield outcome
        yield await searching
    finally:
        _give_up(searching)


def _give_up(searching: asyncio.Future[PlanOutcome]) -> None:
    """Cancels it; if it has failed just now, nobody is to be told."""
    if not searching.cancel() and not searching.cancelled():
        searching.exception()


class _Newest:
    """Holds the plan that came last, for one reader, in the event loop in which it is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._outcome: PlanOutcome | None = None
        self._has_ended = False
        self._changed = asyncio.Event()

    def put(self, outcome: PlanOutcome) -> None:
        """From any thread."""
        with self._lock:
            is_first, self._outcome = self._outcome is None, outcome
        if is_first:
            self._loop.call_soon_threadsafe(self._changed.set)

    def end(self) -> None:
        """No more is to come, and what was not read does not matter any more."""
        self._has_ended = True
        self._changed.set()

    async def get(self) -> PlanOutcome | None:
        """Waits for the next plan; None: there is none."""
        await self._changed.wait()
        self._changed.clear()
        with self._lock:
            outcome, self._outcome = self._outcome, None
        return None if self._has_ended else outcome

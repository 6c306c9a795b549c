"""Plans that improve while their search goes on, from where it runs to who reads them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable

from mcts_service.service.query import PlanOutcome
from mcts_service.service.search_host import Sink

__all__ = ["improving_outcomes"]


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

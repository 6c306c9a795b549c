"""Runs searches: where, when, and until when."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace
from functools import cache, lru_cache, partial

from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    MCTSServiceError,
    ModelFault,
    ReplicaLost,
)
from mcts_service.planning import MCTS, CancelFlag, SearchConfig
from mcts_service.service.entry import ModelEntry
from mcts_service.service.margin import ReplyClock
from mcts_service.service.pool import Pool
from mcts_service.service.query import PlanOutcome, PlanQuery
from mcts_service.service.violations import prefixed

__all__ = ["Engine"]

#: Planners that are kept for requests that change the search's settings; each holds memory.
_MAX_SPECIAL_PLANNERS = 8


class Engine:
    """Plans for many callers at once.

    Native models share a pool of threads: they search without the GIL. A model written in
    Python has a pool of one thread, because nothing says that its object may be used by two.
    """

    def __init__(
        self, entries: Iterable[ModelEntry], *, workers: int, max_waiting: int, clock: ReplyClock
    ) -> None:
        """Starts the threads.

        Args:
          entries: the models that may be asked for.
          workers: native searches that run at once.
          max_waiting: searches that may wait, in each pool.
          clock: says how long before a caller's deadline a search must end.
        """
        self._clock = clock
        self._shared = Pool("search", workers, max_waiting)
        self._own = {
            entry: Pool(f"search-{entry.name}", 1, max_waiting)
            for entry in entries
            if not entry.is_thread_safe
        }
        self._jobs: dict[Future[PlanOutcome], tuple[Pool, CancelFlag]] = {}
        self._stopping = False
        self._default_planner = cache(_build_planner)
        self._special_planner = lru_cache(maxsize=_MAX_SPECIAL_PLANNERS)(_build_planner)

    async def plan(self, query: PlanQuery) -> PlanOutcome:
        """Searches, when a thread is free.

        Cancelling the task that awaits this takes the search out of the queue, or stops it
        at its next simulation.

        Raises:
          Overloaded: no room to wait.
          ReplicaLost: the engine was stopped before one simulation was done.
          DeadlineExpired: not one simulation fits in the time.
          InvalidRequest, TerminalState, NoLegalAction, ModelFault: as `MCTS.plan`.
        """
        if self._stopping:
            raise _stopped()
        search_until = self._search_until(query)
        time_left = search_until - time.monotonic()
        if time_left <= 0:
            raise _too_late(query)
        cancel = CancelFlag()
        pool = self._own.get(query.model, self._shared)
        future = pool.submit(partial(self._search, query, search_until, cancel))
        loop = asyncio.get_running_loop()
        expiry = loop.call_later(time_left, pool.withdraw, future, _too_late(query))
        self._jobs[future] = (pool, cancel)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            cancel.cancel()
            raise
        except Cancelled as error:
            raise _stopped() from error
        finally:
            expiry.cancel()
            del self._jobs[future]

    def stop_searches(self) -> None:
        """Ends what runs with the plan so far, and what waits or comes with ReplicaLost."""
        self._stopping = True
        for future, (pool, cancel) in self._jobs.items():
            cancel.cancel()
            pool.withdraw(future, _stopped())

    def close(self) -> None:
        """Lets the threads end."""
        for pool in (self._shared, *self._own.values()):
            pool.close()

    def _search_until(self, query: PlanQuery) -> float:
        """When the search must have ended, in seconds of time.monotonic()."""
        assert query.budget.time_limit is not None
        limit = query.received + query.budget.time_limit
        if query.reply_by is None:
            return limit
        given = query.reply_by - query.received
        return min(limit, query.reply_by - self._clock.margin(given))

    def _planner(self, entry: ModelEntry, config: SearchConfig) -> MCTS:
        if config == entry.config:
            return self._default_planner(entry, config)
        with prefixed("options."):
            return self._special_planner(entry, config)

    def _search(self, query: PlanQuery, search_until: float, cancel: CancelFlag) -> PlanOutcome:
        """One search, in a thread of a pool."""
        started = time.monotonic()
        seed = secrets.randbits(64) if query.seed is None else query.seed
        try:
            planner = self._planner(query.model, query.config)
            state = query.read_state()
            time_left = search_until - time.monotonic()
            if time_left <= 0:
                raise _too_late(query)
            plan = planner.plan(
                state,
                replace(query.budget, time_limit=time_left),
                horizon=query.horizon,
                seed=seed,
                allowed_actions=query.allowed_actions,
                cancel=cancel,
            )
            planner.forget()
        except MCTSServiceError:
            raise
        # A model may raise anything, SystemExit too: it belongs to its request, and asyncio
        # would end the server over some of them.
        except BaseException as error:
            raise ModelFault(f"a search of {query.model.name} failed") from error
        return PlanOutcome(plan, queue_time=started - query.received, finished=time.monotonic())


def _build_planner(entry: ModelEntry, config: SearchConfig) -> MCTS:
    return MCTS(entry.model, config)


def _too_late(query: PlanQuery) -> DeadlineExpired:
    return DeadlineExpired(
        f"not one simulation of {query.model.name} fitted in the time that was given"
    )


def _stopped() -> ReplicaLost:
    return ReplicaLost("the server is shutting down and has not planned; try again")

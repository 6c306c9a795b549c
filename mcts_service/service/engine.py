"""Runs searches: where, when, and until when."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import Any, TypeVar

from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    MCTSServiceError,
    ModelFault,
    ReplicaLost,
)
from mcts_service.planning import MCTS, Budget, CancelFlag, SearchConfig
from mcts_service.service.actions import travelling
from mcts_service.service.entry import ModelEntry
from mcts_service.service.margin import ReplyClock
from mcts_service.service.plan_rows import plan_rows
from mcts_service.service.pool import Pool
from mcts_service.service.query import BatchOutcome, BatchQuery, PlanOutcome, PlanQuery, Query
from mcts_service.service.violations import prefixed

__all__ = ["Engine"]

#: Planners that are kept for requests that change the search's settings; each holds memory.
_MAX_SPECIAL_PLANNERS = 8

Outcome = TypeVar("Outcome")


class Engine:
    """Plans for many callers at once.

    Native models share a pool of threads: they search without the GIL. A model written in
    Python has a pool of one thread, because nothing says that its object may be used by two.
    """

    def __init__(
        self,
        entries: Iterable[ModelEntry],
        *,
        workers: int,
        max_waiting: int,
        clock: ReplyClock,
        batch_clock: ReplyClock | None = None,
    ) -> None:
        """Starts the threads.

        Args:
          entries: the models that may be asked for.
          workers: native searches that run at once.
          max_waiting: searches that may wait, in each pool.
          clock: says how long before a caller's deadline a search must end.
          batch_clock: the same of a batch, whose replies take longer; None: the same one.
        """
        self._clock = clock
        self._batch_clock = batch_clock or clock
        self._shared = Pool("search", workers, max_waiting)
        self._own = {
            entry: Pool(f"search-{entry.name}", 1, max_waiting)
            for entry in entries
            if not entry.is_thread_safe
        }
        self._jobs: dict[Future[Any], tuple[Pool, CancelFlag]] = {}
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
        return await self._run(query, self._clock, self._search)

    async def plan_batch(self, query: BatchQuery) -> BatchOutcome:
        """Searches from every row, as one job when a thread is free.

        Cancelling is as of `plan`. What is wrong with a row is its entry in the outcome.

        Raises:
          Overloaded: no room to wait.
          ReplicaLost, DeadlineExpired: as of `plan`, if no row has a plan.
          InvalidRequest, ModelFault: of the call as a whole.
        """
        return await self._run(query, self._batch_clock, self._search_batch)

    async def _run(
        self,
        query: Query,
        clock: ReplyClock,
        search: Callable[[Any, float, CancelFlag], Outcome],
    ) -> Outcome:
        """Has a search done by the model's pool, and sees to its end.

        Args:
          search: does it, given the query, when it must end and what cancels it.
        """
        if self._stopping:
            raise _stopped()
        search_until = _search_until(query, clock)
        time_left = search_until - time.monotonic()
        if time_left <= 0:
            raise _too_late(query)
        cancel = CancelFlag()
        pool = self._own.get(query.model, self._shared)
        future = pool.submit(partial(_run_model, query, search, search_until, cancel))
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

    def _planner(self, entry: ModelEntry, config: SearchConfig) -> MCTS:
        if config == entry.config:
            return self._default_planner(entry, config)
        with prefixed("options."):
            return self._special_planner(entry, config)

    def _search(self, query: PlanQuery, search_until: float, cancel: CancelFlag) -> PlanOutcome:
        """One search, in a thread of a pool."""
        started = time.monotonic()
        seed = secrets.randbits(64) if query.seed is None else query.seed
        planner = self._planner(query.model, query.config)
        state = query.read_state()
        allowed = None if query.read_allowed_actions is None else query.read_allowed_actions()
        plan = planner.plan(
            state,
            _budget_until(query, search_until),
            horizon=query.horizon,
            seed=seed,
            allowed_actions=allowed,
            cancel=cancel,
        )
        planner.forget()
        return PlanOutcome(
            travelling(query.model, plan),
            queue_time=started - query.received,
            finished=time.monotonic(),
        )

    def _search_batch(
        self, query: BatchQuery, search_until: float, cancel: CancelFlag
    ) -> BatchOutcome:
        """The searches of all rows, in a thread of a pool."""
        started = time.monotonic()
        seeds = query.seeds or [secrets.randbits(64) for _ in query.rows]
        planner = self._planner(query.model, query.config)
        budget_left = partial(_budget_until, query, search_until)
        plans = plan_rows(planner, query, budget_left, seeds, cancel)
        planner.forget()
        finished = time.monotonic()
        return BatchOutcome(
            plans=[_stopped() if isinstance(plan, Cancelled) else plan for plan in plans],
            seeds=seeds,
            queue_time=started - query.received,
            search_time=finished - started,
            finished=finished,
        )


def _run_model(
    query: Query,
    search: Callable[[Any, float, CancelFlag], Outcome],
    search_until: float,
    cancel: CancelFlag,
) -> Outcome:
    """A search, whatever its model raises as an error of this service."""
    try:
        return search(query, search_until, cancel)
    except MCTSServiceError:
        raise
    # A model may raise anything, SystemExit too: it belongs to its request, and asyncio
    # would end the server over some of them.
    except BaseException as error:
        raise ModelFault(f"a search of {query.model.name} failed") from error


def _search_until(query: Query, clock: ReplyClock) -> float:
    """When the search must have ended, in seconds of time.monotonic()."""
    assert query.budget.time_limit is not None
    limit = query.received + query.budget.time_limit
    if query.reply_by is None:
        return limit
    given = query.reply_by - query.received
    return min(limit, query.reply_by - clock.margin(given))


def _budget_until(query: Query, search_until: float) -> Budget:
    """The query's budget with the time that is left of it.

    Raises:
      DeadlineExpired: none is.
    """
    time_left = search_until - time.monotonic()
    if time_left <= 0:
        raise _too_late(query)
    return replace(query.budget, time_limit=time_left)


def _build_planner(entry: ModelEntry, config: SearchConfig) -> MCTS:
    return MCTS(entry.model, config)


def _too_late(query: Query) -> DeadlineExpired:
    return DeadlineExpired(
        f"not one simulation of {query.model.name} fitted in the time that was given"
    )


def _stopped() -> ReplicaLost:
    return ReplicaLost("the server is shutting down and has not planned; try again")

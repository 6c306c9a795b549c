"""Runs searches: where, when, and until when."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    MCTSServiceError,
    ReplicaLost,
)
from mcts_service.planning import CancelFlag, Plan, UnfinishedPlan
from mcts_service.service.actions import travelling
from mcts_service.service.at_once import AT_ONCE_SECONDS, LoopShare
from mcts_service.service.begun_search import BegunSearch
from mcts_service.service.entry import ModelEntry
from mcts_service.service.margin import ReplyClock
from mcts_service.service.plan_arguments import (
    budget_until,
    fault,
    new_seed,
    plan_arguments,
    search_until,
    stopped,
    too_late,
)
from mcts_service.service.plan_rows import plan_rows
from mcts_service.service.planners import Planners, TimedPlanner
from mcts_service.service.pool import Pool
from mcts_service.service.query import BatchOutcome, BatchQuery, PlanOutcome, PlanQuery, Query
from mcts_service.service.watching import Sink, watched_search

__all__ = ["Engine"]

#: Of the time that a search is expected to take at most, until it leaves the event loop.
_PATIENCE = 2.0

Outcome = TypeVar("Outcome")


class Engine:
    """Plans for many callers at once.

    Native models share a pool of threads: they search without the GIL. A model written in
    Python has a pool of one thread, because nothing says that its object may be used by two.

    A short search of a native model crosses no thread: where searches of as many simulations
    have been short so far, it is run at once, and only its rest goes to the pool.
    """

    def __init__(
        self,
        entries: Iterable[ModelEntry],
        *,
        workers: int,
        max_waiting: int,
        at_once_seconds: float = AT_ONCE_SECONDS,
        clock: ReplyClock,
        batch_clock: ReplyClock | None = None,
    ) -> None:
        """Starts the threads.

        Args:
          entries: the models that may be asked for.
          workers: native searches that run at once.
          max_waiting: searches that may wait, in each pool.
          at_once_seconds: what a search that is run at once may be expected to take; 0: none is.
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
        self._planners = Planners()
        self._at_once_seconds, self._loop_share = at_once_seconds, LoopShare()

    async def plan(self, query: PlanQuery) -> PlanOutcome:
        """Searches, at once or when a thread is free.

        Cancelling the task that awaits this takes the search out of the queue, or stops it
        at its next simulation.

        Raises:
          Overloaded: no room to wait.
          ReplicaLost: the engine was stopped before one simulation was done.
          DeadlineExpired: not one simulation fits in the time.
          InvalidRequest, TerminalState, NoLegalAction, ModelFault: as `MCTS.plan`.
        """
        planner = self._planner_at_once(query)
        if planner is None:
            return await self._run(query, self._clock, self._search)
        begun = self._begin(query, planner)
        if isinstance(begun, PlanOutcome):
            return begun
        return await self._finish(query, begun)

    async def watch(self, query: PlanQuery, every: float | None, sink: Sink) -> PlanOutcome:
        """As `plan`, when a thread is free, and tells a sink of the plans on the way.

        Args:
          every: seconds from one to the next, or None, as of `MCTS.watch`.
          sink: called where the search runs.
        """
        search = partial(watched_search, self._planners, every, sink)
        return await self._run(query, self._clock, search)

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
        cancel: CancelFlag | None = None,
    ) -> Outcome:
        """Has a search done by the model's pool, and sees to its end.

        Args:
          search: does it, given the query, when it must end and what cancels it.
          cancel: of a search that has begun.
        """
        if self._stopping:
            raise stopped()
        end_by = search_until(query, clock)
        time_left = end_by - time.monotonic()
        if time_left <= 0:
            raise too_late(query)
        cancel = cancel or CancelFlag()
        pool = self._own.get(query.model, self._shared)
        future = pool.submit(partial(_run_model, query, search, end_by, cancel))
        loop = asyncio.get_running_loop()
        expiry = loop.call_later(time_left, pool.withdraw, future, too_late(query))
        self._jobs[future] = (pool, cancel)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            cancel.cancel()
            raise
        except Cancelled as error:
            raise stopped() from error
        finally:
            expiry.cancel()
            del self._jobs[future]

    def stop_searches(self) -> None:
        """Ends what runs with the plan so far, and what waits or comes with ReplicaLost."""
        self._stopping = True
        for future, (pool, cancel) in self._jobs.items():
            cancel.cancel()
            pool.withdraw(future, stopped())

    def close(self) -> None:
        """Lets the threads end."""
        for pool in (self._shared, *self._own.values()):
            pool.close()

    # ---- at once

    def _planner_at_once(self, query: PlanQuery) -> TimedPlanner | None:
        """The planner of a search that is to be run at once; None: by a thread."""
        simulations = query.budget.simulations
        if simulations is None or not query.is_read or not query.model.is_prompt:
            return None
        shares = query.config.in_flight > 1 or query.config.threads > 1
        if shares or not self._loop_share.allows(query.received):
            return None
        planner = self._planners.known(query.model, query.config)
        if planner is None or planner.times.expected(simulations) >= self._at_once_seconds:
            return None
        return planner

    def _begin(self, query: PlanQuery, planner: TimedPlanner) -> PlanOutcome | BegunSearch:
        """Searches for a short time, in the thread of the event loop."""
        if self._stopping:
            raise stopped()
        started = time.monotonic()
        cancel = CancelFlag()
        arguments = plan_arguments(query, search_until(query, self._clock), cancel)
        seconds = _PATIENCE * self._at_once_seconds
        try:
            plan = planner.mcts.plan_at_once(query.read_state(), seconds=seconds, **arguments)
            if isinstance(plan, UnfinishedPlan):
                plan = _with_more_patience(plan, seconds)
        except MCTSServiceError:
            raise
        except Exception as error:
            raise fault(query) from error
        finally:
            finished = time.monotonic()
            self._loop_share.spend(finished, finished - started)
        simulations = arguments["budget"].simulations
        if isinstance(plan, UnfinishedPlan):
            planner.times.observe(simulations, math.inf)
            return BegunSearch(plan, started, cancel)
        planner.times.observe(simulations, finished - started)
        return PlanOutcome(plan, started - query.received, finished)

    async def _finish(self, query: PlanQuery, begun: BegunSearch) -> PlanOutcome:
        """Has a pool do what is left of a search."""
        try:
            return await self._run(query, self._clock, begun.finish, begun.cancel)
        except (DeadlineExpired, ReplicaLost):
            if begun.is_taken:
                raise
            # It has waited until its end, but may have simulations from before.
            with contextlib.suppress(Cancelled):
                return _run_model(query, begun.finish, 0.0, begun.cancel)
            raise

    # ---- in the threads of a pool

    def _search(self, query: PlanQuery, end_by: float, cancel: CancelFlag) -> PlanOutcome:
        """One search."""
        started = time.monotonic()
        planner = self._planners.get(query.model, query.config)
        state = query.read_state()
        cpu_started = time.thread_time()
        plan = planner.mcts.plan(state, **plan_arguments(query, end_by, cancel))
        if query.budget.simulations is not None and plan.deterministic:
            # A search that was cut short says nothing.
            planner.times.observe(query.budget.simulations, time.thread_time() - cpu_started)
        return PlanOutcome(
            travelling(query.model, plan),
            queue_time=started - query.received,
            finished=time.monotonic(),
        )

    def _search_batch(self, query: BatchQuery, end_by: float, cancel: CancelFlag) -> BatchOutcome:
        """The searches of all rows."""
        started = time.monotonic()
        seeds = query.seeds or [new_seed() for _ in query.rows]
        planner = self._planners.get(query.model, query.config).mcts
        budget_left = partial(budget_until, query, end_by)
        plans = plan_rows(planner, query, budget_left, seeds, cancel)
        finished = time.monotonic()
        for row, error in plans.errors.items():
            if isinstance(error, Cancelled):
                plans.errors[row] = stopped()
        return BatchOutcome(
            plans=plans,
            seeds=seeds,
            queue_time=started - query.received,
            search_time=finished - started,
            finished=finished,
        )


def _with_more_patience(plan: UnfinishedPlan, seconds: float) -> Plan | UnfinishedPlan:
    """Goes on for half as long of this thread's time: others may have had the CPU until now."""
    cpu_started = time.thread_time()
    rest: Plan | UnfinishedPlan = plan
    while isinstance(rest, UnfinishedPlan) and time.thread_time() - cpu_started < seconds / 2:
        rest = rest.go_on(seconds / 2)
    return rest


def _run_model(
    query: Query,
    search: Callable[[Any, float, CancelFlag], Outcome],
    end_by: float,
    cancel: CancelFlag,
) -> Outcome:
    """A search, whatever its model raises as an error of this service."""
    try:
        return search(query, end_by, cancel)
    except MCTSServiceError:
        raise
    # A model may raise anything, SystemExit too: it belongs to its request, and asyncio
    # would end the server over some of them.
    except BaseException as error:
        raise fault(query) from error

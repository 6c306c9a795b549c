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
from mcts_service.service.admission import GREATEST_PRIORITY
from mcts_service.service.at_once import AT_ONCE_SECONDS, LoopShare
from mcts_service.service.begun_search import BegunSearch
from mcts_service.service.entry import ModelEntry
from mcts_service.service.host_times import HostTimes
from mcts_service.service.in_process import InProcess, run_model
from mcts_service.service.margin import ReplyClock, ReplyClocks
from mcts_service.service.memory_limit import MemoryLimit
from mcts_service.service.observer import EngineState, QueueState
from mcts_service.service.plan_arguments import (
    fault,
    plan_arguments,
    search_until,
    stopped,
    too_late,
)
from mcts_service.service.planners import TimedPlanner
from mcts_service.service.pool import Pool
from mcts_service.service.query import BatchOutcome, BatchQuery, PlanOutcome, PlanQuery, Query
from mcts_service.service.search_host import SearchHost, Sink
from mcts_service.service.sessions import Sessions

__all__ = ["Engine"]

#: Of the time that a search is expected to take at most, until it leaves the event loop.
_PATIENCE = 2.0

Outcome = TypeVar("Outcome")


class Engine:
    """Plans for many callers at once.

    Native models share a pool of threads: they search without the GIL. A model that has a host
    of its own, such as worker processes, has a pool of threads that wait for it. A model written
    in Python that has none has a pool of one thread, because nothing says that its object may be
    used by two, and one that is elsewhere some, as its plans mostly wait.

    A short search of a native model crosses no thread: where searches of as many simulations
    have been short so far, it is run at once, and only its rest goes to the pool.

    Attributes:
      sessions: the trees that are kept from request to request.
    """

    def __init__(
        self,
        entries: Iterable[ModelEntry],
        *,
        workers: int,
        max_waiting: int,
        max_priority: int = GREATEST_PRIORITY,
        max_total_bytes: int | None = None,
        at_once_seconds: float = AT_ONCE_SECONDS,
        clocks: ReplyClocks,
        batch_clocks: ReplyClocks | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        """Starts what runs the searches; threads start as they are needed.

        Args:
          entries: the models that may be asked for; their hosts are the engine's from now on.
          workers: native searches that run at once.
          max_waiting: searches that may wait, in each pool.
          max_priority: a request with a higher one has this.
          max_total_bytes: of the trees of all that runs and waits; None: no limit.
          at_once_seconds: what a search that is run at once may be expected to take; 0: none is.
          clocks: say how long before a caller's deadline a search must end.
          batch_clocks: the same of a batch, whose replies take longer; None: the same ones.
          sessions: keeps trees from request to request; None: by its own limits.
        """
        self._clocks = clocks
        self._batch_clocks = batch_clocks or clocks
        self._shared = Pool("search", workers, max_waiting)
        self.sessions = sessions or Sessions()
        self._here = InProcess(self.sessions)
        self._own = {
            entry: Pool(f"search-{entry.name}", _plans_at_once(entry), max_waiting)
            for entry in entries
            if entry.host or not entry.is_thread_safe
        }
        self._max_priority, self._memory = max_priority, MemoryLimit(max_total_bytes)
        self._jobs: dict[Future[Any], tuple[Pool, CancelFlag]] = {}
        self._stopping = False
        self._planners, self._host_times = self._here.planners, HostTimes()
        self._at_once_seconds, self._loop_share = at_once_seconds, LoopShare()

    async def plan(self, query: PlanQuery) -> PlanOutcome:
        """Searches, at once or when a thread is free.

        Cancelling the task that awaits this takes the search out of the queue, or stops it
        at its next simulation.

        Raises:
          Overloaded: no room or no time to wait, or another came first.
          BudgetTooLarge: its tree may take more than all trees together.
          ReplicaLost: the engine was stopped before one simulation was done.
          DeadlineExpired: not one simulation fits in the time.
          InvalidRequest, TerminalState, NoLegalAction, ModelFault: as `MCTS.plan`.
        """
        planner, expected_seconds = self._known(query)
        if planner is None or not self._runs_at_once(query, planner, expected_seconds):
            search = self._host(query.model).plan
            return await self._searched(query, search, expected_seconds)
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
        search = partial(self._host(query.model).watch, every, sink)
        _, expected_seconds = self._known(query)
        outcome = await self._searched(query, search, expected_seconds)
        # Not when it is sent: its reader may be slow, and says nothing of others.
        late = time.monotonic() - outcome.finished
        self._clocks.of(query.model.name).observe(late, was_cut=outcome.was_cut)
        return outcome

    async def plan_batch(self, query: BatchQuery) -> BatchOutcome:
        """Searches from every row, as one job when a thread is free.

        Cancelling is as of `plan`. What is wrong with a row is its entry in the outcome.

        Raises:
          Overloaded, BudgetTooLarge: as of `plan`.
          ReplicaLost, DeadlineExpired: as of `plan`, if no row has a plan.
          InvalidRequest, ModelFault: of the call as a whole.
        """
        clock = self._batch_clocks.of(query.model.name)
        return await self._run(query, clock, self._host(query.model).plan_batch)

    async def _searched(
        self,
        query: PlanQuery,
        search: Callable[[Any, float, CancelFlag], PlanOutcome],
        expected_seconds: float,
    ) -> PlanOutcome:
        """Has one plan made by the model's pool, and notes what it took; as `_run`."""
        clock = self._clocks.of(query.model.name)
        outcome = await self._run(query, clock, search, expected_seconds)
        plan, simulations = outcome.plan, query.budget.simulations
        if simulations is not None and plan.deterministic and not plan.reused_simulations:
            self._host_times.observe(query, plan.search_time)
        return outcome

    async def _run(
        self,
        query: Query,
        clock: ReplyClock,
        search: Callable[[Any, float, CancelFlag], Outcome],
        expected_seconds: float = math.inf,
        cancel: CancelFlag | None = None,
    ) -> Outcome:
        """Has a search done by the model's pool.

        Args:
          search: does it, given the query, when it must end and what cancels it.
          expected_seconds: what it will take; infinite: not known.
          cancel: of a search that has begun.
        """
        if self._stopping:
            raise stopped()
        end_by = search_until(query, clock)
        if time.monotonic() >= end_by:
            raise too_late(query)
        cancel = cancel or self._host(query.model).new_cancel()
        pool = self._own.get(query.model, self._shared)
        release = self._memory.reserve(query)
        try:
            future = pool.submit(
                partial(_run_in_time, query, search, end_by, cancel),
                caller=query.caller,
                priority=min(query.priority, self._max_priority),
                due=end_by,
                seconds=expected_seconds,
            )
        except BaseException:
            release()
            raise
        # When it has ended: whoever waits for it may have gone before.
        future.add_done_callback(lambda _: release())
        try:
            return await self._end(query, pool, future, end_by, cancel)
        except asyncio.CancelledError:
            late = time.monotonic() - end_by
            if late > 0:
                # Nobody waits any longer for a search that was to have ended by now.
                clock.observe(late, was_cut=True)
            raise

    async def _end(
        self,
        query: Query,
        pool: Pool,
        future: Future[Outcome],
        end_by: float,
        cancel: CancelFlag,
    ) -> Outcome:
        """Sees to the end of what a pool does."""
        loop, time_left = asyncio.get_running_loop(), end_by - time.monotonic()
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

    def state(self) -> EngineState:
        """What waits, what runs and what is kept at this moment. From any thread."""
        states = [pool.state() for pool in (self._shared, *self._own.values())]
        hosts = {entry.name: entry.host for entry in self._own if entry.host is not None}
        return EngineState(
            QueueState(
                waiting=sum(state.waiting for state in states),
                running=sum(state.running for state in states),
                oldest_seconds=max(state.oldest_seconds for state in states),
            ),
            workers={name: host.worker_state() for name, host in hosts.items()},
            sessions=self.sessions.count,
            session_bytes=self.sessions.bytes,
        )

    def close(self) -> None:
        """Lets the threads end, all sessions, and the hosts of models."""
        self.sessions.close()
        for pool in (self._shared, *self._own.values()):
            pool.close()
        for entry in self._own:
            self._host(entry).close()

    def _host(self, entry: ModelEntry) -> SearchHost:
        return entry.host or self._here

    # ---- at once

    def _known(self, query: PlanQuery) -> tuple[TimedPlanner | None, float]:
        """The planner of a search, if it is there, and what the search will take."""
        simulations = query.budget.simulations
        if simulations is None:
            return None, math.inf
        if self._host_times.counts(query):
            return None, self._host_times.expected(query, simulations)
        planner = self._planners.known(query.model, query.config)
        return planner, math.inf if planner is None else planner.times.expected(simulations)

    def _runs_at_once(
        self, query: PlanQuery, planner: TimedPlanner, expected_seconds: float
    ) -> bool:
        """Whether a search is to be run at once, and not by a thread."""
        if expected_seconds >= self._at_once_seconds or not query.is_read:
            return False
        shares = query.config.in_flight > 1 or query.config.threads > 1
        if shares or not query.model.is_prompt:
            return False
        if not self.sessions.is_small(query):
            return False
        return self._loop_share.allows(query.received, query.caller)

    def _begin(self, query: PlanQuery, planner: TimedPlanner) -> PlanOutcome | BegunSearch:
        """Searches for a short time, in the thread of the event loop."""
        if self._stopping:
            raise stopped()
        started = time.monotonic()
        cancel = CancelFlag()
        end_by = search_until(query, self._clocks.of(query.model.name))
        arguments = plan_arguments(query, end_by, cancel)
        seconds = _PATIENCE * self._at_once_seconds
        try:
            mcts, tree = self.sessions.of(query, planner.mcts)
            plan = mcts.plan_at_once(query.read_state(), seconds=seconds, tree=tree, **arguments)
            if isinstance(plan, UnfinishedPlan):
                plan = _with_more_patience(plan, seconds)
        except MCTSServiceError:
            raise
        except Exception as error:
            raise fault(query) from error
        finally:
            finished = time.monotonic()
            # What is beyond its patience the system took, and no caller is to pay for that.
            spent = min(finished - started, 2 * seconds)
            self._loop_share.spend(finished, spent, query.caller)
            self._shared.charge(query.caller, spent)
        simulations = arguments["budget"].simulations
        if isinstance(plan, UnfinishedPlan):
            planner.times.observe(simulations, math.inf)
            return BegunSearch(plan, started, end_by, cancel)
        if not plan.reused_simulations:  # which says nothing of searches that begin afresh
            planner.times.observe(simulations, finished - started)
        queue_time = started - query.received
        return PlanOutcome(plan, queue_time, min(finished, end_by), finished >= end_by)

    async def _finish(self, query: PlanQuery, begun: BegunSearch) -> PlanOutcome:
        """Has a pool do what is left of a search."""

        def finish(query: PlanQuery, end_by: float, cancel: CancelFlag) -> PlanOutcome:
            return run_model(query, begun.finish, end_by, cancel)

        try:
            clock = self._clocks.of(query.model.name)
            return await self._run(query, clock, finish, cancel=begun.cancel)
        except (DeadlineExpired, ReplicaLost):
            if begun.is_taken:
                raise
            # It has waited until its end, but may have simulations from before.
            with contextlib.suppress(Cancelled):
                return finish(query, 0.0, begun.cancel)
            raise


def _plans_at_once(entry: ModelEntry) -> int:
    """Threads that wait for searches of a model that has a pool of its own."""
    return entry.plans_at_once if entry.host is None else entry.host.capacity


def _with_more_patience(plan: UnfinishedPlan, seconds: float) -> Plan | UnfinishedPlan:
    """Goes on for half as long of this thread's time: others may have had the CPU until now."""
    cpu_started = time.thread_time()
    rest: Plan | UnfinishedPlan = plan
    while isinstance(rest, UnfinishedPlan) and time.thread_time() - cpu_started < seconds / 2:
        rest = rest.go_on(seconds / 2)
    return rest


def _run_in_time(
    query: Query,
    search: Callable[[Any, float, CancelFlag], Outcome],
    end_by: float,
    cancel: CancelFlag,
) -> Outcome:
    """A search; what has expired while it waited is never run."""
    if time.monotonic() >= end_by:
        raise too_late(query)
    return search(query, end_by, cancel)

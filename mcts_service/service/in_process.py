"""Searches in the threads of this process: `InProcess`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from mcts_service.errors import Cancelled, MCTSServiceError
from mcts_service.planning import CancelFlag, Plan, Plans
from mcts_service.planning.together import run_here
from mcts_service.service.actions import travelling
from mcts_service.service.observer import WorkerState
from mcts_service.service.plan_arguments import (
    budget_until,
    fault,
    new_seed,
    plan_arguments,
    stopped,
)
from mcts_service.service.plan_rows import plan_rows
from mcts_service.service.planners import Planners
from mcts_service.service.query import BatchOutcome, BatchQuery, PlanOutcome, PlanQuery, Query
from mcts_service.service.search_host import Sink
from mcts_service.service.sessions import Sessions

__all__ = ["InProcess", "batch_outcome", "plan_outcome", "run_model", "session_of"]

Outcome = TypeVar("Outcome")


class InProcess:
    """Searches in the thread that asks; a `SearchHost` for models that are in this process.

    Attributes:
      planners: of the models.
      sessions: the trees that are kept.
      capacity: of a host of its own; the models that share this one have their entries' numbers.
    """

    capacity = 1

    def __init__(self, sessions: Sessions) -> None:
        """`sessions`: where trees are kept from request to request."""
        self.planners, self.sessions = Planners(), sessions

    def new_cancel(self) -> CancelFlag:
        """What ends one search, from any thread."""
        return CancelFlag()

    def plan(self, query: PlanQuery, end_by: float, cancel: CancelFlag) -> PlanOutcome:
        """One search; see `SearchHost`."""
        return run_model(query, self._search, end_by, cancel)

    def watch(
        self,
        every: float | None,
        sink: Sink,
        query: PlanQuery,
        end_by: float,
        cancel: CancelFlag,
    ) -> PlanOutcome:
        """One search, and what it comes to on its way; see `SearchHost`."""
        return run_model(query, partial(self._watched, every, sink), end_by, cancel)

    def plan_batch(self, query: BatchQuery, end_by: float, cancel: CancelFlag) -> BatchOutcome:
        """The searches of all rows; see `SearchHost`."""
        return run_model(query, self._search_batch, end_by, cancel)

    def worker_state(self) -> WorkerState:
        """There are none."""
        return WorkerState()

    def close(self) -> None:
        """Nothing is left to end."""

    def _search(self, query: PlanQuery, end_by: float, cancel: CancelFlag) -> PlanOutcome:
        started = time.monotonic()
        planner = self.planners.get(query.model, query.config, session_of(query))
        state = query.read_state()
        cpu_started = time.thread_time()
        mcts, tree = self.sessions.of(query, planner.mcts)
        plan = mcts.plan(state, tree=tree, **plan_arguments(query, end_by, cancel))
        finished = time.monotonic()
        if query.budget.simulations is not None and plan.deterministic:
            # A search that was cut short says nothing. One in Python waits for its turn, and
            # perhaps for others, as the next one will.
            seconds = finished - started
            if query.model.is_thread_safe:
                seconds = time.thread_time() - cpu_started
            planner.times.observe(query.budget.simulations, seconds)
        return plan_outcome(query, plan, started, end_by)

    def _watched(
        self,
        every: float | None,
        sink: Sink,
        query: PlanQuery,
        end_by: float,
        cancel: CancelFlag,
    ) -> PlanOutcome:
        started = time.monotonic()
        planner = self.planners.get(query.model, query.config, session_of(query)).mcts
        state = query.read_state()
        mcts, tree = self.sessions.of(query, planner)
        arguments = plan_arguments(query, end_by, cancel)
        for plan in mcts.watch(state, every=every, tree=tree, **arguments):
            outcome = plan_outcome(query, plan, started, end_by)
            if not plan.is_final:
                sink(outcome)
        return outcome

    def _search_batch(self, query: BatchQuery, end_by: float, cancel: CancelFlag) -> BatchOutcome:
        started = time.monotonic()
        seeds = query.seeds or [new_seed() for _ in query.rows]
        planner = self.planners.get(query.model, query.config).mcts
        budget_left = partial(budget_until, query, end_by)
        with planner.turn:
            plans = run_here(plan_rows(planner, query, budget_left, seeds, cancel))
        return batch_outcome(query, plans, seeds, started, end_by)


def session_of(query: PlanQuery) -> str:
    """The session of a query among those of all callers; empty: of none."""
    return f"{query.caller} {query.session_id}" if query.session_id else ""


def batch_outcome(
    query: BatchQuery, plans: Plans, seeds: Sequence[int], started: float, end_by: float
) -> BatchOutcome:
    """What has come, just now, of the searches of a batch that began at that time."""
    finished = time.monotonic()
    for row, error in plans.errors.items():
        if isinstance(error, Cancelled):
            plans.errors[row] = stopped()
    return BatchOutcome(
        plans=plans,
        seeds=seeds,
        queue_time=started - query.received,
        search_time=finished - started,
        finished=min(finished, end_by),
        was_cut=finished >= end_by,
    )


def plan_outcome(query: PlanQuery, plan: Plan, started: float, end_by: float) -> PlanOutcome:
    """What has come, just now, of a search that began at that time."""
    finished = time.monotonic()
    return PlanOutcome(
        travelling(query.model, plan),
        queue_time=started - query.received,
        finished=min(finished, end_by),
        was_cut=finished >= end_by,
    )


def run_model(
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

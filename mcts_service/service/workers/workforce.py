"""The searches of one model in processes of its own: `Workforce`."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mcts_service.errors import (
    BudgetTooLarge,
    Cancelled,
    InvalidRequest,
    MCTSServiceError,
    ModelFault,
    ReplicaLost,
)
from mcts_service.planning import CancelFlag
from mcts_service.service.entry import ModelEntry
from mcts_service.service.observer import WorkerState
from mcts_service.service.plan_arguments import fault, new_seed, too_late
from mcts_service.service.query import BatchOutcome, BatchQuery, PlanOutcome, PlanQuery, Query
from mcts_service.service.search_host import Sink
from mcts_service.service.sessions import SessionLimits
from mcts_service.service.workers.cancel import JobCancel
from mcts_service.service.workers.conversation import WorkerEnded
from mcts_service.service.workers.homes import Homes
from mcts_service.service.workers.jobs import Job, JobKind, write_job
from mcts_service.service.workers.process import Culprit, Worker, WorkerNeverBegan
from mcts_service.service.workers.settings import WorkerSettings
from mcts_service.service.workers.staff import Staff
from mcts_service.service.workers.worker import write_order

__all__ = ["Workforce"]

#: All workers may end at the same time, and their successors; and a job may be too large for any.
_MORE_ATTEMPTS = 2
#: A job that takes more than one in so many bytes of a worker's memory might end it while it is
#: read.
_SHARE = 4


class Workforce:
    """A `SearchHost` whose searches are done, as a whole each, by worker processes.

    A worker of a model that answers in batches does its jobs together. Where it ends in the middle
    of them, and nobody knows by which, they are done again, apart: at the same time still, but each
    with calls of its own, so that the next end has a name.

    Whatever a model does there ends its own search: an error that it raises, and what it prints,
    comes from the worker; one that dies is replaced by a spare that has the model already; one
    that is silent for too long is killed. The model's code never runs in this process.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[], ModelEntry],
        settings: WorkerSettings,
        sessions: SessionLimits,
        *,
        subject: str = "model",
    ) -> None:
        """Starts the first worker, which builds the model.

        Args:
          name: of the model.
          build: gives it in service, in a worker; must be something that can be pickled.
          settings: how many workers, and their limits.
          sessions: what trees each worker may keep.
          subject: what an error of the building is about, unless `build` says so.
        Raises:
          InvalidRequest: `build` cannot be pickled.
        """
        try:
            order = write_order(build, sessions, settings)
        except Exception as error:
            raise InvalidRequest(
                subject, f"cannot be told to another process: {error}; isolation = thread needs not"
            ) from error
        self.settings = settings
        self._staff = Staff(name, subject, order, settings)
        self._numbers = itertools.count(1)
        self._homes = Homes(sessions.max_sessions)

    @property
    def capacity(self) -> int:
        """Searches that run at once."""
        return self.settings.replicas * self.settings.jobs_at_once(self.description())

    def worker_state(self) -> WorkerState:
        """Of the workers at this moment."""
        return self._staff.state()

    def description(self) -> ModelEntry:
        """The model in service, without the model; waits until it is built.

        Raises:
          InvalidRequest: it cannot be built.
        """
        return self._staff.description()

    def complete(self) -> None:
        """Starts all other workers."""
        self._staff.complete()

    def new_cancel(self) -> CancelFlag:
        """What ends one search, from any thread."""
        return JobCancel()

    def plan(self, query: PlanQuery, end_by: float, cancel: CancelFlag) -> PlanOutcome:
        """One search; see `SearchHost`.

        Raises:
          ReplicaLost: its worker was ended from outside, or there is none.
        """
        outcome: PlanOutcome = self._search("plan", _seeded(query), end_by, cancel)
        return outcome

    def watch(
        self,
        every: float | None,
        sink: Sink,
        query: PlanQuery,
        end_by: float,
        cancel: CancelFlag,
    ) -> PlanOutcome:
        """One search that tells of the plans on its way; see `SearchHost`."""
        outcome: PlanOutcome = self._search(
            "watch", _seeded(query), end_by, cancel, every=every, sink=sink
        )
        return outcome

    def plan_batch(self, query: BatchQuery, end_by: float, cancel: CancelFlag) -> BatchOutcome:
        """The searches of all rows; see `SearchHost`."""
        if not query.seeds:
            query = replace(query, seeds=[new_seed() for _ in query.rows])
        outcome: BatchOutcome = self._search("plan_batch", query, end_by, cancel)
        return outcome

    def close(self) -> None:
        """Ends all workers."""
        self._staff.close()

    def _search(
        self,
        kind: JobKind,
        query: Query,
        end_by: float,
        cancel: CancelFlag,
        *,
        every: float | None = None,
        sink: Sink | None = None,
    ) -> Any:
        assert isinstance(cancel, JobCancel)
        sink = None if sink is None else _onward(sink)
        job = Job(next(self._numbers), kind, query, end_by, every)
        try:
            data = write_job(job)
        except MCTSServiceError:
            raise
        except Exception as error:
            raise fault(query) from error
        most = self.settings.max_memory_bytes
        if 0 < most < _SHARE * len(data):
            raise BudgetTooLarge(
                f"the request takes {len(data):,} bytes, too many for a worker of model "
                f"{query.model.name}, which may hold {most:,} in all"
            )
        is_apart = False
        attempts = self.settings.replicas + self.settings.warm_spares + _MORE_ATTEMPTS
        while attempts > 0:
            worker = self._staff.lend(end_by, cancel, self._homes.of(query))
            if worker is None:
                raise too_late(query)
            try:
                reply = worker.run(job.number, data, end_by, cancel, sink, is_apart)
            except WorkerNeverBegan:
                self._staff.lose(worker)
                attempts -= worker.culprit(job.number) is Culprit.NOBODY
                continue
            except WorkerEnded:
                self._staff.lose(worker)
                culprit = worker.culprit(job.number)
                if culprit is Culprit.THIS or not self._is_worth_another(worker):
                    raise self._loss(worker, query, end_by, cancel) from None
                if cancel.cancelled:
                    raise Cancelled("cancelled") from None
                if time.monotonic() >= end_by:
                    raise too_late(query) from None
                # Another that has a name leaves. One of several gets a name when they are apart,
                # and is none of those that are.
                attempts -= culprit is Culprit.NOBODY
                is_apart = is_apart or culprit is Culprit.UNKNOWN
                continue
            except ModelFault:
                # Of a watched search, it may not have been the last reply.
                (self._staff.take_back if sink is None else self._staff.lose)(worker)
                raise
            self._staff.take_back(worker)
            self._homes.note(query, worker)
            if isinstance(reply.content, MCTSServiceError):
                raise reply.content
            return reply.content

        raise ReplicaLost(f"no worker of model {query.model.name} could take it up; try again")

    def _is_worth_another(self, worker: Worker) -> bool:
        """Whether a job whose worker has ended, not by its doing, is to be done again."""
        return self.capacity > self.settings.replicas and not self._was_ended(worker)

    def _was_ended(self, worker: Worker) -> bool:
        """Whether it was not the model that has ended a worker."""
        if worker.was_overdue:
            return False
        return self._staff.is_closed or worker.was_ended_from_outside

    def _loss(
        self, worker: Worker, query: Query, end_by: float, cancel: JobCancel
    ) -> MCTSServiceError:
        """Why a search has no reply."""
        if worker.was_overdue and cancel.cancelled:
            return Cancelled("cancelled")
        if worker.was_overdue and time.monotonic() >= end_by:
            return too_late(query)
        if worker.was_overdue:
            return ModelFault(f"a search of {query.model.name} has held up others for too long")
        if self._was_ended(worker):
            return ReplicaLost(f"a worker of model {query.model.name} was ended; try again")
        return ModelFault(
            f"a search of {query.model.name} has ended its worker {worker.how_it_ended()}"
        )


def _onward(sink: Sink) -> Sink:
    """The sink, but for what a search that is done again has told before."""
    told = 0

    def tell(outcome: PlanOutcome) -> None:
        nonlocal told
        if outcome.plan.simulations > told:
            told = outcome.plan.simulations
            sink(outcome)

    return tell


def _seeded(query: PlanQuery) -> PlanQuery:
    """With a seed: not of the worker's, as all workers are copies, of what draws seeds too."""
    return query if query.seed is not None else replace(query, seed=new_seed())

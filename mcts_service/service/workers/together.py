"""The jobs that a worker does at once, of a model that answers in batches: `JointJobs`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mcts_service.errors import Cancelled, InvalidRequest, MCTSServiceError, Overloaded
from mcts_service.planning import CancelFlag, ContinuousBatch, Plan
from mcts_service.service.in_process import batch_outcome, plan_outcome, session_of
from mcts_service.service.plan_arguments import (
    budget_until,
    fault,
    new_seed,
    plan_arguments,
    too_late,
)
from mcts_service.service.plan_rows import plan_rows
from mcts_service.service.planners import Planners
from mcts_service.service.query import BatchQuery, PlanOutcome, PlanQuery
from mcts_service.service.sessions import Sessions
from mcts_service.service.workers.jobs import Job
from mcts_service.service.workers.shared_state import NOBODY, SEVERAL, SharedState

__all__ = ["JointJobs"]

#: More join while a call of the model for each group takes no longer than this part of the time
#: after which a worker that overruns is killed: with twice as many it may take twice as long.
_ROUND_SHARE = 0.25
#: Seconds after which a job may be tried again that lacked memory.
_RETRY_SECONDS = 1.0


@dataclass(eq=False, slots=True)
class _Doing:
    """A job that has begun.

    Attributes:
      started: in seconds of time.monotonic().
      had_company: whether others were in progress meanwhile.
    """

    job: Job
    cancel: CancelFlag
    started: float
    had_company: bool


class JointJobs:
    """Does jobs together, in the thread that it belongs to.

    A job waits here while the model's calls take long for those that are in progress.

    Args:
      sessions: the trees that are kept.
      shared: with the server: told which jobs have begun, and whose turn it is.
      overrun_seconds: see `WorkerSettings`.
      is_confined: whether the memory of the process has a limit.
      tell: sends what a job comes to on its way.
    """

    def __init__(
        self,
        sessions: Sessions,
        shared: SharedState,
        *,
        overrun_seconds: float,
        is_confined: bool,
        tell: Callable[[int, PlanOutcome], None],
    ) -> None:
        self._planners, self._sessions = Planners(in_rows=True), sessions
        self._shared, self._tell, self._is_confined = shared, tell, is_confined
        self._longest_round = _ROUND_SHARE * overrun_seconds
        self._batch = ContinuousBatch(CancelFlag(shared.wake()), self._note_turn)
        self._waiting: deque[tuple[Job, CancelFlag]] = deque()
        self._doing: set[_Doing] = set()

    def __len__(self) -> int:
        """Jobs that are waiting or in progress."""
        return len(self._waiting) + len(self._batch)

    def add(self, job: Job) -> None:
        """Takes a job; its number comes back with what it comes to."""
        self._waiting.append((job, CancelFlag(self._shared.cancel_of(job.slot))))

    def run(self) -> list[tuple[int, Any]]:
        """Searches for a while; what jobs have come to, by their numbers, or their errors.

        Raises:
          BaseException: one that is no Exception, such as SystemExit, came out of a call for many.
            Nobody can say which of them it was for.
        """
        found = self._given_up()
        self._begin_more()
        made = self._batch.run(0.0) if self._waiting else self._batch.run()
        ends = [result for _, result in made if _is_end(result)]
        if len(ends) > 1:
            self._shared.turn = SEVERAL
            raise ends[0]
        for doing, result in made:
            self._doing.discard(doing)
            found.append((doing.job.number, self._told(doing, result)))
        return found

    # ---- what waits

    def _given_up(self) -> list[tuple[int, Any]]:
        """Takes out what is of no use any more, with the reasons."""
        found: list[tuple[int, Any]] = []
        now = time.monotonic()
        for one in list(self._waiting):
            job, cancel = one
            error: MCTSServiceError | None = None
            if cancel.cancelled:
                error = Cancelled("cancelled before the search began")
            elif now >= job.end_by:
                error = too_late(job.query)
            if error is not None:
                self._waiting.remove(one)
                found.append((job.number, error))
        return found

    def _begin_more(self) -> None:
        """Lets so many in as there are at most: what their calls take is seen only then."""
        room = max(1, len(self._doing))
        while self._waiting and room and self._may_join():
            self._begin(*self._waiting.popleft())
            room -= 1

    def _may_join(self) -> bool:
        return not self._doing or self._batch.round_seconds <= self._longest_round

    # ---- what has begun

    def _begin(self, job: Job, cancel: CancelFlag) -> None:
        doing = _Doing(job, cancel, time.monotonic(), bool(self._doing))
        for other in self._doing:
            other.had_company = True
        self._doing.add(doing)
        self._shared.begun[job.slot] = job.number & 0xFFFFFFFF
        sink = partial(self._tell_on_the_way, doing) if job.kind == "watch" else None
        self._batch.add(doing, self._steps(job, cancel), sink)

    def _steps(self, job: Job, cancel: CancelFlag) -> Generator[Any, Any, Any]:
        query = job.query
        if isinstance(query, BatchQuery):
            planner = self._planners.get(query.model, query.config).mcts
            seeds = query.seeds or [new_seed() for _ in query.rows]
            budget_left = partial(budget_until, query, job.end_by)
            plans = yield from plan_rows(planner, query, budget_left, seeds, cancel)
            return plans, seeds
        assert isinstance(query, PlanQuery)
        found = self._planners.get(query.model, query.config, session_of(query))
        state = query.read_state()
        mcts, tree = self._sessions.of(query, found.mcts)
        arguments = plan_arguments(query, job.end_by, cancel)
        if job.kind == "watch":
            arguments["every"] = job.every
        steps = mcts.watch_steps if job.kind == "watch" else mcts.steps
        return (yield from steps(state, tree=tree, is_apart=job.is_apart, **arguments))

    def _tell_on_the_way(self, doing: _Doing, plan: Plan) -> None:
        self._tell(doing.job.number, _outcome(doing, plan))

    def _note_turn(self, doing: Sequence[_Doing]) -> None:
        shared = self._shared
        shared.turn_began = time.monotonic()
        if len(doing) == 1:
            shared.turn = doing[0].job.number & 0xFFFFFFFF
        else:
            shared.turn = SEVERAL if doing else NOBODY

    def _told(self, doing: _Doing, result: Any) -> Any:
        """What the server is told of what a job has come to."""
        if not isinstance(result, BaseException):
            try:
                return _outcome(doing, result)
            except Exception as error:
                result = error
        if self._is_confined and doing.had_company and _is_of_memory(result):
            return Overloaded(
                f"the memory of a worker of {doing.job.query.model.name} did not suffice for all "
                "that it does at the same time",
                _RETRY_SECONDS,
            )
        if isinstance(result, MCTSServiceError):
            return result
        failed = fault(doing.job.query)
        failed.__cause__ = result
        return failed


def _is_of_memory(error: BaseException | None) -> bool:
    """Whether memory was lacking."""
    if isinstance(error, InvalidRequest):
        return error.violations[0].field == "budget.max_bytes"
    return isinstance(error, MemoryError) or (error is not None and _is_of_memory(error.__cause__))


def _outcome(doing: _Doing, result: Any) -> Any:
    query, started, end_by = doing.job.query, doing.started, doing.job.end_by
    if isinstance(query, BatchQuery):
        plans, seeds = result
        return batch_outcome(query, plans, seeds, started, end_by)
    assert isinstance(query, PlanQuery)
    return plan_outcome(query, result, started, end_by)


def _is_end(result: Any) -> bool:
    return isinstance(result, BaseException) and not isinstance(result, Exception)

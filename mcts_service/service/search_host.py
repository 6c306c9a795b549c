"""Where the searches of a model run: `SearchHost`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mcts_service.planning import CancelFlag
from mcts_service.service.observer import WorkerState
from mcts_service.service.query import BatchOutcome, BatchQuery, PlanOutcome, PlanQuery

__all__ = ["SearchHost", "Sink"]

#: Takes each plan that a search comes to on its way; from any thread, and without waiting.
Sink = Callable[[PlanOutcome], None]


class SearchHost(Protocol):
    """Runs searches, each in the thread that asks for it, which waits.

    Attributes:
      capacity: searches that may be asked for at once.
    """

    @property
    def capacity(self) -> int: ...

    def new_cancel(self) -> CancelFlag:
        """What ends one search, from any thread."""
        ...

    def plan(self, query: PlanQuery, end_by: float, cancel: CancelFlag) -> PlanOutcome:
        """One search.

        Args:
          end_by: when it must have ended, in seconds of time.monotonic().
          cancel: from `new_cancel`.
        Raises:
          MCTSServiceError: it has no plan.
        """
        ...

    def watch(
        self,
        every: float | None,
        sink: Sink,
        query: PlanQuery,
        end_by: float,
        cancel: CancelFlag,
    ) -> PlanOutcome:
        """One search that tells of the plans on its way; else as `plan`.

        Args:
          every: seconds from one plan to the next, or None, as of `MCTS.watch`.
        """
        ...

    def plan_batch(self, query: BatchQuery, end_by: float, cancel: CancelFlag) -> BatchOutcome:
        """The searches of all rows; as `plan`."""
        ...

    def worker_state(self) -> WorkerState:
        """Of its worker processes, at this moment; from any thread."""
        ...

    def close(self) -> None:
        """Ends it; what still runs is lost."""
        ...

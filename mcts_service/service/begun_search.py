"""A search that the event loop has begun and a thread is to finish."""

from __future__ import annotations

import time

from mcts_service.planning import CancelFlag, UnfinishedPlan
from mcts_service.service.query import PlanOutcome, PlanQuery

__all__ = ["BegunSearch"]


class BegunSearch:
    """What is left of it.

    Attributes:
      cancel: ends it.
      is_taken: True once it is being finished.
    """

    def __init__(
        self, plan: UnfinishedPlan, started: float, end_by: float, cancel: CancelFlag
    ) -> None:
        """It `started`, and is to end, at times of time.monotonic()."""
        self._plan, self._started, self._end_by = plan, started, end_by
        self.cancel, self.is_taken = cancel, False

    def finish(self, query: PlanQuery, end_by: float, cancel: CancelFlag) -> PlanOutcome:
        """Does it, once. When it must end, and what cancels it, was settled when it began."""
        self.is_taken = True
        plan = self._plan.finish()
        finished, end_by = time.monotonic(), self._end_by
        queue_time = self._started - query.received
        return PlanOutcome(plan, queue_time, min(finished, end_by), finished >= end_by)

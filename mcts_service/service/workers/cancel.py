"""Ends a job wherever it is by then: `JobCancel`."""

from __future__ import annotations

import math
import threading
import time

from mcts_service.planning import CancelFlag
from mcts_service.service.workers.shared_state import SharedState

__all__ = ["JobCancel"]


class JobCancel(CancelFlag):
    """A flag that is seen in the worker that has the job, too.

    Attributes:
      cancelled_at: when it was set, in seconds of time.monotonic(); infinite until then.
    """

    def __init__(self) -> None:
        self.cancelled_at = math.inf
        self._lock = threading.Lock()
        self._at: tuple[SharedState, int] | None = None

    def cancel(self) -> None:
        """Sets the flag: the search stops before its next simulation."""
        with self._lock:
            if not self.cancelled:
                self.cancelled_at = time.monotonic()
            super().cancel()
            if self._at is not None:
                shared, slot = self._at
                shared.cancelled[slot] = 1

    def attach(self, shared: SharedState, slot: int) -> None:
        """From now on the job is in that slot of the worker that shares this."""
        with self._lock:
            shared.cancelled[slot] = int(self.cancelled)
            self._at = shared, slot

    def detach(self) -> None:
        """The worker is done, and may have the next job."""
        with self._lock:
            self._at = None

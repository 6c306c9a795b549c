"""What a server tells of itself while it runs, to whoever counts it.

Nothing here counts: the methods of `Observer` do nothing, and cost as much. The extra `metrics`
has one that does: `mcts_service.service.prometheus`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mcts_service.service.call_record import CallRecord

__all__ = ["Observer", "QueueState"]


@dataclass(frozen=True)
class QueueState:
    """Searches that are in a server at one moment.

    Attributes:
      waiting: for a worker.
      running: in one.
      oldest_seconds: since the first of those that wait came; 0 if none does.
    """

    waiting: int = 0
    running: int = 0
    oldest_seconds: float = 0.0


class Observer:
    """Told what happens. The methods may be called from any thread, must not raise, and are quick.

    Models are named as they are served; a call names what its caller asked for.
    """

    def call_ended(self, call: CallRecord, status: str, seconds: float) -> None:
        """A call has come to its end.

        Args:
          status: "OK", or another name of a gRPC status.
          seconds: from its beginning.
        """

    def searched(self, model: str, simulations: int) -> None:
        """A search, or the searches of a batch, have run that many simulations."""

    def session_found(self, model: str, found: bool) -> None:
        """A request has named a session, and its tree was there, or not."""

    def worker_restarted(self, model: str) -> None:
        """A worker process was lost, and another one takes its place."""

    def workers_changed(self, model: str, busy: int, alive: int) -> None:
        """So many worker processes of a model are there, and so many of them search."""

    def queue_is(self, read: Callable[[], QueueState]) -> None:
        """Said once, at the start: how to learn the state of the queue at any time."""

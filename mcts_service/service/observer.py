"""What a server tells of itself while it runs, to whoever counts it.

Nothing here counts: the methods of `Observer` do nothing, and cost as much. The extra `metrics`
has one that does: `mcts_service.service.prometheus`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mcts_service.service.call_record import CallRecord

__all__ = ["EngineState", "Observer", "QueueState", "WorkerState"]


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


@dataclass(frozen=True)
class WorkerState:
    """The worker processes of a model.

    Attributes:
      busy: that search.
      alive: that search, are ready or are being prepared.
      lost: that have ended since the server began, and should not have.
      bytes: resident memory of those that are alive; 0 where the system does not tell.
    """

    busy: int = 0
    alive: int = 0
    lost: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class EngineState:
    """All that can be asked of the searches of a server at one moment.

    Attributes:
      queue: what waits and what runs.
      workers: by the name of each model that has processes of its own.
      sessions, session_bytes: trees that this process keeps, and what they hold; workers keep
        their own.
    """

    queue: QueueState = QueueState()
    workers: Mapping[str, WorkerState] = field(default_factory=dict)
    sessions: int = 0
    session_bytes: int = 0


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

    def engine_is(self, read: Callable[[], EngineState]) -> None:
        """Said once, at the start: how to learn the state of what searches at any time."""

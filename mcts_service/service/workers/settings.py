"""How the worker processes of a model are set up."""

from __future__ import annotations

from dataclasses import dataclass

from mcts_service.checks import require_integer, require_number
from mcts_service.service.entry import ModelEntry
from mcts_service.service.workers.shared_state import MAX_SLOTS

__all__ = ["WorkerSettings"]

#: With less, Python has no room to say that there is none.
_LEAST_MEMORY_BYTES = 16 * 2**20


@dataclass(frozen=True)
class WorkerSettings:
    """The worker processes of one model.

    Attributes:
      replicas: processes that search at once: each makes one plan at a time, or some together.
      warm_spares: processes more that have built the model and wait, so that one that has ended
        is replaced at once.
      max_memory_bytes: what the model and its search tree may hold in one process, beyond Python
        and NumPy; 0: no limit.
      overrun_seconds: a process whose search goes on for so long after its end, or after it was
        cancelled, is killed.
      build_seconds: the same of one that has not built its model.
      max_together: plans of a model that answers in batches which one process makes at once, so
        that each call of the model answers for all of them. They share `max_memory_bytes`, and
        what its calls take.
    """

    replicas: int = 1
    warm_spares: int = 1
    max_memory_bytes: int = 0
    overrun_seconds: float = 1.0
    build_seconds: float = 120.0
    max_together: int = 1

    def jobs_at_once(self, entry: ModelEntry) -> int:
        """Of one process."""
        return self.max_together if entry.plans_together else 1

    def __post_init__(self) -> None:
        require_integer("replicas", self.replicas, 1, 1024)
        require_integer("warm_spares", self.warm_spares, 0, 1024)
        if self.max_memory_bytes != 0:
            require_integer(
                "max_memory_bytes", self.max_memory_bytes, _LEAST_MEMORY_BYTES, 2**63 - 1
            )
        require_number("overrun_seconds", self.overrun_seconds, 0, 3600)
        require_number("build_seconds", self.build_seconds, 0.1, 86_400)
        require_integer("max_together", self.max_together, 1, MAX_SLOTS)

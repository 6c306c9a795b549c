"""Which worker has the tree of a session: `Homes`."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

from mcts_service.service.query import PlanQuery, Query
from mcts_service.service.workers.process import Worker

__all__ = ["Homes"]


class Homes:
    """Remembers who planned last for each session. Any number of threads may use it.

    Args:
      most: sessions that are remembered; the one that was used longest ago gives way.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        # Not the workers themselves, which hold descriptors after they have ended.
        self._homes: OrderedDict[tuple[str, str], weakref.ref[Worker]] = OrderedDict()

    def of(self, query: Query) -> Worker | None:
        """The worker that has most of what a plan may go on from; None: nobody has anything."""
        key = _session_of(query)
        home = None if key is None else self._homes.get(key)
        return None if home is None else home()

    def note(self, query: Query, worker: Worker) -> None:
        """A worker has planned."""
        key = _session_of(query)
        if key is None:
            return
        with self._lock:
            self._homes[key] = weakref.ref(worker)
            self._homes.move_to_end(key)
            if len(self._homes) > self._most:
                self._homes.popitem(last=False)


def _session_of(query: Query) -> tuple[str, str] | None:
    if isinstance(query, PlanQuery) and query.session_id:
        return query.caller, query.session_id
    return None

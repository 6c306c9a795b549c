"""The memory of all search trees of a server together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from mcts_service.errors import BudgetTooLarge, Overloaded
from mcts_service.service.query import BatchQuery, Query

__all__ = ["MemoryLimit", "most_bytes"]

#: What a caller is told who comes while there is no room; nobody knows which tree goes first.
_RETRY_SECONDS = 0.1


class MemoryLimit:
    """Counts the bytes that the searches which run and wait may take. Any threads may use it.

    They count as what their budgets allow, not as what they take in the end: so no promise is
    broken, and a server whose budgets are far too large takes few requests. Searches that are run
    at once, and trees that are kept of sessions, do not count.
    """

    def __init__(self, max_bytes: int | None) -> None:
        """All together; None: there is no limit."""
        self._max_bytes, self._bytes = max_bytes, 0
        self._lock = threading.Lock()

    def reserve(self, query: Query) -> Callable[[], None]:
        """Room for a search.

        Returns:
          What gives it back, to be called once, at the end of the search.
        Raises:
          BudgetTooLarge: alone, it may take more than all together.
          Overloaded: there is no room beside the others.
        """
        if self._max_bytes is None:
            return lambda: None
        asked = most_bytes(query)
        if asked > self._max_bytes:
            raise BudgetTooLarge(
                f"budget.max_bytes: is {query.budget.max_bytes}, and the search may take {asked} "
                f"bytes in all; at most {self._max_bytes} are allowed for all searches together"
            )
        with self._lock:
            if self._bytes + asked > self._max_bytes:
                raise Overloaded(
                    f"searches with {self._bytes} bytes are all that the server has memory for, "
                    f"and this one may take {asked}; try again later",
                    retry_after=_RETRY_SECONDS,
                )
            self._bytes += asked
        return partial(self._give_back, asked)

    def _give_back(self, count: int) -> None:
        with self._lock:
            self._bytes -= count


def most_bytes(query: Query) -> int:
    """What the trees of a search may take: of rows that are planned together, all of them."""
    max_bytes = query.budget.max_bytes
    assert max_bytes is not None
    if isinstance(query, BatchQuery) and query.model.answers_in_batches:
        return max_bytes * len(query.rows)
    return max_bytes

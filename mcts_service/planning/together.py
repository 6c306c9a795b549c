"""Searches that are run together, so that one call of the model answers for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from mcts_service._core import BatchModel, Search
from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.planning.config import SearchConfig

__all__ = ["MAX_ROWS", "RowSearches", "rows_model"]

#: States that are planned at once; more are planned so many at a time.
MAX_ROWS = 1024


class RowSearches:
    """Groups of searches that can be run together, kept from one batch to the next.

    Any number of threads may use it; each group is held by one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[SearchConfig, list[list[Search]]] = {}

    def acquire(
        self, recipe: SearchConfig, count: int, new_search: Callable[[], Search]
    ) -> list[Search]:
        """A group of at least `count` searches.

        Args:
          recipe: their algorithm.
          count: of states to plan.
          new_search: makes the first of a new group; the others are made beside it.
        """
        with self._lock:
            idle = self._idle.setdefault(recipe, [])
            group = idle.pop() if idle else []
        if not group:
            group.append(new_search())
        while len(group) < count:
            group.append(Search(None, beside=group[0]))
        return group

    def release(self, recipe: SearchConfig, group: list[Search]) -> None:
        """Gives a group back; its trees, and most of their memory, are given up."""
        for search in group:
            search.clear()
        with self._lock:
            self._idle[recipe].append(group)


def rows_model(model: Any, state: Any) -> BatchModel:
    """A batch model as the core takes it, for states of the form of `state`.

    The form is what the model's `state_spec` says, where it has one.

    Raises:
      InvalidRequest: states of that form make no rows of an array.
    """
    spec = getattr(model, "state_spec", None)
    if spec is not None and spec.kind == "discrete":
        return BatchModel(model, np.int64, ())
    if spec is not None and spec.kind == "tensor":
        return BatchModel(model, spec.dtype, spec.shape)
    try:
        row = np.asarray(state)
    except ValueError:
        row = np.asarray(None)
    if row.dtype.kind not in "biuf":
        raise InvalidRequest(
            "state",
            f"is {shown(state)}; must be a number or an array of numbers, as the model answers "
            "in batches",
        )
    return BatchModel(model, row.dtype, row.shape)

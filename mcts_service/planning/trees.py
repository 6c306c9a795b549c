"""Which search a plan goes on with: a fresh one, or the tree that `advance` has kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from mcts_service._core import Search

__all__ = ["Tree", "Trees"]


@dataclass
class Tree:
    """A search, and what its tree may be gone on with.

    Attributes:
      advanced_to: identity of the state at its root, if `advance` has put it there.
      horizon: steps left at its root; 0: no end.
      limit_bytes: of its memory.
    """

    search: Search
    advanced_to: Hashable | None = None
    horizon: int = 0
    limit_bytes: int = 0


class Trees:
    """The searches of a planner, each held by one plan at a time; the latest keeps its tree.

    Any number of threads may use it.
    """

    def __init__(self, *, knows_time: bool) -> None:
        """`knows_time`: a tree is good for one number of steps left only."""
        self._knows_time = knows_time
        # Reentrant, because a state_key may plan.
        self._own = threading.RLock()
        self._idle: list[Tree] = []
        self._latest: Tree | None = None

    def add(self, search: Search) -> None:
        """One to use."""
        with self._own:
            self._idle.append(Tree(search))

    def acquire(
        self,
        new_search: Callable[[], Search],
        identity: Callable[[], Hashable],
        *,
        horizon: int,
        limit_bytes: int,
        may_go_on: bool,
    ) -> Tree:
        """A tree that no one else holds: the one advanced to that state, or one to use again.

        Args:
          new_search: makes a search, where there is none to use again.
          identity: gives that of the state; asked only where a tree may be gone on with.
          horizon, limit_bytes: of the new plan.
          may_go_on: False: it needs a fresh tree.
        """
        with self._own:
            latest = self._latest
            if latest is not None and latest.advanced_to is not None:
                same_time = not self._knows_time or horizon == latest.horizon
                fits = may_go_on and same_time and limit_bytes == latest.limit_bytes
                if not (fits and latest.advanced_to == identity()):
                    latest.advanced_to = None
            self._latest = None
            if latest is not None:
                return latest
            return self._idle.pop() if self._idle else Tree(new_search())

    def release(self, tree: Tree) -> None:
        """Gives it back, as the one that `advance` goes on with."""
        with self._own:
            if self._latest is not None:
                self._set_aside(self._latest)
            self._latest = tree

    def advance(self, action: Any, root: Any, identity: Callable[[], Hashable]) -> bool:
        """Makes the latest tree's child the root; False where there is none to go on from."""
        with self._own:
            tree = self._latest
            if tree is None:
                return False
            advanced_to = identity()  # before anything moves: it may fail
            kept = tree.search.advance(action, root)
            if not kept:  # its root is an older state: a later step must not start there
                self._latest = None
                self._set_aside(tree)
                return False
            tree.advanced_to = advanced_to
            tree.horizon -= tree.horizon > 0
            return True

    def forget(self) -> None:
        """Gives up the latest tree, and most of its memory."""
        with self._own:
            latest, self._latest = self._latest, None
            if latest is not None:
                self._set_aside(latest)

    def _set_aside(self, tree: Tree) -> None:
        """To be used again, for a fresh search. Needs the lock."""
        tree.advanced_to = None
        tree.search.clear()
        self._idle.append(tree)

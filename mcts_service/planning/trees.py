"""Which search a plan goes on with: a fresh one, or the tree that `advance` has kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcts_service._core import Search
from mcts_service.planning.config import SearchConfig

__all__ = ["Tree", "Trees", "goes_on"]


@dataclass
class Tree:
    """A search, and what its tree may be gone on with.

    Attributes:
      advanced_to: identity of the state at its root, if `advance` has put it there.
      horizon: steps left at its root; 0: no end.
      limit_bytes: of its memory.
      recipe: the algorithm.
      is_restricted: whether its root leaves out actions that a request did not allow.
    """

    search: Search
    recipe: SearchConfig
    advanced_to: Hashable | None = None
    horizon: int = 0
    limit_bytes: int = 0
    is_restricted: bool = False


def goes_on(tree: Tree, recipes: Sequence[SearchConfig], limit_bytes: int) -> bool:
    """Whether a plan by one of the recipes, with that memory limit, may go on with a tree."""
    # A discount that differs is one chosen for other steps left: the tree keeps its own.
    known = [replace(recipe, discount=None) for recipe in recipes]
    return limit_bytes == tree.limit_bytes and replace(tree.recipe, discount=None) in known


class Trees:
    """The searches of a planner, each held by one plan at a time; the latest keeps its tree.

    Any number of threads may use it.
    """

    def __init__(self, *, keep_latest: bool = True) -> None:
        """Without `keep_latest` none keeps its tree, and `advance` finds nothing."""
        self._keep_latest = keep_latest
        # Reentrant, because a state_key may plan.
        self._own = threading.RLock()
        self._idle: dict[SearchConfig, list[Tree]] = {}
        self._recent: tuple[SearchConfig | None, list[Tree]] = (None, [])
        self._latest: Tree | None = None

    @property
    def was_advanced(self) -> bool:
        """False if no plan can go on with a tree: asking costs nothing."""
        latest = self._latest
        return latest is not None and latest.advanced_to is not None

    def advanced(
        self,
        recipes: Sequence[SearchConfig],
        identity: Callable[[], Hashable],
        *,
        horizon: int,
        limit_bytes: int,
    ) -> Tree | None:
        """The tree that was advanced to a state, of one of the recipes; None: there is none.

        Args:
          recipes: any of them will do.
          identity: gives that of the state; asked only where a tree may be gone on with.
          horizon, limit_bytes: of the new plan.
        """
        with self._own:
            latest = self._latest
            if latest is None or latest.advanced_to is None:
                return None
            same_time = latest.recipe.sharing == "state" or horizon == latest.horizon
            if not same_time or not goes_on(latest, recipes, limit_bytes):
                return None
            if latest.advanced_to != identity():
                return None
            self._latest = None
            return latest

    def acquire(self, recipe: SearchConfig, new_search: Callable[[], Search]) -> Tree:
        """A tree that no one else holds, to be begun afresh.

        Args:
          recipe: its algorithm.
          new_search: makes a search of it, where there is none to use again.
        """
        with self._own:
            latest, self._latest = self._latest, None
            if latest is not None:
                if latest.recipe == recipe:
                    latest.advanced_to = None
                    return latest
                self._set_aside(latest)
            return self._idle_or_new(recipe, new_search)

    def take(self, recipe: SearchConfig, new_search: Callable[[], Search]) -> Tree:
        """As `acquire`, and leaves the latest tree alone."""
        with self._own:
            return self._idle_or_new(recipe, new_search)

    def put_back(self, tree: Tree) -> None:
        """Gives back what was taken, and its memory."""
        # Outside of the lock: to give up a large tree takes long, and others wait.
        tree.search.clear()
        with self._own:
            self._idle_of(tree.recipe).append(tree)

    def prepare(self, recipe: SearchConfig, search: Search) -> None:
        """Takes in a search that a plan may use."""
        with self._own:
            self._idle_of(recipe).append(Tree(search, recipe))

    def release(self, tree: Tree) -> None:
        """Gives it back, as the one that `advance` goes on with."""
        if not self._keep_latest:
            self.put_back(tree)
            return
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
        self._idle_of(tree.recipe).append(tree)

    def _idle_or_new(self, recipe: SearchConfig, new_search: Callable[[], Search]) -> Tree:
        """One that is set aside, where there is one. Needs the lock."""
        idle = self._idle_of(recipe)
        return idle.pop() if idle else Tree(new_search(), recipe)

    def _idle_of(self, recipe: SearchConfig) -> list[Tree]:
        """Those of an algorithm that are set aside. Needs the lock."""
        # Nearly always the same object as last time, and a recipe takes a while to hash.
        if recipe is not self._recent[0]:
            self._recent = recipe, self._idle.setdefault(recipe, [])
        return self._recent[1]

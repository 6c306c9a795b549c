"""The tree that one plan leaves to the next of the same episode."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from mcts_service._core import Search
from mcts_service.errors import MCTSServiceError
from mcts_service.planning.config import SearchConfig
from mcts_service.planning.trees import Tree, Trees, goes_on

__all__ = ["MAX_STEPS", "KeptTree"]

#: How far below its root a tree is searched for a state, where no horizon says how many steps were
#: made: an agent that asks before each of its actions needs 1, or one for each player.
MAX_STEPS = 8


class KeptTree:
    """The tree of the latest plan that was made with it, where the next one looks for its state.

        tree = KeptTree()
        while not done:
            plan = planner.plan(state, budget, tree=tree)
            state, done = ...  # whatever came of plan.action, and of all that others did

    Nobody has to say which actions were taken: the state is searched for below the root, at most 8
    steps down, and with a horizon as many steps down as it has become less. What lies below it is
    kept, the rest given back. A plan starts afresh where the state is not found, where the tree is
    lent to another plan at that time, and as after `MCTS.advance`: with `allowed_actions`, another
    memory limit, another recipe, or where nodes are no states. So it costs time at most, and never
    a right answer.

    It belongs to the planner that used it last. Any number of threads may use it.

    Args:
      planned: called at the end of each plan that was made with it, with True if that went on from
        the tree; in the thread that planned.
    """

    def __init__(self, planned: Callable[[bool], None] | None = None) -> None:
        self._planned = planned
        self._own = threading.Lock()
        self._pool: Trees | None = None
        self._tree: Tree | None = None
        self._is_lent = False
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Memory that the tree held after the latest plan; 0: there is none."""
        return self._bytes

    @property
    def is_lent(self) -> bool:
        """True while a plan is being made with it."""
        return self._is_lent

    def forget(self) -> bool:
        """Gives the tree up, and its memory; see `MCTS.forget`. False while it is lent."""
        with self._own:
            if self._is_lent:
                return False
            self._is_lent = True
        try:
            if self._tree is not None:
                self._tree.search.clear()
        finally:
            self._tree, self._bytes, self._is_lent = None, 0, False
        return True

    # ---- for the planner, from `lend` to `give_back`

    def lend(self, pool: Trees) -> bool:
        """Lends it to a plan; False if another plan has it, which is the end of it for this one.

        Args:
          pool: where the planner has its other trees.
        """
        with self._own:
            is_free, self._is_lent = not self._is_lent, True
        if not is_free:
            self._tell(False)
        elif pool is not self._pool:
            self._pool, self._tree = pool, None  # of another planner, or of states in another form
        return is_free

    def find(
        self, root: Any, recipes: Sequence[SearchConfig], *, horizon: int, limit_bytes: int
    ) -> Tree | None:
        """The tree with a state at its root; None: it is not there, or not to be gone on with.

        Args:
          root: the state as the core takes it.
          recipes: any of them will do.
          horizon, limit_bytes: of the new plan.
        """
        tree = self._tree
        if tree is None or not goes_on(tree, recipes, limit_bytes):
            return None
        within = _steps_within(tree, horizon)
        if within is None:
            return None
        least, most = within
        try:
            # A root that had a choice of its own is no node of its state.
            steps = tree.search.advance_to(root, least=max(least, tree.is_restricted), most=most)
        except MCTSServiceError:
            return None  # of a state that is none: a plan from it says so, in its own words
        if steps < 0:
            return None
        self._tree = None
        return tree

    def acquire(self, recipe: SearchConfig, new_search: Callable[[], Search]) -> Tree:
        """As `Trees.acquire`."""
        assert self._pool is not None
        tree, self._tree = self._tree, None
        if tree is not None and tree.recipe != recipe:
            self._pool.put_back(tree)
            tree = None
        return tree or self._pool.take(recipe, new_search)

    def release(self, tree: Tree) -> None:
        """Takes the tree of a plan, to be gone on with."""
        self._tree = tree

    def give_back(self, reused: bool) -> None:
        """Ends what `lend` began; `reused` says whether the plan went on from the tree."""
        self._bytes = 0 if self._tree is None else self._tree.search.bytes
        self._is_lent = False
        self._tell(reused)

    def _tell(self, reused: bool) -> None:
        if self._planned is not None:
            self._planned(reused)


def _steps_within(tree: Tree, horizon: int) -> tuple[int, int] | None:
    """How many steps at least and at most lie between the root and a state with that horizon."""
    if tree.recipe.sharing == "state" or tree.horizon == horizon == 0:
        return 0, MAX_STEPS
    if tree.horizon == 0 or horizon == 0 or horizon > tree.horizon:
        return None
    return tree.horizon - horizon, tree.horizon - horizon

"""Searches that are run together, so that one call of the model answers for all of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from mcts_service._core import CancelFlag, Search, SearchBatch, begin_together
from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest, MCTSServiceError
from mcts_service.planning.belief import Belief
from mcts_service.planning.config import SearchConfig
from mcts_service.planning.request import Request
from mcts_service.planning.root_chance import add_root_noise

__all__ = [
    "MAX_ROWS",
    "Form",
    "GroupRun",
    "GroupSteps",
    "RowSearches",
    "asks_for_rows",
    "begin_rows",
    "form_of",
    "no_row",
    "run_here",
    "runs_of",
]

T = TypeVar("T")

#: States that are planned at once; more are planned so many at a time.
MAX_ROWS = 1024

#: Of one state: dtype and shape.
Form = tuple[np.dtype[Any], tuple[int, ...]]

#: What is asked of many states, and of one.
_FORMS = {
    "evaluate_batch": "value",
    "legal_actions_batch": "legal_actions",
    "is_terminal_batch": "is_terminal",
    "current_player_batch": "current_player",
    "state_key_batch": "state_key",
}


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


def asks_for_rows(model: Any) -> bool:
    """True if a batch model can only be asked in batches: it lacks what is asked for one state."""
    if not callable(getattr(model, "sample", None)):
        return True
    return any(
        getattr(model, of_rows, None) is not None and getattr(model, of_one, None) is None
        for of_rows, of_one in _FORMS.items()
    )


def form_of(model: Any, states: Iterable[Any]) -> Form:
    """What a row of the model's states is, as an array.

    That is what the model's `state_spec` says, where it has one, else the form of most of the
    states.

    Args:
      states: one or more; of a `Belief`, its first particle counts.
    Raises:
      InvalidRequest: no state is a row of an array.
    """
    spec = getattr(model, "state_spec", None)
    if spec is not None and spec.kind == "discrete":
        return np.dtype(np.int64), ()
    if spec is not None and spec.kind == "tensor":
        return np.dtype(spec.dtype), tuple(spec.shape)
    forms = Counter(form for form in map(_own_form, states) if form is not None)
    if forms:
        return forms.most_common(1)[0][0]
    raise no_row(next(iter(states)))


def no_row(state: Any) -> InvalidRequest:
    """What is wrong with a state that is no row of an array."""
    return InvalidRequest(
        "state",
        f"is {shown(state)}; must be a number or an array of numbers, as the model answers in "
        "batches",
    )


def _own_form(state: Any) -> Form | None:
    try:
        row = np.asarray(state.particles[0] if isinstance(state, Belief) else state)
    except ValueError:
        return None
    return (row.dtype, row.shape) if row.dtype.kind in "biuf" else None


def begin_rows(
    searches: dict[int, Search], requests: Mapping[int, Request]
) -> dict[int, MCTSServiceError]:
    """Begins the search of each row; takes out those that cannot begin, and returns their errors.

    Args:
      searches: of rows.
      requests: of those rows, with the same limits and recipe.
    """
    rows = list(searches)
    asked = [requests[row] for row in rows]
    limits, config = asked[0].limits, asked[0].recipe.config
    found = begin_together(
        list(searches.values()),
        [request.root for request in asked],
        horizon=limits.horizon,
        allowed=[request.allowed for request in asked],
        seeds=[request.seed for request in asked],
        max_bytes=limits.limit_bytes,
        are_beliefs=[request.is_belief for request in asked],
        planned=limits.planned(),
    )
    failed: dict[int, MCTSServiceError] = {}
    for row, request, error in zip(rows, asked, found, strict=True):
        if error is None:
            add_root_noise(searches[row], config, request.seed)
        else:
            failed[row] = limits.no_room() if isinstance(error, MemoryError) else error
            del searches[row]
    return failed


@dataclass(eq=False, slots=True)
class GroupRun:
    """Searches that somebody else is to run together, up to so many simulations each.

    Attributes:
      seconds: from now on; None: no limit.
    """

    searches: list[Search]
    simulations: int
    seconds: float | None
    cancel: CancelFlag | None


#: Steps that yield what is to be run, and are sent how each search has ended: by the name of a
#: rule, or with an exception.
GroupSteps = Generator[GroupRun, "list[str | BaseException]", T]


def runs_of(
    searches: dict[int, Search],
    simulations: int,
    seconds: float | None,
    cancel: CancelFlag | None,
) -> GroupSteps[dict[int, str | BaseException]]:
    """Has the search of each row run.

    Returns:
      For each row the name of the rule that stopped it, or the exception.
    """
    if not searches:
        return {}
    ends = yield GroupRun(list(searches.values()), simulations, seconds, cancel)
    return dict(zip(searches, ends, strict=True))


def run_here(steps: GroupSteps[T]) -> T:
    """What the steps come to, by runs in this thread."""
    try:
        run = next(steps)
        while True:
            try:
                batch = SearchBatch(run.searches)
                ends = batch.run(run.simulations, run.seconds, run.cancel)
            except BaseException as error:
                run = steps.throw(error)
            else:
                run = steps.send(ends)
    except StopIteration as stop:
        found: T = stop.value
        return found

"""The planners of the models that are served, kept from request to request."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from mcts_service.planning import MCTS, SearchConfig
from mcts_service.service.at_once import SearchTimes
from mcts_service.service.entry import ModelEntry
from mcts_service.service.violations import prefixed

__all__ = ["Planners", "TimedPlanner"]

#: Planners that are kept for requests that change the search's settings; each holds memory.
_MAX_SPECIAL = 8


@dataclass(frozen=True, eq=False)
class TimedPlanner:
    """A planner, and what its searches take."""

    mcts: MCTS
    times: SearchTimes = field(default_factory=SearchTimes)


#: What a planner belongs to: a model, or one thread's use of it, or that of some sessions (0: any).
_Owner = tuple[ModelEntry, int]


def _owner(entry: ModelEntry, session: str) -> _Owner:
    if entry.is_thread_safe or entry.plans_at_once <= 1:
        return entry, 0
    if session:
        return entry, -1 - hash(session) % entry.plans_at_once
    return entry, threading.get_ident()


class Planners:
    """One for each model, and the latest few with other settings. Any threads may ask.

    Of a model whose planner makes one plan after the other, and that makes several at once, each
    thread has its own; and sessions have as many, whichever thread plans for them, as the tree of
    a session belongs to its planner.
    """

    def __init__(self, *, in_rows: bool = False) -> None:
        """Of planners whose batch models are asked `in_rows`; see `MCTS`."""
        self._in_rows = in_rows
        self._default: dict[_Owner, TimedPlanner] = {}
        self._special: OrderedDict[tuple[_Owner, SearchConfig], TimedPlanner] = OrderedDict()
        self._lock = threading.Lock()

    def known(
        self, entry: ModelEntry, config: SearchConfig, session: str = ""
    ) -> TimedPlanner | None:
        """The planner, where there is one."""
        # The identity first: to compare all settings takes a while.
        if config is entry.config or config == entry.config:
            return self._default.get(_owner(entry, session))
        key = (_owner(entry, session), config)
        with self._lock:
            found = self._special.get(key)
            if found is not None:
                self._special.move_to_end(key)
        return found

    def get(self, entry: ModelEntry, config: SearchConfig, session: str = "") -> TimedPlanner:
        """The planner of a model by a config.

        Args:
          session: what the plan is part of; empty: nothing.
        Raises:
          InvalidRequest: the model cannot be searched so.
        """
        found = self.known(entry, config, session)
        if found is not None:
            return found
        if config == entry.config:
            return self._default.setdefault(_owner(entry, session), self._made(entry, config))
        with prefixed("options."):
            made = self._made(entry, config)
        with self._lock:
            found = self._special.setdefault((_owner(entry, session), config), made)
            if len(self._special) > _MAX_SPECIAL:
                self._special.popitem(last=False)
        return found

    def _made(self, entry: ModelEntry, config: SearchConfig) -> TimedPlanner:
        return TimedPlanner(MCTS(entry.model, config, keep_trees=False, in_rows=self._in_rows))

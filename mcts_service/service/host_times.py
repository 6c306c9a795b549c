"""What searches take that are not made by a planner of this process, or by one of several."""

from __future__ import annotations

from collections import OrderedDict

from mcts_service.planning import SearchConfig
from mcts_service.service.at_once import SearchTimes
from mcts_service.service.entry import ModelEntry
from mcts_service.service.query import PlanQuery

__all__ = ["HostTimes"]

#: Of models with settings; those that were asked for longest ago are forgotten.
_MAX_KEPT = 256


class HostTimes:
    """By model and settings. For one thread."""

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[ModelEntry, SearchConfig], SearchTimes] = OrderedDict()

    def counts(self, query: PlanQuery) -> bool:
        """Whether the searches of a query's model are noted here: its planners know of none."""
        entry = query.model
        return entry.host is not None or (not entry.is_thread_safe and entry.plans_at_once > 1)

    def expected(self, query: PlanQuery, simulations: int) -> float:
        """Seconds of a search; infinite where none of its size was seen."""
        return self._of(query).expected(simulations)

    def observe(self, query: PlanQuery, seconds: float) -> None:
        """Notes what a search took that has done all its simulations."""
        if self.counts(query) and query.budget.simulations is not None:
            self._of(query).observe(query.budget.simulations, seconds)

    def _of(self, query: PlanQuery) -> SearchTimes:
        key = query.model, query.config
        times = self._times.get(key)
        if times is None:
            times = self._times[key] = SearchTimes()
            if len(self._times) > _MAX_KEPT:
                self._times.popitem(last=False)
        self._times.move_to_end(key)
        return times

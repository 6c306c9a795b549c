"""A plan that is made in steps, so that the thread that began it need not wait for its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from mcts_service._core import CancelFlag, Search
from mcts_service.planning.auto import Recipe
from mcts_service.planning.plan import Plan
from mcts_service.planning.request import Limits, Request

__all__ = [
    "SLICE",
    "PlanSteps",
    "RunSearch",
    "SearchRun",
    "UnfinishedPlan",
    "finished",
    "in_steps",
    "plan_or_rest",
]

#: What `Search.run` says where its slice is over.
SLICE = "slice"

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class SearchRun:
    """A search that somebody else is to run, up to so many simulations, within those limits.

    Attributes:
      pause_seconds: `SLICE` is its end after about so long; None: it is not.
      pause_simulations: and once it has so many in all; 0: not.
      is_apart: it is to be asked for with no other.
    """

    search: Search
    simulations: int
    limits: Limits
    cancel: CancelFlag | None
    pause_seconds: float | None = None
    pause_simulations: int = 0
    is_apart: bool = False


#: Gives a plan in the end, or whatever its search is read into. Where it yields, another thread may
#: take over: it yields None and is sent the time of time.perf_counter() of the next pause, or None:
#: it pauses no more; or, of `MCTS.watch`, it yields the plan so far; or, of `MCTS.steps`, a
#: `SearchRun`, and is sent the name of the rule that stopped it.
PlanSteps = Generator["Plan | SearchRun | None", "float | str | None", T]

#: Runs a search to so many simulations, by that recipe, after so many that another has tried. Gives
#: the name of the rule that stopped it; may yield as `PlanSteps` do.
RunSearch = Callable[[Search, int, Recipe, int], PlanSteps[str]]


class UnfinishedPlan:
    """A plan whose search has begun. Whoever does not want it drops it."""

    def __init__(self, steps: PlanSteps[Plan]) -> None:
        self._steps = steps

    def go_on(self, seconds: float) -> Plan | UnfinishedPlan:
        """Searches on, in this thread, for about so long; else as `finish`."""
        return _plan_or_rest(self._steps, time.perf_counter() + seconds)

    def finish(self) -> Plan:
        """Searches on, in this thread; once.

        Returns:
          The plan that an uninterrupted search would have come to.
        Raises:
          Cancelled, DeadlineExpired, InvalidRequest, ModelFault: as `MCTS.plan`.
        """
        return finished(self._steps)


def finished(steps: PlanSteps[T]) -> T:
    """What is at their end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found


def plan_or_rest(steps: PlanSteps[Plan]) -> Plan | UnfinishedPlan:
    """The plan, if it is made before the first pause."""
    return _plan_or_rest(steps, None)


def _plan_or_rest(steps: PlanSteps[Plan], pause_at: float | None) -> Plan | UnfinishedPlan:
    try:
        steps.send(pause_at)
    except StopIteration as end:
        plan: Plan = end.value
        return plan
    return UnfinishedPlan(steps)


def in_steps(
    request: Request, cancel: CancelFlag | None, pause_at: float | None = None
) -> RunSearch:
    """Runs within the time of a request, with pauses where it lasts that long.

    Args:
      pause_at: in seconds of time.perf_counter(); None: never.
    """

    def run(search: Search, simulations: int, *_: object) -> PlanSteps[str]:
        return _run_in_steps(search, request, simulations, cancel, pause_at)

    return run


def _run_in_steps(
    search: Search,
    request: Request,
    simulations: int,
    cancel: CancelFlag | None,
    pause_at: float | None,
) -> PlanSteps[str]:
    while pause_at is not None:
        seconds = pause_at - time.perf_counter()
        if seconds > 0 and request.recipe.config.in_flight == 1:
            end = search.run(simulations, request.limits.seconds_left(), cancel, seconds)
            if end != SLICE:
                return end
        sent = yield None
        assert not isinstance(sent, str)
        pause_at = sent
    return search.run(simulations, request.limits.seconds_left(), cancel)

"""What a search is told of the query that asks for it, and the errors that end it early."""

from __future__ import annotations

import random
import time
from typing import Any

from mcts_service.errors import DeadlineExpired, ModelFault, ReplicaLost
from mcts_service.planning import Budget, CancelFlag
from mcts_service.service.margin import ReplyClock
from mcts_service.service.query import PlanQuery, Query

__all__ = [
    "budget_until",
    "fault",
    "new_seed",
    "plan_arguments",
    "search_until",
    "stopped",
    "too_late",
]


#: Seeds of requests that bring none. They are told to the caller and guard nothing, so that to ask
#: the system for each would be time lost. Begun from the system's randomness.
_seeds = random.Random()


def new_seed() -> int:
    """A seed that nobody asked for."""
    return _seeds.getrandbits(64)


def search_until(query: Query, clock: ReplyClock) -> float:
    """When the search must have ended, in seconds of time.monotonic()."""
    assert query.budget.time_limit is not None
    limit = query.received + query.budget.time_limit
    if query.reply_by is None:
        return limit
    given = query.reply_by - query.received
    return min(limit, query.reply_by - clock.margin(given))


def budget_until(query: Query, end_by: float) -> Budget:
    """The query's budget with the time that is left of it.

    Raises:
      DeadlineExpired: none is.
    """
    time_left = end_by - time.monotonic()
    if time_left <= 0:
        raise too_late(query)
    budget = query.budget
    return Budget(budget.simulations, time_left, budget.max_bytes)


def plan_arguments(query: PlanQuery, end_by: float, cancel: CancelFlag) -> dict[str, Any]:
    """What `MCTS.plan` is told beside the state."""
    allowed = query.read_allowed_actions
    return {
        "budget": budget_until(query, end_by),
        "horizon": query.horizon,
        "seed": new_seed() if query.seed is None else query.seed,
        "allowed_actions": None if allowed is None else allowed(),
        "cancel": cancel,
    }


def fault(query: Query) -> ModelFault:
    """What a caller is told of whatever a model raised."""
    return ModelFault(f"a search of {query.model.name} failed")


def too_late(query: Query) -> DeadlineExpired:
    """The error of a search that has no time."""
    return DeadlineExpired(
        f"not one simulation of {query.model.name} fitted in the time that was given"
    )


def stopped() -> ReplicaLost:
    """The error of a search that was stopped before it had a plan."""
    return ReplicaLost("the server is shutting down and has not planned; try again")

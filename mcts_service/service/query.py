"""One request for a plan, checked and free of the wire's forms, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mcts_service.planning import Budget, Plan, SearchConfig
from mcts_service.service.entry import ModelEntry

__all__ = ["PlanOutcome", "PlanQuery"]


@dataclass(frozen=True)
class PlanQuery:
    """What to plan, and within which limits.

    Attributes:
      model: the model that was asked for.
      read_state: gives the state to plan from. It may run code of the model's (its codec),
        so it is called where the model's searches run; raises InvalidRequest.
      budget: complete, see `BudgetLimits.admit`. Its time limit runs from `received`.
      config: the algorithm: the model's default with the request's changes.
      received: when the request came, in seconds of time.monotonic().
      reply_by: when the caller stops waiting, by the same clock; None: it never does.
      horizon: steps left, >= 1; None: no end.
      seed: None: drawn.
      allowed_actions: the plan chooses among these only; None: all.
      request_id: the caller's own name for the request.
    """

    model: ModelEntry
    read_state: Callable[[], Any]
    budget: Budget
    config: SearchConfig
    received: float
    reply_by: float | None = None
    horizon: int | None = None
    seed: int | None = None
    allowed_actions: Sequence[int] | None = None
    request_id: str = ""


@dataclass(frozen=True)
class PlanOutcome:
    """A plan, and when it was made.

    Attributes:
      plan: the answer.
      queue_time: seconds from receipt to the start of the search.
      finished: when the search ended, in seconds of time.monotonic().
    """

    plan: Plan
    queue_time: float
    finished: float

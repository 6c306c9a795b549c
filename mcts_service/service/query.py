"""A request for plans, checked and free of the wire's forms, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.planning import Budget, Plan, Plans, SearchConfig
from mcts_service.service.entry import ModelEntry

__all__ = ["BatchOutcome", "BatchQuery", "BatchRow", "PlanOutcome", "PlanQuery", "Query"]


@dataclass(kw_only=True, slots=True)
class Query:
    """What a request for one plan and one for many have in common.

    Attributes:
      model: the model that was asked for.
      budget: complete, see `BudgetLimits.admit`. Its time limit runs from `received`.
      config: the algorithm: the model's default with the request's changes.
      received: when the request came, in seconds of time.monotonic().
      reply_by: when the caller stops waiting, by the same clock; None: it never does.
      horizon: steps left, >= 1; None: no end.
      request_id: the caller's own name for the request.
      caller: who asks: the name of a token, or a network address. Callers share the server fairly,
        and what is kept for one serves no other.
      priority: from -100 to 100; what is higher comes first.
    """

    model: ModelEntry
    budget: Budget
    config: SearchConfig
    received: float
    reply_by: float | None = None
    horizon: int | None = None
    request_id: str = ""
    caller: str = ""
    priority: int = 0


@dataclass(kw_only=True, slots=True)
class PlanQuery(Query):
    """What to plan, and within which limits.

    Attributes:
      read_state: gives the state to plan from. It may run code of the model's (its codec),
        so it is called where the model's searches run; raises InvalidRequest.
      seed: None: drawn.
      read_allowed_actions: as `read_state`, the actions that the plan chooses among;
        None: all.
      is_read: True if these two only hand over what has been read.
      session_id: the caller's own name for what its requests have in common, such as an episode;
        empty: nothing. See `mcts_service.service.sessions`.
    """

    read_state: Callable[[], Any]
    seed: int | None = None
    read_allowed_actions: Callable[[], Sequence[Any]] | None = None
    is_read: bool = False
    session_id: str = ""


@dataclass(slots=True)
class PlanOutcome:
    """A plan, and when it was made.

    Attributes:
      plan: the answer, its actions as they travel.
      queue_time: seconds from receipt to the start of the search.
      finished: when the search ended or, if it was late, was to end, in seconds of
        time.monotonic(): replying begins here.
      was_cut: whether it ended because its time was over.
    """

    plan: Plan
    queue_time: float
    finished: float
    was_cut: bool = False


@dataclass(frozen=True)
class BatchRow:
    """One state of a batch.

    Attributes:
      field: where it stands in the request: "list.states[3]".
      read_state: as of a `PlanQuery`.
    """

    field: str
    read_state: Callable[[], Any]


@dataclass(kw_only=True, slots=True)
class BatchQuery(Query):
    """What to plan for many states, and within which limits.

    The budget's simulations and bytes are those of each row, its time limit that of all.

    Attributes:
      rows: the states, at least one.
      seeds: one a row; None: drawn.
      action_mask: bool[rows, num_actions]; each row's plan chooses among its true ones only.
        None: among all.
    """

    rows: Sequence[BatchRow]
    seeds: Sequence[int] | None = None
    action_mask: np.ndarray | None = None


@dataclass(frozen=True)
class BatchOutcome:
    """A plan a row, and when they were made.

    Attributes:
      plans: of the rows, their actions as they travel.
      seeds: one a row.
      queue_time: seconds from receipt to the start of the searches.
      search_time: seconds that they took, all together.
      finished, was_cut: as of a `PlanOutcome`.
    """

    plans: Plans
    seeds: Sequence[int]
    queue_time: float
    search_time: float
    finished: float
    was_cut: bool = False

"""Plans the rows of a batch: those that can be read together, each other with its own error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    FieldViolation,
    InvalidRequest,
    MCTSServiceError,
)
from mcts_service.planning import MCTS, Budget, CancelFlag, Plan
from mcts_service.service.actions import travelling
from mcts_service.service.query import BatchQuery

__all__ = ["plan_rows"]


def plan_rows(
    planner: MCTS,
    query: BatchQuery,
    budget_left: Callable[[], Budget],
    seeds: Sequence[int],
    cancel: CancelFlag,
) -> list[Plan | MCTSServiceError]:
    """One entry a row: its plan, or why it has none.

    Args:
      planner: of the query's model.
      budget_left: gives the query's budget with the time that is left, once the states are
        read; raises DeadlineExpired if none is.
      seeds: one a row.
    Raises:
      DeadlineExpired, Cancelled: one ended the search of a row, and no row has a plan.
    """
    answers: dict[int, Plan | MCTSServiceError] = {}
    states = {}
    for index, row in enumerate(query.rows):
        try:
            states[index] = row.read_state()
        except MCTSServiceError as error:
            answers[index] = error
    if states:
        plans = planner.plan_batch(
            list(states.values()),
            budget_left(),
            horizon=query.horizon,
            seeds=[seeds[index] for index in states],
            allowed_actions=_allowed(query.action_mask, states),
            cancel=cancel,
        )
        for index, plan in zip(states, plans, strict=True):
            answers[index] = _as_told(query, index, plan)
    _raise_if_nothing_was_planned(list(answers.values()))
    return [answers[index] for index in range(len(query.rows))]


def _allowed(mask: np.ndarray | None, rows: Iterable[int]) -> list[list[int]] | None:
    """The true actions of these rows."""
    return None if mask is None else [np.flatnonzero(mask[index]).tolist() for index in rows]


def _as_told(
    query: BatchQuery, index: int, plan: Plan | MCTSServiceError
) -> Plan | MCTSServiceError:
    """A plan with its actions as they travel, and a wrong field by its name in the request."""
    if isinstance(plan, Plan):
        try:
            return travelling(query.model, plan)
        except MCTSServiceError as error:
            return error
    if not isinstance(plan, InvalidRequest):
        return plan
    names = {"state": query.rows[index].field, "allowed_actions": f"action_mask[{index}]"}
    first, *more = (
        FieldViolation(names.get(violation.field, violation.field), violation.description)
        for violation in plan.violations
    )
    renamed = InvalidRequest(first.field, first.description, *more)
    renamed.__cause__ = plan
    return renamed


def _raise_if_nothing_was_planned(answers: Sequence[Plan | MCTSServiceError]) -> None:
    if any(isinstance(answer, Plan) for answer in answers):
        return
    for answer in answers:
        if isinstance(answer, (DeadlineExpired, Cancelled)):
            raise answer

"""Plans the rows of a batch: those that can be read together, each other with its own error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    FieldViolation,
    InvalidRequest,
    MCTSServiceError,
)
from mcts_service.planning import MCTS, Budget, CancelFlag, Plans
from mcts_service.planning.plans import no_plans
from mcts_service.planning.together import GroupSteps
from mcts_service.service.actions import travelling_rows
from mcts_service.service.query import BatchQuery

__all__ = ["plan_rows"]


def plan_rows(
    planner: MCTS,
    query: BatchQuery,
    budget_left: Callable[[], Budget],
    seeds: Sequence[int],
    cancel: CancelFlag,
) -> GroupSteps[Plans]:
    """One entry a row: its plan, its actions as they travel, or why it has none.

    Yields what is to be run, see `MCTS.batch_steps`.

    Args:
      planner: of the query's model.
      budget_left: gives the query's budget with the time that is left, once the states are
        read; raises DeadlineExpired if none is.
      seeds: one a row.
    Raises:
      DeadlineExpired, Cancelled: one ended the search of a row, and no row has a plan.
    """
    errors: dict[int, MCTSServiceError] = {}
    states = {}
    for index, row in enumerate(query.rows):
        try:
            states[index] = row.read_state()
        except MCTSServiceError as error:
            errors[index] = error
    if not states:
        entry = query.model
        return no_plans(errors, (entry.action_spec.num_actions, entry.num_players))
    found_plans = yield from planner.batch_steps(
        list(states.values()),
        budget_left(),
        horizon=query.horizon,
        seeds=[seeds[index] for index in states],
        allowed_actions=_allowed(query.action_mask, states),
        cancel=cancel,
    )
    plans = travelling_rows(query.model, found_plans)
    rows = list(states)
    found = {rows[i]: _as_told(query, rows[i], error) for i, error in plans.errors.items()}
    if not plans.planned.any():
        _raise_if_stopped(found)
    return plans.placed(rows, len(query.rows), errors | found)


def _allowed(mask: np.ndarray | None, rows: Iterable[int]) -> list[list[int]] | None:
    """The true actions of these rows."""
    return None if mask is None else [np.flatnonzero(mask[index]).tolist() for index in rows]


def _as_told(query: BatchQuery, index: int, error: MCTSServiceError) -> MCTSServiceError:
    """A wrong field by its name in the request."""
    if not isinstance(error, InvalidRequest):
        return error
    names = {"state": query.rows[index].field, "allowed_actions": f"action_mask[{index}]"}
    first, *more = (
        FieldViolation(names.get(violation.field, violation.field), violation.description)
        for violation in error.violations
    )
    renamed = InvalidRequest(first.field, first.description, *more)
    renamed.__cause__ = error
    return renamed


def _raise_if_stopped(errors: Mapping[int, MCTSServiceError]) -> None:
    """Raises the first error, by rows, of a search that was ended."""
    for _, error in sorted(errors.items()):
        if isinstance(error, (DeadlineExpired, Cancelled)):
            raise error

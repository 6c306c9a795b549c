"""Plans of many states into the columns of one answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from google.rpc import status_pb2

from mcts_service.errors import MCTSServiceError, ModelFault
from mcts_service.models.spec import ValueKind
from mcts_service.planning import Plan
from mcts_service.rpc.convert_action import action_message
from mcts_service.rpc.convert_plan import STOP_REASONS, statistics_rows, write_statistics
from mcts_service.rpc.durations import write_duration
from mcts_service.rpc.status import error_status
from mcts_service.service.query import BatchOutcome, BatchQuery
from mcts_service.v1 import planner_pb2

__all__ = ["batch_response"]

#: The columns of the answer that hold a field of `ActionStatistics` each, in the order of its
#: fields after `action`, and what stands where there are none.
_COLUMNS: dict[str, Any] = {
    "visits": 0,
    "action_values": math.nan,
    "standard_errors": math.nan,
    "lower": math.nan,
    "upper": math.nan,
    "priors": math.nan,
    "proven": False,
}


def batch_response(
    query: BatchQuery, outcome: BatchOutcome, method: str
) -> planner_pb2.PlanBatchResponse:
    """The answer to a request.

    Args:
      method: the call's full name, for what a row writes to the log.
    """
    rows = [plan if isinstance(plan, Plan) else None for plan in outcome.plans]
    model = query.model
    first = next((plan for plan in rows if plan is not None), None)
    response = planner_pb2.PlanBatchResponse(
        values=[math.nan if plan is None else plan.value for plan in rows],
        simulations=_column(rows, "simulations"),
        nodes=_column(rows, "nodes"),
        depths=_column(rows, "depth"),
        bytes=_column(rows, "bytes"),
        stop_reasons=[
            planner_pb2.STOP_REASON_UNSPECIFIED if plan is None else STOP_REASONS[plan.stop_reason]
            for plan in rows
        ],
        seeds=outcome.seeds,
        deterministic=_column(rows, "deterministic"),
        errors=_row_errors(outcome.plans, method),
        recipe="" if first is None else first.recipe,
        recipe_reason="" if first is None else first.recipe_reason,
        discount=0.0 if first is None else first.discount,
        model=planner_pb2.ModelId(name=model.name, version=model.version),
        request_id=query.request_id,
        warnings=[
            planner_pb2.RowWarnings(row=row, warnings=plan.warnings)
            for row, plan in enumerate(rows)
            if plan is not None and plan.warnings
        ],
    )
    write_duration(response.queue_time, outcome.queue_time)
    write_duration(response.search_time, outcome.search_time)
    for plan in rows:
        response.player_values.extend(
            [0.0] * model.num_players if plan is None else plan.player_values
        )
    if model.action_spec.kind == "discrete":
        _write_numbered_actions(response, rows, model.action_spec.num_actions)
    else:
        response.labelled_rows.extend(_labelled_row(model.action_spec.kind, plan) for plan in rows)
    return response


def _column(rows: Sequence[Plan | None], attribute: str) -> list[Any]:
    """A number of each plan; 0 where there is none."""
    return [0 if plan is None else getattr(plan, attribute) for plan in rows]


def _write_numbered_actions(
    response: planner_pb2.PlanBatchResponse, rows: Sequence[Plan | None], num_actions: int
) -> None:
    """What is known of each action of each row, as columns."""
    response.actions.extend(-1 if plan is None else plan.action for plan in rows)
    response.num_actions = num_actions
    known = [
        (row * num_actions + action, *statistics)
        for row, plan in enumerate(rows)
        if plan is not None
        for action, *statistics in statistics_rows(plan.actions)
    ]
    places, *columns = zip(*known, strict=True) if known else [()] * (1 + len(_COLUMNS))
    at = np.array(places, np.int64)
    legal = np.zeros(len(rows) * num_actions, bool)
    legal[at] = True
    response.legal.extend(legal.tolist())
    for (column, otherwise), values in zip(_COLUMNS.items(), columns, strict=True):
        entries = np.full(legal.shape, otherwise)
        entries[at] = values
        getattr(response, column).extend(entries.tolist())


def _labelled_row(kind: ValueKind, plan: Plan | None) -> planner_pb2.LabelledRow:
    """The same of one row whose actions have labels."""
    if plan is None:
        return planner_pb2.LabelledRow()
    row = planner_pb2.LabelledRow(action=action_message(kind, plan.action))
    for known in plan.actions:
        row.actions.add(action=action_message(kind, known.action))
    write_statistics(row.actions, plan.actions)
    return row


def _row_errors(
    plans: Sequence[Plan | MCTSServiceError], method: str
) -> list[planner_pb2.RowError]:
    """Why rows have no plan. A model that breaks in the same way in all is logged once."""
    faults: dict[str, status_pb2.Status] = {}
    errors = []
    for row, error in enumerate(plans):
        if isinstance(error, Plan):
            continue
        if isinstance(error, ModelFault):
            status = faults.get(str(error)) or error_status(error, method)
            faults[str(error)] = status
        else:
            status = error_status(error, method)
        errors.append(planner_pb2.RowError(row=row, status=status))
    return errors

"""Plans of many states into the columns of one answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from google.rpc import status_pb2

from mcts_service.errors import MCTSServiceError, ModelFault
from mcts_service.models.spec import ValueKind
from mcts_service.planning import Plan
from mcts_service.rpc.convert_action import action_message
from mcts_service.rpc.convert_plan import STOP_REASONS, write_statistics
from mcts_service.rpc.durations import write_duration
from mcts_service.rpc.status import error_status
from mcts_service.service.query import BatchOutcome, BatchQuery
from mcts_service.v1 import planner_pb2

__all__ = ["batch_response"]

_FIELD_NUMBERS = {
    field.name: field.number for field in planner_pb2.PlanBatchResponse.DESCRIPTOR.fields
}

#: Columns of the answer that are named as those of `Plans` are: doubles, flags and integers.
_OF_ROWS = (
    ("values", "player_values"),
    ("deterministic",),
    ("simulations", "nodes", "depths", "bytes"),
)
#: The same of a model that numbers its actions.
_OF_ACTIONS = (
    ("action_values", "standard_errors", "lower", "upper", "priors"),
    ("legal", "proven"),
    ("actions", "visits"),
)


def batch_response(
    query: BatchQuery, outcome: BatchOutcome, method: str
) -> planner_pb2.PlanBatchResponse:
    """The answer to a request.

    Args:
      method: the call's full name, for what a row writes to the log.
    """
    plans, model = outcome.plans, query.model
    is_numbered = model.action_spec.kind == "discrete"
    response = planner_pb2.PlanBatchResponse()
    for doubles, flags, integers in (_OF_ROWS, _OF_ACTIONS) if is_numbered else (_OF_ROWS,):
        parts = [_packed(name, getattr(plans, name).astype("<f8")) for name in doubles]
        parts += [_packed(name, getattr(plans, name).astype(np.uint8)) for name in flags]
        response.MergeFromString(b"".join(parts))
        for name in integers:
            getattr(response, name).extend(getattr(plans, name).ravel().tolist())
    response.stop_reasons.extend(
        planner_pb2.STOP_REASON_UNSPECIFIED if reason is None else STOP_REASONS[reason]
        for reason in plans.stop_reasons
    )
    response.seeds.extend(outcome.seeds)
    response.errors.extend(_row_errors(plans.errors, method))
    for row, warnings in plans.warnings.items():
        response.warnings.add(row=row, warnings=warnings)
    if plans.planned.any():
        first = plans[int(plans.planned.argmax())]
        assert isinstance(first, Plan)
        response.recipe, response.recipe_reason = first.recipe, first.recipe_reason
        response.discount = first.discount
    response.model.name, response.model.version = model.name, model.version
    response.request_id = query.request_id
    write_duration(response.queue_time, outcome.queue_time)
    write_duration(response.search_time, outcome.search_time)
    if is_numbered:
        response.num_actions = model.action_spec.num_actions
    else:
        response.labelled_rows.extend(_labelled_row(model.action_spec.kind, plan) for plan in plans)
    return response


def _packed(name: str, column: np.ndarray) -> bytes:
    """A repeated field of the answer as it travels, of numbers that do so as they lie in memory.

    Doubles do, and flags as bytes. To write them out is many times as fast as number by number.
    """
    data = column.tobytes()
    # 2: what follows is its length and its bytes.
    return _varint(_FIELD_NUMBERS[name] << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte have the eighth set."""
    found = []
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _labelled_row(kind: ValueKind, plan: Plan | MCTSServiceError) -> planner_pb2.LabelledRow:
    """What is known of each action of a row whose actions have labels."""
    if not isinstance(plan, Plan):
        return planner_pb2.LabelledRow()
    row = planner_pb2.LabelledRow(action=action_message(kind, plan.action))
    for known in plan.actions:
        row.actions.add(action=action_message(kind, known.action))
    write_statistics(row.actions, plan.actions)
    return row


def _row_errors(
    row_errors: Mapping[int, MCTSServiceError], method: str
) -> list[planner_pb2.RowError]:
    """Why rows have no plan. A model that breaks in the same way in all is logged once."""
    faults: dict[str, status_pb2.Status] = {}
    errors = []
    for row, error in sorted(row_errors.items()):
        if isinstance(error, ModelFault):
            status = faults.get(str(error)) or error_status(error, method)
            faults[str(error)] = status
        else:
            status = error_status(error, method)
        errors.append(planner_pb2.RowError(row=row, status=status))
    return errors

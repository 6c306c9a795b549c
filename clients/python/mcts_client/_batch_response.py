"""The response to a request for many plans, read into NumPy's columns."""

from __future__ import annotations

import numpy as np

from mcts_client._responses import action_statistics, seconds, stop_reason
from mcts_client._status import error_of_status
from mcts_client._values import read_value
from mcts_client.errors import MCTSServiceError
from mcts_client.results import BatchPlan, ModelId
from mcts_service.v1 import planner_pb2

__all__ = ["batch_plan"]


def batch_plan(response: planner_pb2.PlanBatchResponse) -> BatchPlan:
    """A `PlanBatchResponse` as a `BatchPlan`.

    Raises:
      MCTSServiceError: its columns are not of one length.
    """
    try:
        return _read(response)
    except ValueError as error:
        raise MCTSServiceError(
            f"the server sent columns that do not hold together: {error}"
        ) from error


def _read(response: planner_pb2.PlanBatchResponse) -> BatchPlan:
    rows = len(response.values)
    table = (rows, response.num_actions)
    return BatchPlan(
        actions=_actions(response),
        values=np.array(response.values).reshape(rows),
        player_values=np.array(response.player_values).reshape(
            rows, len(response.player_values) // max(rows, 1)
        ),
        legal=np.array(response.legal, bool).reshape(table),
        visits=np.array(response.visits, np.int64).reshape(table),
        action_values=np.array(response.action_values, np.float64).reshape(table),
        standard_errors=np.array(response.standard_errors, np.float64).reshape(table),
        lower=np.array(response.lower, np.float64).reshape(table),
        upper=np.array(response.upper, np.float64).reshape(table),
        priors=np.array(response.priors, np.float64).reshape(table),
        proven=np.array(response.proven, bool).reshape(table),
        simulations=np.array(response.simulations, np.int64).reshape(rows),
        nodes=np.array(response.nodes, np.int64).reshape(rows),
        depths=np.array(response.depths, np.int64).reshape(rows),
        bytes=np.array(response.bytes, np.int64).reshape(rows),
        stop_reasons=tuple(
            None if number == planner_pb2.STOP_REASON_UNSPECIFIED else stop_reason(number)
            for number in response.stop_reasons
        ),
        seeds=np.array(response.seeds, np.uint64).reshape(rows),
        deterministic=np.array(response.deterministic, bool).reshape(rows),
        labelled=tuple(
            tuple(action_statistics(action) for action in row.actions)
            for row in response.labelled_rows
        ),
        errors={
            error.row: error_of_status(error.status, "the server", response.model.name)
            for error in response.errors
        },
        recipe=response.recipe,
        recipe_reason=response.recipe_reason,
        discount=response.discount,
        queue_time=seconds(response.queue_time),
        search_time=seconds(response.search_time),
        model=ModelId(response.model.name, response.model.version),
        request_id=response.request_id,
        warnings={row.row: tuple(row.warnings) for row in response.warnings},
    )


def _actions(response: planner_pb2.PlanBatchResponse) -> np.ndarray:
    """The recommended actions: numbers, or labels, None of a row without a plan."""
    rows = len(response.values)
    if not response.labelled_rows:
        return np.array(response.actions, np.int64).reshape(rows)
    labels = np.empty(rows, object)
    for row, labelled in enumerate(response.labelled_rows):
        labels[row] = read_value(labelled.action) if labelled.HasField("action") else None
    return labels

"""Requests for PlanBatch, and what is looked for in their answers."""

import math

import grpc
import numpy as np
import pytest
from google.protobuf.json_format import Parse
from google.protobuf.struct_pb2 import Value
from google.rpc import error_details_pb2

from mcts_service.rpc.tensors import tensor_from_array
from mcts_service.v1.planner_pb2 import (
    ActionStatistics,
    Budget,
    DiscreteStates,
    PlanBatchRequest,
    State,
    StateList,
)

LONG = Budget(simulations=1_000_000)


def request_of(model="corridor", states=(4, 5), **fields):
    """Integers travel as `discrete`, an array as `tensor`, all else as `list`."""
    if isinstance(states, np.ndarray):
        fields["tensor"] = tensor_from_array(states)
    elif all(isinstance(state, int) for state in states):
        fields["discrete"] = DiscreteStates(values=states)
    else:
        fields["list"] = StateList(states=states)
    fields.setdefault("budget", Budget(simulations=100))
    return PlanBatchRequest(model=model, **fields)


def plan_batch(served, *arguments, timeout=60, **fields):
    """The answer to `request_of` the same."""
    return served.stub.PlanBatch(request_of(*arguments, **fields), timeout=timeout)


def error_of(served, request, timeout=60):
    """The error that PlanBatch ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        served.stub.PlanBatch(request, timeout=timeout)
    return caught.value


def violations_of(status):
    """{field: description} of the BadRequest in a google.rpc.Status."""
    found = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(found)
    return {violation.field: violation.description for violation in found.field_violations}


def json_state(text):
    return State(json=Parse(text, Value()))


def statistic(action, field):
    """A number of an action's statistics; NaN where it may be absent and is."""
    may_be_absent = action.DESCRIPTOR.fields_by_name[field].has_presence
    return math.nan if may_be_absent and not action.HasField(field) else getattr(action, field)


def assert_row_is_plan(batch, row, plan):
    """Number for number, times aside."""
    count = batch.num_actions
    columns = slice(row * count, (row + 1) * count)
    legal = batch.legal[columns]
    assert [action.action.discrete for action in plan.actions] == np.flatnonzero(legal).tolist()
    known = {action.action.discrete: action for action in plan.actions}
    for column, field in (
        (batch.visits, "visits"),
        (batch.action_values, "value"),
        (batch.standard_errors, "standard_error"),
        (batch.lower, "lower"),
        (batch.upper, "upper"),
        (batch.priors, "prior"),
        (batch.proven, "proven"),
    ):
        expected = [
            statistic(known.get(action, ActionStatistics()), field) for action in range(count)
        ]
        np.testing.assert_array_equal(column[columns], expected)
    players = len(plan.player_values)
    assert batch.player_values[row * players : (row + 1) * players] == plan.player_values
    assert batch.actions[row] == plan.action.discrete
    assert batch.values[row] == plan.value
    for column, field in (
        (batch.simulations, plan.simulations),
        (batch.nodes, plan.nodes),
        (batch.depths, plan.depth),
        (batch.bytes, plan.bytes),
        (batch.stop_reasons, plan.stop_reason),
        (batch.seeds, plan.seed),
        (batch.deterministic, plan.deterministic),
    ):
        assert column[row] == field
    assert batch.recipe == plan.recipe
    assert batch.model == plan.model

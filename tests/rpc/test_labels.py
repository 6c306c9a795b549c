"""Models that label their actions, over the wire: as JSON, or as bytes of their own encoding."""

import grpc
import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict, Parse
from google.protobuf.struct_pb2 import Value
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from served_models import Crew, Orders, Streets, entry_of

from mcts_service.planning import MCTS
from mcts_service.planning import Budget as PlannerBudget
from mcts_service.rpc.convert_state import state_message
from mcts_service.rpc.tensors import tensor_from_array
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import (
    Action,
    ActionSet,
    Budget,
    DiscreteStates,
    GetModelRequest,
    PlanBatchRequest,
    State,
    StateList,
)

START = State(json=Parse("[0, 1]", Value()))


def json_action(text):
    return Action(json=Parse(text, Value()))


def allowed(*actions):
    return ActionSet(actions=[json_action(a) if isinstance(a, str) else a for a in actions])


def as_lists(label):
    return [as_lists(part) for part in label] if isinstance(label, tuple) else label


def written(action):
    """What a message says of an action, in Python."""
    if action.WhichOneof("kind") == "opaque":
        return action.opaque
    assert action.WhichOneof("kind") == "json"
    return MessageToDict(action.json)


def violations_of(error):
    found = error_details_pb2.BadRequest()
    assert rpc_status.from_call(error).details[0].Unpack(found)
    return {violation.field: violation.description for violation in found.field_violations}


@pytest.mark.parametrize(
    ("name", "model", "form"),
    [
        ("streets", Streets(), as_lists),
        ("orders", Orders(), as_lists),
        ("crew", Crew(), Crew().encode_action),
    ],
)
def test_a_plan_speaks_in_the_models_own_labels(served, name, model, form):
    entry = served.registry.find(name)
    plan = MCTS(model).plan(entry.example, PlannerBudget(simulations=200), seed=4)
    response = served.plan(
        name, state_message(entry, entry.example), seed=4, budget=Budget(simulations=200)
    )
    assert written(response.action) == form(plan.action)
    assert [(written(one.action), one.visits) for one in response.actions] == [
        (form(one.action), one.visits) for one in plan.actions
    ]
    assert [written(step.action) for step in response.principal_variation] == [
        form(step.action) for step in plan.principal_variation
    ]
    assert response.value == plan.value


def test_the_kind_of_labels_is_told(served):
    kinds = {
        name: served.stub.GetModel(GetModelRequest(model=name), timeout=60).action_spec
        for name in ("streets", "orders", "crew")
    }
    assert kinds["streets"].kind == kinds["orders"].kind == planner_pb2.VALUE_KIND_JSON
    assert kinds["crew"].kind == planner_pb2.VALUE_KIND_OPAQUE
    assert kinds["streets"].num_actions == 0
    assert kinds["streets"].description.startswith("a string, a finite number, true")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('["ship", 2, ["by", "road"]]', ["ship", 2, ["by", "road"]]),
        ('"buy"', "buy"),
        ("1.5", 1.5),
        ("7", 7),
        ("true", True),
        ("null", None),
    ],
)
def test_a_label_that_a_plan_gave_can_be_sent_back(served, text, label):
    response = served.plan("orders", 3, allowed_actions=allowed(text))
    assert [written(one.action) for one in response.actions] == [label]
    again = served.plan("orders", 3, allowed_actions=ActionSet(actions=[response.action]))
    assert again.action == response.action


def test_an_integer_label_may_be_sent_as_an_integer(served):
    response = served.plan("orders", 3, allowed_actions=allowed(Action(discrete=7)))
    assert written(response.action) == 7


def test_bytes_of_a_plan_can_be_sent_back(served):
    response = served.plan("crew", 0, allowed_actions=allowed(Action(opaque=b"\0\2")))
    assert [one.action.opaque for one in response.actions] == [b"\0\2"]


def test_the_choice_keeps_the_models_order(served):
    response = served.plan("streets", START, allowed_actions=allowed('"west"', '"east"'))
    assert [written(one.action) for one in response.actions] == ["east", "west"]


RIGHT = "model streets takes json, a string, a finite number, true, false, null or a list of those"


@pytest.mark.parametrize(
    ("model", "actions", "field", "description"),
    [
        ("streets", [], "allowed_actions", "is empty; must name at least one action"),
        ("streets", [Action()], "allowed_actions.actions[0]", f"is empty; {RIGHT}"),
        ("streets", [Action(opaque=b"x")], "allowed_actions.actions[0]", f"is opaque; {RIGHT}"),
        ("streets", ['{"to": "east"}'], "allowed_actions.actions[0].json",
         "is {'to': 'east'}; a label is a string"),
        ("streets", ['["a", {}]'], "allowed_actions.actions[0].json[1]", "is {}; a label is"),
        ("streets", [Action(json=Value(number_value=float("nan")))],
         "allowed_actions.actions[0].json", "is nan; must be a finite number"),
        ("streets", ['"east"', '"east"'], "allowed_actions.actions[1]",
         "repeats action 'east' of actions[0]"),
        ("streets", ['"east"'] * 1025, "allowed_actions",
         "has 1025 actions; model streets has 1024 at most"),
        ("crew", ['"east"'], "allowed_actions.actions[0]", "is json; model crew takes opaque"),
        ("crew", [Action(opaque=b"\7")], "allowed_actions.actions[0].opaque",
         "is b'\\x07'; a member is 0, 1 or 2"),
        ("crew", [Action(opaque=b"")], "allowed_actions.actions[0].opaque",
         "is b''; the model reads no label from it"),
        ("crew", [Action(opaque=b"\0\2"), Action(opaque=b"\2\0")], "allowed_actions.actions[1]",
         "repeats action frozenset({0, 2}) of actions[0]"),
    ],
)  # fmt: skip
def test_a_label_that_is_none_is_named(served, model, actions, field, description):
    state = START if model == "streets" else 0
    error = served.error(model, state, allowed_actions=allowed(*actions))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith(f"{field}: {description}")
    assert list(violations_of(error)) == [field]


def test_a_label_that_is_no_action_of_the_state_leaves_nothing_to_plan(served):
    error = served.error("streets", START, allowed_actions=allowed('"north"'))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    error = served.error("streets", START, allowed_actions=allowed('"up"'))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION


class LateLabels(Streets):
    """Its labels can travel at the start, and later not."""

    def actions(self, state):
        return ["north", "east"] if state == (0, 1) else [frozenset({1})]

    def sample(self, state, action, rng):
        return (1, 1), 0.0, False


def test_a_label_that_cannot_travel_is_the_models_fault(server_of, caplog):
    with server_of(Registry([entry_of(LateLabels(), "late")])) as served:
        error = served.error("late", State(json=Parse("[1, 1]", Value())))
        request = PlanBatchRequest(model="late", list=StateList(states=[START] * 2))
        batch = served.stub.PlanBatch(request, timeout=60)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details().startswith("internal error ")
    assert {row.status.code for row in batch.errors} == {grpc.StatusCode.INTERNAL.value[0]}
    assert "frozenset({1}) is of type frozenset, which JSON has not" in caplog.text


@pytest.mark.parametrize("name", ["orders", "crew"])
def test_rows_of_a_batch_are_plans(served, name):
    request = PlanBatchRequest(
        model=name,
        discrete=DiscreteStates(values=[0, 99, 2]),
        seeds=[1, 2, 3],
        budget=Budget(simulations=100),
    )
    batch = served.stub.PlanBatch(request, timeout=60)
    assert [error.row for error in batch.errors] == [1]
    for column in (batch.actions, batch.legal, batch.visits, batch.action_values):
        assert not column
    assert batch.num_actions == 0
    assert batch.labelled_rows[1] == planner_pb2.LabelledRow()
    for row, (state, seed) in {0: (0, 1), 2: (2, 3)}.items():
        plan = served.plan(name, state, seed=seed)
        assert batch.labelled_rows[row] == planner_pb2.LabelledRow(
            action=plan.action, actions=plan.actions
        )
        assert batch.values[row] == plan.value
        assert batch.simulations[row] == 100


def test_a_mask_has_no_meaning_for_labels(served):
    request = PlanBatchRequest(
        model="orders",
        discrete=DiscreteStates(values=[0]),
        action_mask=tensor_from_array(np.ones((1, 3), bool)),
    )
    with pytest.raises(grpc.RpcError) as caught:
        served.stub.PlanBatch(request, timeout=60)
    assert caught.value.details().startswith(
        "action_mask: is set, and model orders labels its actions; must be absent"
    )

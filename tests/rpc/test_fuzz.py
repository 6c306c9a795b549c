"""Requests that nobody thought of: each ends in a plan or in a status that blames the caller."""

import grpc
import pytest
from google.protobuf.struct_pb2 import ListValue, Value
from hypothesis import given, settings
from hypothesis import strategies as st
from served_models import Corridor, Grid, Panel, Point, entry_of

from mcts_service.models import make
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import Action, Budget, PlanRequest, SearchOptions, State, Tensor

BLAMES_THE_CALLER = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
MODELS = {
    "corridor": Corridor(),
    "grid": Grid(),
    "point": Point(),
    "panel": Panel(),
    "taxi": make("taxi"),
    "cart_pole": make("cart_pole"),
    "tic_tac_toe": make("tic_tac_toe"),
    "connect_four": make("connect_four"),
}


@pytest.fixture(scope="module")
def plan(server_of):
    limits = {"max_simulations": 50, "default_simulations": 50, "max_time_limit_seconds": 10.0}
    entries = [entry_of(model, name, **limits) for name, model in MODELS.items()]
    with server_of(Registry(entries)) as served:
        yield served.channel.unary_unary("/mcts_service.v1.PlannerService/Plan")


def assert_plan_or_blame(plan, data):
    call = plan.future(data, timeout=60)
    error = call.exception()
    if error is None:
        assert 1 <= planner_pb2.PlanResponse.FromString(call.result()).simulations <= 50
    else:
        assert error.code() in BLAMES_THE_CALLER, error
        assert error.details()


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda values: st.lists(values, max_size=4),
    max_leaves=12,
)


def json_message(value):
    if value is None:
        return Value(null_value=0)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, float):
        return Value(number_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    return Value(list_value=ListValue(values=[json_message(item) for item in value]))


int64s = st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 600)
int32s = st.integers(-(2**31), 2**31 - 1) | st.integers(-2, 600)
tensors = st.builds(
    Tensor,
    dtype=st.integers(-1, 12),
    shape=st.sampled_from([[3, 3], [6, 7], [4], [2], [], [-1], [2**62, 2**62]]),
    data=st.binary(max_size=64) | st.sampled_from([bytes(9), bytes(42), bytes(32), bytes(16)]),
)
kinds = [
    st.builds(lambda n: {"discrete": n}, int64s),
    st.builds(lambda t: {"tensor": t}, tensors),
    st.builds(lambda b: {"opaque": b}, st.binary(max_size=8)),
    st.builds(lambda v: {"json": json_message(v)}, json_values),
    st.just({}),
]
budgets = st.builds(
    Budget,
    simulations=st.none() | int64s,
    max_bytes=st.none() | int64s,
)
requests = st.builds(
    PlanRequest,
    model=st.sampled_from([*MODELS]) | st.text(max_size=8),
    state=st.one_of(kinds).map(lambda kind: State(**kind)),
    budget=st.none() | budgets,
    horizon=st.none() | int32s,
    options=st.none()
    | st.builds(
        SearchOptions,
        exploration=st.none() | st.floats(),
        max_depth=st.none() | int32s,
        evaluation=st.integers(-1, 5),
        backup=st.integers(-1, 3),
        sharing=st.integers(-1, 4),
        preset=st.sampled_from(["", "uct", "dp_uct", "graph"]) | st.text(max_size=8),
    ),
    seed=st.none() | st.integers(0, 2**64 - 1),
    allowed_actions=st.none()
    | st.lists(st.one_of(kinds).map(lambda kind: Action(**kind)), max_size=3).map(
        lambda actions: planner_pb2.ActionSet(actions=actions)
    ),
    request_id=st.text(max_size=8),
)


@settings(max_examples=300, deadline=None)
@given(request=requests)
def test_any_request_ends_in_a_plan_or_blames_the_caller(plan, request):
    assert_plan_or_blame(plan, request.SerializeToString())


@settings(max_examples=300, deadline=None)
@given(request=requests, position=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_request_with_a_wrong_byte_ends_in_a_plan_or_blames_the_caller(
    plan, request, position, byte
):
    data = bytearray(request.SerializeToString())
    data[position : position + 1] = bytes([byte])
    assert_plan_or_blame(plan, bytes(data))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_end_in_a_plan_or_blame_the_caller(plan, data):
    assert_plan_or_blame(plan, data)

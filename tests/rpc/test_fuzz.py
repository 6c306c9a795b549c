"""Requests that nobody thought of: each ends in a plan or in a status that blames the caller."""

from contextlib import suppress

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import ListValue, Value
from hypothesis import given, settings
from hypothesis import strategies as st
from served_models import Corridor, Crew, Grid, Herd, Orders, Panel, Point, Streets, entry_of

from mcts_service.models import make
from mcts_service.planning import SearchConfig
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
    "herd": Herd(),
    "streets": Streets(),
    "orders": Orders(),
    "crew": Crew(),
    "taxi": make("taxi"),
    "cart_pole": make("cart_pole"),
    "tic_tac_toe": make("tic_tac_toe"),
    "connect_four": make("connect_four"),
}


@pytest.fixture(scope="module")
def channel(server_of):
    limits = {"max_simulations": 50, "default_simulations": 10, "max_time_limit_seconds": 10.0}
    entries = [entry_of(model, name, **limits) for name, model in MODELS.items()]
    with server_of(Registry(entries)) as served:
        yield served.channel


@pytest.fixture(scope="module")
def plan(channel):
    return channel.unary_unary("/mcts_service.v1.PlannerService/Plan")


@pytest.fixture(scope="module")
def plan_batch(channel):
    return channel.unary_unary("/mcts_service.v1.PlannerService/PlanBatch")


@pytest.fixture(scope="module")
def watch_plan(channel):
    return channel.unary_stream("/mcts_service.v1.PlannerService/WatchPlan")


@pytest.fixture(scope="module")
def plan_many(channel):
    return channel.stream_stream("/mcts_service.v1.PlannerService/PlanMany")


def assert_plan_or_blame(plan, data):
    call = plan.future(data, timeout=60)
    error = call.exception()
    if error is None:
        assert 1 <= planner_pb2.PlanResponse.FromString(call.result()).simulations <= 50
    else:
        assert error.code() in BLAMES_THE_CALLER, error
        assert error.details()


def assert_plans_or_blame(plan_batch, data):
    """Every row of an answer has a plan or an error, and all columns one length."""
    call = plan_batch.future(data, timeout=60)
    error = call.exception()
    if error is not None:
        assert error.code() in BLAMES_THE_CALLER, error
        assert error.details()
        return
    batch = planner_pb2.PlanBatchResponse.FromString(call.result())
    rows = len(batch.values)
    assert len(batch.actions) == (0 if batch.labelled_rows else rows)
    failed = {error.row for error in batch.errors}
    assert failed == {row for row, action in enumerate(batch.actions) if action < 0} | {
        row for row, labelled in enumerate(batch.labelled_rows) if not labelled.HasField("action")
    }
    codes = {code.value[0] for code in BLAMES_THE_CALLER}
    assert all(error.status.code in codes and error.status.message for error in batch.errors)
    for column in (batch.values, batch.simulations, batch.nodes, batch.depths, batch.bytes,
                   batch.stop_reasons, batch.seeds, batch.deterministic):  # fmt: skip
        assert len(column) == rows
    for column in (batch.legal, batch.visits, batch.action_values):
        assert len(column) == rows * batch.num_actions


def until_the_end(call):
    """The answers of a stream, however it ends."""
    with suppress(grpc.RpcError):
        yield from call


def assert_watched_or_blame(watch_plan, data):
    """Plans, of which the last one alone is final."""
    call = watch_plan(data, timeout=60)
    answers = [planner_pb2.WatchPlanResponse.FromString(answer) for answer in until_the_end(call)]
    if call.code() is grpc.StatusCode.OK:
        assert [answer.final for answer in answers] == [False] * (len(answers) - 1) + [True]
    else:
        assert call.code() in BLAMES_THE_CALLER, call
        assert call.details()
        assert not any(answer.final for answer in answers)


def assert_each_answered_or_blame(plan_many, messages):
    """As many answers as plans, under their names, unless the stream itself is to blame."""
    call = plan_many(iter(messages), timeout=60)
    answers = [planner_pb2.PlanManyResponse.FromString(answer) for answer in until_the_end(call)]
    if call.code() is not grpc.StatusCode.OK:
        assert call.code() is grpc.StatusCode.INVALID_ARGUMENT, call
        assert call.details()
        return
    requests = list(map(planner_pb2.PlanManyRequest.FromString, messages))
    asked = [request for request in requests if request.WhichOneof("kind") != "cancel"]
    assert len(answers) == len(asked)
    names = [request.request_id for request in asked]
    assert {answer.request_id for answer in answers} <= {*names, ""}
    allowed = {code.value[0] for code in (*BLAMES_THE_CALLER, grpc.StatusCode.CANCELLED)}
    for answer in answers:
        assert answer.WhichOneof("outcome") == "plan" or answer.error.code in allowed, answer


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
states = st.one_of(kinds).map(lambda kind: State(**kind))
#: Values of a setting by the type of its field, half of them in most settings' range.
values_of_type = {
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_DOUBLE: st.floats(0, 1) | st.floats(),
    FieldDescriptor.TYPE_ENUM: st.integers(-1, 8),
    FieldDescriptor.TYPE_INT32: st.integers(1, 20) | int32s,
    FieldDescriptor.TYPE_STRING: st.sampled_from(SearchConfig.presets()) | st.text(max_size=8),
}
# A few at a time: of all together, one would always be wrong.
options = st.lists(
    st.sampled_from([*SearchOptions.DESCRIPTOR.fields]).flatmap(
        lambda field: st.tuples(st.just(field.name), values_of_type[field.type])
    ),
    max_size=4,
).map(lambda given: SearchOptions(**dict(given)))
settings_of_a_request = {
    "model": st.sampled_from([*MODELS]) | st.text(max_size=8),
    "budget": st.none() | budgets,
    "horizon": st.none() | int32s,
    "options": st.none() | options,
    "request_id": st.text(max_size=8),
    "priority": int32s | st.integers(-100, 100),
}
requests = st.builds(
    PlanRequest,
    **settings_of_a_request,
    session_id=st.text(max_size=8),
    state=states,
    seed=st.none() | st.integers(0, 2**64 - 1),
    allowed_actions=st.none()
    | st.lists(st.one_of(kinds).map(lambda kind: Action(**kind)), max_size=3).map(
        lambda actions: planner_pb2.ActionSet(actions=actions)
    ),
)
stacks = st.builds(
    lambda rows, shape, tensor: Tensor(
        dtype=tensor.dtype, shape=[rows, *shape], data=tensor.data * max(0, min(rows, 3))
    ),
    st.integers(-1, 3) | st.just(2**62),
    st.sampled_from([[3, 3], [6, 7], [4], [2], []]),
    tensors,
)
batch_requests = st.builds(
    lambda kind, **fields: planner_pb2.PlanBatchRequest(**kind, **fields),
    st.one_of(
        st.builds(lambda t: {"tensor": t}, stacks | tensors),
        st.lists(int64s, max_size=4).map(
            lambda values: {"discrete": planner_pb2.DiscreteStates(values=values)}
        ),
        st.lists(states, max_size=4).map(lambda rows: {"list": planner_pb2.StateList(states=rows)}),
        st.just({}),
    ),
    **settings_of_a_request,
    seeds=st.lists(st.integers(0, 2**64 - 1), max_size=4),
    action_mask=st.none()
    | tensors
    | st.builds(
        lambda rows, actions: Tensor(
            dtype=planner_pb2.DTYPE_BOOL, shape=[rows, actions], data=b"\1" * (rows * actions)
        ),
        st.integers(0, 4),
        st.sampled_from([2, 3, 4, 6, 7, 9]),
    ),
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


@settings(max_examples=300, deadline=None)
@given(request=batch_requests)
def test_any_batch_ends_in_plans_or_blames_the_caller(plan_batch, request):
    assert_plans_or_blame(plan_batch, request.SerializeToString())


@settings(max_examples=300, deadline=None)
@given(request=batch_requests, position=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_batch_with_a_wrong_byte_ends_in_plans_or_blames_the_caller(
    plan_batch, request, position, byte
):
    data = bytearray(request.SerializeToString())
    data[position : position + 1] = bytes([byte])
    assert_plans_or_blame(plan_batch, bytes(data))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_for_a_batch_end_in_plans_or_blame_the_caller(plan_batch, data):
    assert_plans_or_blame(plan_batch, data)


durations = st.none() | st.builds(Duration, seconds=st.integers(-1, 2) | int64s, nanos=int32s)
watch_requests = st.builds(
    planner_pb2.WatchPlanRequest, plan=st.none() | requests, interval=durations
)
many_requests = st.builds(
    lambda kind, **fields: planner_pb2.PlanManyRequest(**kind, **fields),
    st.one_of(
        requests.map(lambda plan: {"plan": plan}),
        st.just({"cancel": planner_pb2.CancelPlan()}),
        st.just({}),
    ),
    request_id=st.sampled_from(["", "a", "b", "c"]) | st.text(max_size=300),
    timeout=durations,
)


@settings(max_examples=200, deadline=None)
@given(request=watch_requests)
def test_any_watch_ends_in_one_final_plan_or_blames_the_caller(watch_plan, request):
    assert_watched_or_blame(watch_plan, request.SerializeToString())


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_for_a_watch_end_in_plans_or_blame_the_caller(watch_plan, data):
    assert_watched_or_blame(watch_plan, data)


@settings(max_examples=200, deadline=None)
@given(messages=st.lists(many_requests, max_size=8))
def test_any_plans_of_a_stream_are_each_answered(plan_many, messages):
    assert_each_answered_or_blame(plan_many, [one.SerializeToString() for one in messages])


@settings(max_examples=200, deadline=None)
@given(
    messages=st.lists(many_requests, min_size=1, max_size=4),
    which=st.integers(0, 3),
    position=st.integers(0, 200),
    byte=st.integers(0, 255),
)
def test_a_stream_with_a_wrong_byte_is_answered_or_blamed(
    plan_many, messages, which, position, byte
):
    data = [bytearray(one.SerializeToString()) for one in messages]
    data[which % len(data)][position : position + 1] = bytes([byte])
    assert_each_answered_or_blame(plan_many, [bytes(one) for one in data])

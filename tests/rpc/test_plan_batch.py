"""PlanBatch, answered by a real server: each row as Plan gives it, and as its own if it fails."""

import math
import struct
import time

import grpc
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import Parse
from google.protobuf.struct_pb2 import Value
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from served_models import Corridor, Faulty, Gated, Slow, entry_of

from mcts_service.rpc.convert_state import state_message
from mcts_service.rpc.tensors import tensor_from_array
from mcts_service.service.margin import DeadlineMargin
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import (
    Action,
    ActionSet,
    Budget,
    DiscreteStates,
    GetModelRequest,
    PlanBatchRequest,
    PlanRequest,
    SearchOptions,
    State,
    StateList,
    Tensor,
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
    return served.stub.PlanBatch(request_of(*arguments, **fields), timeout=timeout)


def error_of(served, request, timeout=60):
    """The error that PlanBatch ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        served.stub.PlanBatch(request, timeout=timeout)
    return caught.value


def violations_of(status):
    found = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(found)
    return {violation.field: violation.description for violation in found.field_violations}


def json_state(text):
    return State(json=Parse(text, Value()))


def assert_row_is_plan(batch, row, plan):
    """Number for number, times aside."""
    count = batch.num_actions
    columns = slice(row * count, (row + 1) * count)
    legal = batch.legal[columns]
    assert [action.action.discrete for action in plan.actions] == np.flatnonzero(legal).tolist()
    visits, values = [0] * count, [math.nan] * count
    for action in plan.actions:
        visits[action.action.discrete] = action.visits
        if action.HasField("value"):
            values[action.action.discrete] = action.value
    assert batch.visits[columns] == visits
    np.testing.assert_array_equal(batch.action_values[columns], values)
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


def start_states(entry):
    """The model's example, and what its first actions lead to."""
    rng = np.random.default_rng(0)
    states = [entry.example]
    for action in range(min(3, entry.action_spec.num_actions)):
        states.append(entry.model.sample(entry.example, action, rng)[0])
    return states


# ---- rows are plans ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["frozen_lake_4x4", "taxi", "cart_pole", "tic_tac_toe", "connect_four", "corridor", "grid",
     "point", "panel"],
)  # fmt: skip
def test_each_row_is_the_plan_of_its_state_with_its_seed(served, name):
    entry = served.registry.find(name)
    states = start_states(entry)
    messages = [state_message(entry, state) for state in states]
    stacked = {
        "discrete": lambda: [int(state) for state in states],
        "tensor": lambda: np.stack(states),
    }.get(entry.state_spec.kind, lambda: messages)()
    seeds = [2**64 - 1, 0, 5, 5][: len(states)]
    batches = [plan_batch(served, name, form, seeds=seeds) for form in (stacked, messages)]
    for row, (state, seed) in enumerate(zip(messages, seeds, strict=True)):
        plan = served.plan(name, state, seed=seed)
        for batch in batches:
            assert_row_is_plan(batch, row, plan)
    assert not batches[0].errors
    assert len(batches[0].visits) == len(states) * batches[0].num_actions


def test_every_setting_reaches_the_search(served):
    settings = {
        "budget": Budget(simulations=150, max_bytes=2**20),
        "horizon": 7,
        "options": SearchOptions(preset="graph", exploration=0.3, max_depth=5),
    }
    batch = plan_batch(served, "taxi", [328, 101], seeds=[2, 3], **settings)
    for row, (state, seed) in enumerate([(328, 2), (101, 3)]):
        assert_row_is_plan(batch, row, served.plan("taxi", state, seed=seed, **settings))
    assert batch.recipe == "graph"


def test_a_mask_narrows_the_choice_of_each_row(served):
    mask = np.array([[True, True], [False, True]])
    batch = plan_batch(served, seeds=[1, 1], action_mask=tensor_from_array(mask))
    allowed = ActionSet(actions=[Action(discrete=1)])
    assert_row_is_plan(batch, 0, served.plan(seed=1))
    assert_row_is_plan(batch, 1, served.plan(state=5, seed=1, allowed_actions=allowed))
    assert list(batch.legal) == [True, True, False, True]


def test_a_batch_tells_how_it_was_made(served):
    batch = plan_batch(served, request_id="rollout-7")
    assert batch.model == planner_pb2.ModelId(name="corridor", version="1")
    assert batch.request_id == "rollout-7"
    assert batch.search_time.ToNanoseconds() > 0
    assert batch.queue_time.ToNanoseconds() >= 0


def test_seeds_are_drawn_and_told_and_give_the_plans_again(served):
    first = plan_batch(served, states=[4, 4, 4])
    assert len(set(first.seeds)) == 3
    again = plan_batch(served, states=[4, 4, 4], seeds=first.seeds)
    assert again.visits == first.visits
    assert again.action_values == first.action_values


@pytest.mark.parametrize("budget", [None, Budget()])
def test_no_budget_is_the_models_default_for_each_row(served, budget):
    batch = plan_batch(served, budget=budget)
    assert list(batch.simulations) == [Corridor.default_simulations] * 2


# ---- a row that fails -------------------------------------------------------------------


def assert_only_these_rows_fail(served, batch, states, failing):
    """The rows that fail have nothing but a seed and their error, the others their plans."""
    assert [error.row for error in batch.errors] == failing
    for row, state in enumerate(states):
        if row not in failing:
            assert_row_is_plan(
                batch, row, served.plan(batch.model.name, state, seed=batch.seeds[row])
            )
            continue
        assert batch.actions[row] == -1
        assert math.isnan(batch.values[row])
        for column in (batch.simulations, batch.nodes, batch.depths, batch.bytes,
                       batch.stop_reasons, batch.deterministic):  # fmt: skip
            assert not column[row]
        cells = slice(row * batch.num_actions, (row + 1) * batch.num_actions)
        assert not any(batch.legal[cells])
        assert not any(batch.visits[cells])
        assert all(math.isnan(value) for value in batch.action_values[cells])


def test_a_terminal_row_harms_no_other(served):
    batch = plan_batch(served, states=[4, 9, 5])
    assert_only_these_rows_fail(served, batch, [4, 9, 5], [1])
    status = batch.errors[0].status
    assert status.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    reason = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(reason)
    assert reason.reason == "TERMINAL_STATE"


def test_a_row_out_of_range_is_named_by_its_place_in_the_request(served):
    batch = plan_batch(served, states=[4, 10, 5, -1])
    assert_only_these_rows_fail(served, batch, [4, 10, 5, -1], [1, 3])
    assert [list(violations_of(error.status)) for error in batch.errors] == [
        ["discrete.values[1]"],
        ["discrete.values[3]"],
    ]
    assert batch.errors[0].status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert batch.errors[0].status.message.startswith("discrete.values[1]: is 10; model corridor")


def test_a_row_with_a_nan_is_named(served):
    states = np.array([[0, 0, 0, 0], [0, math.nan, 0, 0], [0, 0, 0.05, 0]])
    batch = plan_batch(served, "cart_pole", states)
    assert [error.row for error in batch.errors] == [1]
    assert violations_of(batch.errors[0].status) == {
        "tensor[1]": "has nan at [1]; every element must be finite"
    }
    assert list(batch.simulations) == [100, 0, 100]


def test_a_row_that_the_model_refuses_is_named(served):
    states = np.zeros((2, 3, 3), np.int8)
    states[1, 0] = 7
    batch = plan_batch(served, "tic_tac_toe", states)
    assert list(violations_of(batch.errors[0].status)) == ["tensor[1]"]


@pytest.mark.parametrize(
    ("model", "good", "bad", "field"),
    [
        ("grid", json_state("[1, 2]"), json_state("[1]"), "list.states[1].json"),
        ("grid", json_state("[1, 2]"), State(), "list.states[1]"),
        ("grid", json_state("[1, 2]"), State(discrete=1), "list.states[1]"),
        ("panel", State(opaque=b"\1"), State(opaque=b"\7"), "list.states[1].opaque"),
        ("taxi", State(discrete=3), State(discrete=500), "list.states[1].discrete"),
        ("connect_four", json_state('"44"'), json_state('"4x"'), "list.states[1].json"),
    ],
)
def test_a_listed_row_is_named(served, model, good, bad, field):
    batch = plan_batch(served, model, [good, bad, good])
    assert [error.row for error in batch.errors] == [1]
    assert list(violations_of(batch.errors[0].status)) == [field]
    assert list(batch.simulations) == [100, 0, 100]


def test_a_row_whose_mask_allows_nothing_is_named(served):
    mask = np.array([[True, True], [False, False]])
    batch = plan_batch(served, action_mask=tensor_from_array(mask))
    assert violations_of(batch.errors[0].status) == {
        "action_mask[1]": "is empty; must name at least one action"
    }


def test_a_row_whose_mask_allows_nothing_legal_has_no_legal_action(served):
    mask = np.zeros((1, 9), bool)
    mask[0, 4] = True
    batch = plan_batch(
        served, "tic_tac_toe", [json_state('"5"')], action_mask=tensor_from_array(mask)
    )
    assert batch.errors[0].status.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]


def test_rows_that_all_fail_are_an_answer(served):
    batch = plan_batch(served, states=[9, 99])
    assert [error.row for error in batch.errors] == [0, 1]
    assert batch.recipe == ""


def test_a_model_that_breaks_shows_an_id_and_nothing_of_itself(served, caplog):
    batch = plan_batch(served, "faulty_raises", [4, 5, 9])
    internal = grpc.StatusCode.INTERNAL.value[0]
    assert [error.status.code for error in batch.errors][:2] == [internal] * 2
    message = batch.errors[0].status.message
    assert message.startswith("internal error ")
    assert Faulty.SECRET not in message
    # The same fault in many rows fills no log.
    assert batch.errors[1].status.message == message
    (record,) = [record for record in caplog.records if record.name == "mcts_service"]
    assert message.split()[2].strip(";:") in record.getMessage()
    assert record.exc_info is not None


# ---- a call that fails ------------------------------------------------------------------

INT8 = planner_pb2.DTYPE_INT8


@pytest.mark.parametrize(
    ("request_", "field", "description"),
    [
        (PlanBatchRequest(model="corridor"), "states",
         "is missing; must be tensor, discrete or list; model corridor takes discrete"),
        (request_of(states=[]), "discrete.values", "has 0 rows; model corridor takes 1 to 1024"),
        (request_of(states=[1] * 1025), "discrete.values",
         "has 1025 rows; model corridor takes 1 to 1024"),
        (request_of("grid", [State()] * 1025), "list.states", "has 1025 rows"),
        (PlanBatchRequest(model="grid", list=StateList()), "list.states", "has 0 rows"),
        (request_of("tic_tac_toe", [1]), "discrete",
         "has states of another kind; model tic_tac_toe takes tensor, int8[3,3]"),
        (request_of("taxi", np.zeros((2, 1))), "tensor", "has states of another kind; model taxi"),
        (request_of("grid", [1]), "discrete",
         "has states of another kind; model grid takes json, a value of JSON"),
        (request_of("tic_tac_toe", np.zeros((2, 9), np.int8)), "tensor.shape",
         "is [2, 9]; must be [2, 3, 3]"),
        (request_of("tic_tac_toe", np.zeros((3, 3), np.int8)), "tensor.shape",
         "is [3, 3]; must be [3, 3, 3]"),
        (request_of("tic_tac_toe", np.zeros((2, 3, 3))), "tensor.dtype",
         "is DTYPE_FLOAT64; must be DTYPE_INT8"),
        (PlanBatchRequest(model="tic_tac_toe", tensor=Tensor(dtype=INT8)), "tensor.shape",
         "is []; must be ['rows', 3, 3]"),
        (PlanBatchRequest(model="tic_tac_toe", tensor=Tensor(dtype=INT8, shape=[0, 3, 3])),
         "tensor.shape", "has 0 rows"),
        (PlanBatchRequest(model="tic_tac_toe", tensor=Tensor(dtype=INT8, shape=[-1, 3, 3])),
         "tensor.shape", "has -1 rows"),
        (PlanBatchRequest(model="tic_tac_toe", tensor=Tensor(dtype=INT8, shape=[2**62, 3, 3])),
         "tensor.shape", f"has {2**62} rows"),
        (PlanBatchRequest(
            model="tic_tac_toe", tensor=Tensor(dtype=INT8, shape=[2, 3, 3], data=bytes(17))),
         "tensor.data", "has 17 bytes; DTYPE_INT8 of shape [2, 3, 3] has 18"),
        (request_of(seeds=[1]), "seeds", "has 1 entries; must have 2, one a row, or be empty"),
        (request_of(seeds=[1, 2, 3]), "seeds", "has 3 entries; must have 2"),
        (request_of(action_mask=tensor_from_array(np.ones((2, 3), bool))), "action_mask.shape",
         "is [2, 3]; must be [2, 2]"),
        (request_of(action_mask=tensor_from_array(np.ones((2, 2)))), "action_mask.dtype",
         "is DTYPE_FLOAT64; must be DTYPE_BOOL"),
        (request_of(action_mask=Tensor(dtype=1, shape=[2, 2], data=b"\2\0\0\0")),
         "action_mask.data", "has a byte above 1"),
        (request_of(budget=Budget(simulations=0)), "budget.simulations", "is 0; must be"),
        (request_of(horizon=0), "horizon", "is 0; must be an integer from 1"),
        (request_of(options=SearchOptions(preset="grahp")), "options.preset", "is 'grahp'; must"),
        (request_of("tic_tac_toe", np.zeros((1, 3, 3), np.int8),
                    options=SearchOptions(preset="graph")),
         "options.backup", "is bellman, which needs a single player"),
        (request_of(request_id="x" * 300), "request_id", "has 300 characters"),
        (request_of(""), "model", "is empty; must be one of"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_call_names_the_field(served, request_, field, description):
    error = error_of(served, request_)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error.details()
    assert error.details().startswith(f"{field}: {description}")
    assert list(violations_of(rpc_status.from_call(error))) == [field]
    assert served.plan().simulations == 100


def test_every_wrong_field_is_told_at_once(served):
    error = error_of(served, request_of(seeds=[1], horizon=0, budget=Budget(simulations=0)))
    assert set(violations_of(rpc_status.from_call(error))) == {
        "seeds", "horizon", "budget.simulations",
    }  # fmt: skip


def test_an_unknown_model_is_not_found(served):
    error = error_of(served, request_of("connect_five"))
    assert error.code() is grpc.StatusCode.NOT_FOUND


# ---- limits -----------------------------------------------------------------------------


def test_the_simulations_of_all_rows_count_together(served):
    error = error_of(served, request_of(states=[4] * 11, budget=LONG))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.details() == (
        "budget.simulations: is 1000000 for each of 11 rows, 11000000 in all; "
        "at most 10000000 in all is allowed"
    )


def test_a_server_may_take_fewer_rows_and_tells_how_many(server_of):
    with server_of(Registry([entry_of(Corridor(), "corridor", max_batch=3)])) as served:
        assert served.stub.GetModel(GetModelRequest(model="corridor"), timeout=60).max_batch == 3
        assert len(plan_batch(served, states=[4] * 3).actions) == 3
        error = error_of(served, request_of(states=[4] * 4))
    assert error.details() == "discrete.values: has 4 rows; model corridor takes 1 to 3"


def test_a_model_of_very_many_actions_takes_fewer_rows(server_of):
    model = Corridor()
    model.num_actions = 2**16
    with server_of(Registry([entry_of(model, "corridor")])) as served:
        assert served.stub.GetModel(GetModelRequest(model="corridor"), timeout=60).max_batch == 16


def test_the_most_rows_that_may_be_asked_for_are_planned(served):
    states = [state % 500 for state in range(1024)]
    batch = plan_batch(served, "taxi", states, budget=Budget(simulations=5))
    planned = set(range(1024)) - {error.row for error in batch.errors}
    assert all(batch.simulations[row] == 5 for row in planned)
    assert len(planned) > 900


# ---- time, cancelling and the end -------------------------------------------------------


def test_the_time_limit_is_that_of_the_call(served):
    limit = Budget(time_limit=Duration(nanos=500_000_000))
    batch = plan_batch(served, "slow", [4, 4, 4], budget=limit)
    assert set(batch.stop_reasons) == {planner_pb2.STOP_REASON_TIME_LIMIT}
    assert not any(batch.deterministic)
    assert all(batch.simulations)


def test_the_deadline_of_the_call_is_a_time_limit_and_leaves_time_to_reply(server_of):
    registry = Registry([entry_of(Slow(), "slow")])
    # All but half a second of the deadline is kept for the reply.
    with server_of(registry, deadline_margin=DeadlineMargin(minimum_seconds=59.5)) as served:
        batch = plan_batch(served, "slow", budget=LONG, timeout=60)
    assert set(batch.stop_reasons) == {planner_pb2.STOP_REASON_TIME_LIMIT}
    assert all(batch.simulations)


class SlowPastFour(Corridor):
    """Takes its time only where it starts beyond 4, and there past every limit of a test."""

    def is_terminal(self, state):
        if state > 4:
            time.sleep(1.0)
        return super().is_terminal(state)


def test_a_row_without_one_simulation_has_the_deadline_as_its_error(server_of):
    with server_of(Registry([entry_of(SlowPastFour(), "slow")])) as served:
        limit = Budget(simulations=1, time_limit=Duration(nanos=900_000_000))
        options = SearchOptions(max_depth=1)
        batch = plan_batch(served, "slow", [2, 6, 6], budget=limit, options=options)
        assert batch.simulations[0] == 1
        exceeded = grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
        assert [(error.row, error.status.code) for error in batch.errors] == [
            (1, exceeded),
            (2, exceeded),
        ]
        error = error_of(served, request_of("slow", [6, 6], budget=limit, options=options))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_time_into_which_nothing_fits_is_exceeded(served):
    error = error_of(served, request_of("slow", budget=Budget(time_limit=Duration(nanos=1))))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_cancelled_call_stops_all_its_searches_and_frees_the_worker(server_of):
    slow = Slow()
    with server_of(Registry([entry_of(slow, "slow")]), max_waiting=0) as served:
        call = served.stub.PlanBatch.future(request_of("slow", [4] * 8, budget=LONG), timeout=600)
        assert slow.asked.wait(60)
        assert served.error("slow").code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        call.cancel()
        # The only thread is free again as soon as the search has seen the flag.
        request = PlanRequest(model="slow", state=State(discrete=4), budget=Budget(simulations=1))
        codes = {grpc.StatusCode.RESOURCE_EXHAUSTED}
        while codes == {grpc.StatusCode.RESOURCE_EXHAUSTED}:
            codes = {served.stub.Plan.future(request, timeout=60).code()}
        assert codes == {grpc.StatusCode.OK}


def test_at_the_end_a_batch_answers_with_what_it_has(server_of):
    model = Slow()
    with server_of(Registry([entry_of(model)]), grace_seconds=0.1) as served:
        running = served.stub.PlanBatch.future(request_of("model", [4, 4], budget=LONG))
        while model.steps < 500:
            time.sleep(0.001)
        served.shut_down.set()
        batch = running.result()
    assert batch.stop_reasons[0] == planner_pb2.STOP_REASON_CANCELLED
    assert batch.simulations[0] >= 1
    unavailable = grpc.StatusCode.UNAVAILABLE.value[0]
    assert {error.status.code for error in batch.errors} <= {unavailable}


def test_a_server_that_ends_before_a_batch_has_begun_is_lost(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model)]), grace_seconds=0.1) as served:
        running = served.stub.Plan.future(
            PlanRequest(model="model", state=State(discrete=4)), timeout=600
        )
        assert model.asked.wait(60)
        waiting = served.stub.PlanBatch.future(request_of("model"), timeout=600)
        served.stub.ListModels(planner_pb2.ListModelsRequest(), timeout=60)
        served.shut_down.set()
        with pytest.raises(grpc.RpcError) as caught:
            waiting.result()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        model.gate.set()
        with pytest.raises(grpc.RpcError):
            running.result()


def test_while_a_large_batch_is_planned_others_are_answered(served):
    call = served.stub.PlanBatch.future(
        request_of("slow", [4] * 100, budget=Budget(time_limit=Duration(seconds=30))), timeout=600
    )
    for _ in range(5):
        served.stub.ListModels(planner_pb2.ListModelsRequest(), timeout=60)
        assert served.plan().simulations == 100
    assert not call.done()
    call.cancel()


def test_little_endian_columns_travel_as_they_are_written_by_hand(served):
    data = struct.pack("<8d", *[0, 0, 0.05, 0] * 2)
    tensor = Tensor(dtype=planner_pb2.DTYPE_FLOAT64, shape=[2, 4], data=data)
    request = PlanBatchRequest(
        model="cart_pole", tensor=tensor, seeds=[1, 1], budget=Budget(simulations=100)
    )
    batch = served.stub.PlanBatch(request, timeout=60)
    plan = served.plan("cart_pole", json_state("[0, 0, 0.05, 0]"), seed=1)
    for row in range(2):
        assert_row_is_plan(batch, row, plan)

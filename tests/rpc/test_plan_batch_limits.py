"""What ends a PlanBatch: a wrong call, its limits, its time, its caller and its server."""

import time

import grpc
import numpy as np
import pytest
from batches import (
    LONG,
    error_of,
    plan_batch,
    request_of,
    violations_of,
)
from google.protobuf.duration_pb2 import Duration
from grpc_status import rpc_status
from served_models import Corridor, Gated, Slow, entry_of

from mcts_service.rpc.tensors import tensor_from_array
from mcts_service.service.margin import DeadlineMargin
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import (
    Budget,
    GetModelRequest,
    PlanBatchRequest,
    PlanRequest,
    SearchOptions,
    State,
    StateList,
    Tensor,
)

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
        (request_of(priority=101), "priority", "is 101; must be an integer from -100 to 100"),
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
    whole = SearchOptions(early_stop=False)
    batch = plan_batch(served, "slow", [4, 4, 4], budget=limit, options=whole)
    assert set(batch.stop_reasons) == {planner_pb2.STOP_REASON_TIME_LIMIT}
    assert not any(batch.deterministic)
    assert all(batch.simulations)


def test_the_deadline_of_the_call_is_a_time_limit_and_leaves_time_to_reply(server_of):
    registry = Registry([entry_of(Slow(), "slow")])
    # All but half a second of the deadline is kept for the reply.
    with server_of(registry, deadline_margin=DeadlineMargin(minimum_seconds=59.5)) as served:
        batch = plan_batch(
            served, "slow", budget=LONG, options=SearchOptions(early_stop=False), timeout=60
        )
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

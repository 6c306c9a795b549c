"""Many states in one call: how they travel, what is refused before the call, what comes back."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest
from every_setting import EVERY_SETTING
from google.rpc import error_details_pb2, status_pb2

from mcts_client import (
    AsyncPlannerClient,
    BatchPlan,
    BudgetTooLarge,
    InvalidRequest,
    MCTSServiceError,
    ModelFault,
    NoLegalAction,
    Plan,
    PlannerClient,
    StopReason,
    TerminalState,
    UnknownModel,
    _batch,
    _calls,
)
from mcts_client._batch_response import batch_plan
from mcts_service.v1 import planner_pb2

Ask = Callable[..., Any]
BOARDS = np.zeros((3, 6, 7), np.int8)
FAILED = grpc.StatusCode.FAILED_PRECONDITION


def request(states: Any, **arguments: Any) -> planner_pb2.PlanBatchRequest:
    return _batch.plan_batch("m", states, **arguments).request


# ---- how states travel -----------------------------------------------------------------


@pytest.mark.parametrize(
    "states",
    [[3, 4], (3, 4), range(3, 5), np.array([3, 4]), np.array([3, 4], ">u2"), [np.int8(3), 4]],
    ids=repr,
)
def test_integers_travel_as_one_column(states: Any) -> None:
    sent = request(states)
    assert sent.WhichOneof("states") == "discrete"
    assert list(sent.discrete.values) == [3, 4]


@pytest.mark.parametrize(
    "states",
    [BOARDS, list(BOARDS), np.asfortranarray(BOARDS), BOARDS.astype(">i1")],
    ids=["array", "list of arrays", "Fortran order", "big-endian"],
)
def test_arrays_travel_as_one_tensor(states: Any) -> None:
    sent = request(states)
    assert list(sent.tensor.shape) == [3, 6, 7]
    assert sent.tensor.dtype == planner_pb2.DTYPE_INT8
    assert sent.tensor.data == bytes(3 * 42)


def test_a_tensor_is_little_endian_and_in_c_order() -> None:
    states = np.asfortranarray(np.arange(6.0).reshape(2, 3)).astype(">f8")
    assert request(states).tensor.data == np.arange(6.0).astype("<f8").tobytes()


@pytest.mark.parametrize(
    ("states", "kinds"),
    [
        (["4455", "1"], ["json", "json"]),
        ([[1, 2], [3, 4]], ["json", "json"]),
        ([b"a"], ["opaque"]),
        ([1, "2"], ["discrete", "json"]),
        ([np.zeros(2), np.zeros(3)], ["tensor", "tensor"]),
        ([np.zeros(2), np.zeros(2, np.float32)], ["tensor", "tensor"]),
        ([True, 1], ["json", "discrete"]),
        ([], []),
    ],
    ids=repr,
)
def test_all_else_travels_as_a_list(states: Any, kinds: list[str]) -> None:
    sent = request(states)
    assert sent.WhichOneof("states") == "list"
    assert [state.WhichOneof("kind") for state in sent.list.states] == kinds


def test_every_argument_finds_its_field() -> None:
    sent = request(
        [0, 1],
        simulations=100,
        time_limit=0.25,
        max_bytes=1 << 20,
        horizon=7,
        seeds=np.array([0, 2**64 - 1], np.uint64),
        action_mask=[[True, False], [True, True]],
        preset="graph",
        **EVERY_SETTING,
        model_version="2",
        request_id="r-1",
        priority=9,
    )
    assert (sent.model, sent.model_version, sent.request_id) == ("m", "2", "r-1")
    assert sent.priority == 9
    assert sent.budget.simulations == 100
    assert sent.budget.time_limit.ToMilliseconds() == 250
    assert sent.budget.max_bytes == 1 << 20
    assert sent.horizon == 7
    assert list(sent.seeds) == [0, 2**64 - 1]
    assert sent.action_mask.dtype == planner_pb2.DTYPE_BOOL
    assert list(sent.action_mask.shape) == [2, 2]
    assert sent.action_mask.data == b"\1\0\1\1"
    one = _calls.plan("m", 0, preset="graph", **EVERY_SETTING).request
    assert sent.options == one.options


def test_what_is_not_given_is_not_sent() -> None:
    sent = request([0])
    assert not sent.seeds
    for field in ("horizon", "action_mask"):
        assert not sent.HasField(field)
    assert not sent.budget.ListFields()
    assert not sent.options.ListFields()


def test_the_arguments_are_those_of_plan_row_by_row() -> None:
    one = list(inspect.signature(PlannerClient.plan).parameters)
    many = list(inspect.signature(PlannerClient.plan_batch).parameters)
    names = {"state": "states", "seed": "seeds", "allowed_actions": "action_mask"}
    # Rows follow no other rows, and are of no session.
    assert many == [names.get(name, name) for name in one if name != "session_id"]


@pytest.mark.parametrize(
    ("states", "arguments", "says"),
    [
        ("4455", {}, "states: is '4455'; must be a sequence or an array, one entry a row"),
        (7, {}, "states: is 7; must be a sequence"),
        (np.array(7), {}, "states: is array(7); must be a sequence"),
        ({0: 1}, {}, "states: is {0: 1}; must be a sequence"),
        ([2**63], {}, "states[0]: is 9223372036854775808; must be an integer from"),
        (["a", object()], {}, "states[1]: is of type object"),
        (np.zeros((2, 2), complex), {}, "states: is an array of complex128"),
        ([0], {"seeds": 5}, "seeds: is 5; must be a sequence"),
        ([0], {"seeds": [-1]}, "seeds[0]: is -1; must be an integer from 0"),
        ([0], {"seeds": [None]}, "seeds[0]: is None; must be an integer"),
        ([0], {"seeds": [0.5]}, "seeds[0]: is 0.5; must be an integer"),
        ([0], {"action_mask": [[0, 1]]}, "action_mask: is an array of int64; must be one of bool"),
        ([0, 1], {"action_mask": [[True], [True, False]]}, "action_mask: is "),
        ([0], {"simulations": 0.5}, "simulations: is 0.5; must be an integer"),
        ([0], {"preset": 3}, "preset: is 3; must be a string"),
        ([0], {"timeout": -1}, "timeout: is -1; must be seconds above 0"),
    ],
    ids=lambda value: None,
)
def test_what_no_message_can_hold_is_refused_before_the_call(
    states: Any, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(states, **arguments)
    assert str(caught.value).startswith(says)


# ---- what comes back -------------------------------------------------------------------


def status(code: grpc.StatusCode, text: str, *details: Any) -> status_pb2.Status:
    made = status_pb2.Status(code=code.value[0], message=text)
    for detail in details:
        made.details.add().Pack(detail)
    return made


def reason(text: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=text, domain="mcts_service")


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (status(FAILED, "x", reason("TERMINAL_STATE")), TerminalState),
        (status(FAILED, "x", reason("NO_LEGAL_ACTION")), NoLegalAction),
        (status(grpc.StatusCode.INVALID_ARGUMENT, "x"), InvalidRequest),
        (status(grpc.StatusCode.INTERNAL, "x"), ModelFault),
        (status(grpc.StatusCode.DATA_LOSS, "x"), MCTSServiceError),
        (status_pb2.Status(code=99, message="x"), MCTSServiceError),
    ],
)
def test_the_error_of_a_row_is_the_exception_of_plan(made: Any, kind: type[Exception]) -> None:
    response = planner_pb2.PlanBatchResponse(
        actions=[-1],
        values=[math.nan],
        simulations=[0],
        nodes=[0],
        depths=[0],
        bytes=[0],
        stop_reasons=[0],
        seeds=[4],
        deterministic=[False],
        errors=[planner_pb2.RowError(row=0, status=made)],
    )
    plans = batch_plan(response)
    assert type(plans.errors[0]) is kind
    assert plans.stop_reasons == (None,)


def test_columns_of_different_lengths_are_no_answer() -> None:
    with pytest.raises(MCTSServiceError, match="columns that do not hold together"):
        batch_plan(planner_pb2.PlanBatchResponse(actions=[1, 2], values=[0.5]))


def test_a_row_is_the_plan_of_its_state(ask: Ask, real_server: str) -> None:
    plans = ask(real_server, "plan_batch", "taxi", [328, 101], simulations=200, seeds=[1, 2])
    assert isinstance(plans, BatchPlan)
    assert len(plans) == 2
    assert not plans.errors
    for row, (state, seed) in enumerate([(328, 1), (101, 2)]):
        plan: Plan = ask(real_server, "plan", "taxi", state, simulations=200, seed=seed)
        assert plans.actions[row] == plan.action
        assert plans.values[row] == plan.value
        assert tuple(plans.player_values[row]) == plan.player_values
        assert plans.visits[row].tolist() == [action.visits for action in plan.actions]
        for column, field in (
            (plans.action_values, "value"),
            (plans.standard_errors, "standard_error"),
            (plans.lower, "lower"),
            (plans.upper, "upper"),
            (plans.priors, "prior"),
            (plans.proven, "proven"),
        ):
            expected = [getattr(action, field) for action in plan.actions]
            np.testing.assert_array_equal(column[row], expected)
        assert plans.legal[row].all()
        assert (plans.simulations[row], plans.nodes[row]) == (plan.simulations, plan.nodes)
        assert (plans.depths[row], plans.bytes[row]) == (plan.depth, plan.bytes)
        assert (plans.stop_reasons[row], plans.seeds[row]) == (plan.stop_reason, seed)
        assert plans.deterministic[row]
        assert (plans.recipe, plans.model) == (plan.recipe, plan.model)


def test_columns_have_their_types_and_shapes(ask: Ask, real_server: str) -> None:
    plans = ask(real_server, "plan_batch", "connect_four", BOARDS, simulations=20, request_id="r",
                early_stop=False)  # fmt: skip
    for column in (plans.visits, plans.action_values, plans.standard_errors, plans.lower,
                   plans.upper, plans.priors, plans.proven, plans.legal):  # fmt: skip
        assert column.shape == (3, 7)
    assert plans.player_values.shape == (3, 2)
    assert plans.visits.sum(axis=1).tolist() == [20, 20, 20]
    for column in (plans.actions, plans.visits, plans.simulations, plans.nodes, plans.depths):
        assert column.dtype == np.int64
    assert plans.seeds.dtype == np.uint64
    assert plans.legal.dtype == plans.proven.dtype == plans.deterministic.dtype == bool
    assert plans.stop_reasons == (StopReason.SIMULATIONS,) * 3
    assert plans.request_id == "r"
    assert plans.search_time > 0


def test_a_row_that_fails_is_an_exception_in_its_place(ask: Ask, real_server: str) -> None:
    states = ["", "14253", "1x"]
    plans = ask(real_server, "plan_batch", "tic_tac_toe", states, simulations=20, early_stop=False)
    assert plans.simulations.tolist() == [20, 0, 0]
    assert plans.actions[1:].tolist() == [-1, -1]
    assert np.isnan(plans.values[1:]).all()
    assert isinstance(plans.errors[1], TerminalState)
    error = plans.errors[2]
    assert isinstance(error, InvalidRequest)
    assert error.violations[0].field == "list.states[2].json"


def test_a_mask_narrows_each_row(ask: Ask, real_server: str) -> None:
    mask = np.eye(3, 7, dtype=bool)
    plans = ask(real_server, "plan_batch", "connect_four", BOARDS, simulations=5, action_mask=mask)
    assert plans.actions.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(plans.legal, mask)


def test_what_is_wrong_with_the_call_is_raised(ask: Ask, real_server: str) -> None:
    with pytest.raises(InvalidRequest, match="seeds: has 1 entries; must have 2"):
        ask(real_server, "plan_batch", "taxi", [1, 2], seeds=[1])
    with pytest.raises(InvalidRequest, match=r"list\.states: has 0 rows"):
        ask(real_server, "plan_batch", "taxi", [])
    with pytest.raises(UnknownModel, match="connect_four"):
        ask(real_server, "plan_batch", "chess", [1])
    with pytest.raises(BudgetTooLarge, match="in all"):
        ask(real_server, "plan_batch", "taxi", [1] * 11, simulations=1_000_000)


def test_as_many_rows_as_the_model_takes_come_back(ask: Ask, real_server: str) -> None:
    most = ask(real_server, "get_model", "connect_four").max_batch
    boards = np.zeros((most, 6, 7), np.int8)
    plans = ask(real_server, "plan_batch", "connect_four", boards, simulations=2)
    assert len(plans) == most == 1024
    with pytest.raises(InvalidRequest, match=f"has {most + 1} rows"):
        ask(real_server, "plan_batch", "connect_four", np.zeros((most + 1, 6, 7), np.int8))


async def test_batches_are_awaited_side_by_side(real_server: str) -> None:
    async with AsyncPlannerClient(real_server) as client:
        batches = await asyncio.gather(
            *(client.plan_batch("taxi", [328, 101], seeds=[s, s], simulations=20) for s in range(8))
        )
    assert [batch.seeds.tolist() for batch in batches] == [[seed, seed] for seed in range(8)]

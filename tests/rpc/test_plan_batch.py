"""PlanBatch, answered by a real server: each row as Plan gives it, and as its own if it fails."""

import math
import struct

import grpc
import numpy as np
import pytest
from batches import assert_row_is_plan, json_state, plan_batch, violations_of
from google.rpc import error_details_pb2
from served_models import Corridor, Faulty

from mcts_service.rpc.convert_state import state_message
from mcts_service.rpc.tensors import tensor_from_array
from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import (
    Action,
    ActionSet,
    Budget,
    PlanBatchRequest,
    SearchOptions,
    State,
    Tensor,
)

#: Runs all its simulations, whatever it finds.
WHOLE = SearchOptions(early_stop=False)


def start_states(entry):
    """The model's example, and what its first actions lead to."""
    rng = np.random.default_rng(0)
    states = [entry.example]
    for action in range(min(3, entry.action_spec.num_actions)):
        states.append(entry.model.sample(entry.example, action, rng)[0])
    return states


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


@pytest.mark.parametrize("in_flight", [1, 4])
def test_rows_of_a_model_that_answers_in_batches_are_plans_too(served, in_flight):
    states = np.array([[0.5, 0.0], [-0.2, 0.1], [2.0, 0.0], [0.0, 0.0]])
    settings = {"options": SearchOptions(in_flight=in_flight, max_depth=10)}
    batch = plan_batch(served, "herd", states, seeds=range(4), **settings)
    assert [error.row for error in batch.errors] == [2]
    assert batch.errors[0].status.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    for row in (0, 1, 3):
        state = State(tensor=tensor_from_array(states[row]))
        assert_row_is_plan(batch, row, served.plan("herd", state, seed=row, **settings))


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
        assert not any(batch.proven[cells])
        for column in (batch.action_values, batch.standard_errors, batch.lower, batch.upper,
                       batch.priors):  # fmt: skip
            assert all(math.isnan(number) for number in column[cells])


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
    batch = plan_batch(served, "cart_pole", states, options=WHOLE)
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
    batch = plan_batch(served, model, [good, bad, good], options=WHOLE)
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


@pytest.mark.parametrize("states", [[9, 9], [99, -1], [9, 99]])
def test_columns_of_rows_that_all_fail_are_as_wide_as_others(served, states):
    batch = plan_batch(served, states=states)
    assert_only_these_rows_fail(served, batch, states, [0, 1])
    assert batch.num_actions == 2
    for column in (batch.legal, batch.visits, batch.action_values, batch.standard_errors,
                   batch.lower, batch.upper, batch.priors, batch.proven):  # fmt: skip
        assert len(column) == 4
    assert list(batch.player_values) == [0.0, 0.0]


def test_many_rows_are_answered_in_their_order(served):
    states = [4, 5, 9, 3] * 40
    batch = plan_batch(served, states=states, seeds=range(160))
    assert [error.row for error in batch.errors] == list(range(2, 160, 4))
    for row in (0, 1, 3, 157):
        plan = served.plan(state=states[row], seed=row)
        assert_row_is_plan(batch, row, plan)


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

"""Responses to results: every field, and NaN or None for what is absent."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from every_setting import EVERY_SETTING
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Value

import mcts_service.planning.plan as served
from mcts_client import (
    ActionStatistics,
    ModelId,
    PrincipalVariationStep,
    StopReason,
    _calls,
    results,
)
from mcts_client import _responses as responses
from mcts_service.planning import SearchConfig
from mcts_service.planning.config import CHOICES
from mcts_service.v1 import planner_pb2

NOTHING_TOLD = results.SearchOptions(*[None] * len(EVERY_SETTING))  # type: ignore[arg-type]


def action(number: int) -> planner_pb2.Action:
    return planner_pb2.Action(discrete=number)


def a_plan(**changes: Any) -> results.Plan:
    fields = {"action": action(0), "stop_reason": planner_pb2.STOP_REASON_SIMULATIONS} | changes
    return responses.plan(planner_pb2.PlanResponse(**fields))


@pytest.mark.parametrize("name", ["Plan", "ActionStatistics", "PrincipalVariationStep"])
def test_results_have_the_fields_of_a_plan_made_in_process(name: str) -> None:
    here = {field.name for field in dataclasses.fields(getattr(results, name))}
    there = {field.name for field in dataclasses.fields(getattr(served, name))}
    only_here = {"queue_time", "model", "request_id"} if name == "Plan" else set()
    assert here == there | only_here


def test_stop_reasons_are_those_of_the_planner_and_one_for_what_is_newer() -> None:
    there = {reason.name: reason.value for reason in served.StopReason}
    assert {reason.name: reason.value for reason in StopReason} == there | {"UNKNOWN": "unknown"}


def test_every_stop_reason_of_the_wire_is_read() -> None:
    read = {
        a_plan(stop_reason=number).stop_reason
        for number in planner_pb2.StopReason.values()
        if number != planner_pb2.STOP_REASON_UNSPECIFIED
    }
    assert read == set(StopReason) - {StopReason.UNKNOWN}


def test_a_stop_reason_newer_than_the_client_is_unknown() -> None:
    assert a_plan(stop_reason=77).stop_reason is StopReason.UNKNOWN


def test_a_whole_plan_is_read() -> None:
    plan = a_plan(
        action=action(2),
        value=0.5,
        player_values=[0.25, -0.25],
        actions=[
            planner_pb2.ActionStatistics(
                action=action(2),
                visits=9,
                value=0.5,
                standard_error=0.125,
                lower=0.25,
                upper=0.75,
                prior=0.375,
                proven=True,
            ),
            planner_pb2.ActionStatistics(action=action(3), visits=0),
        ],
        principal_variation=[
            planner_pb2.PrincipalVariationStep(action=action(2), visits=9, value=0.5)
        ],
        simulations=9,
        nodes=10,
        depth=3,
        bytes=4096,
        recipe="uct",
        queue_time=Duration(nanos=500),
        search_time=Duration(seconds=1, nanos=250_000_000),
        model=planner_pb2.ModelId(name="m", version="1"),
        seed=2**64 - 1,
        deterministic=True,
        reused_simulations=40,
        request_id="r",
    )
    assert plan.action == 2
    assert plan.value == 0.5
    assert plan.player_values == (0.25, -0.25)
    assert plan.actions[0] == ActionStatistics(2, 9, 0.5, 0.125, 0.25, 0.75, 0.375, True)
    assert plan.principal_variation == (PrincipalVariationStep(2, 9, 0.5),)
    assert (plan.simulations, plan.nodes, plan.depth, plan.bytes) == (9, 10, 3, 4096)
    assert (plan.recipe, plan.stop_reason) == ("uct", StopReason.SIMULATIONS)
    assert (plan.queue_time, plan.search_time) == (5e-7, 1.25)
    assert plan.model == ModelId("m", "1")
    assert (plan.seed, plan.deterministic, plan.request_id) == (2**64 - 1, True, "r")
    assert plan.reused_simulations == 40


def test_values_that_are_absent_are_nan() -> None:
    (never_tried,) = a_plan(actions=[planner_pb2.ActionStatistics(action=action(1))]).actions
    assert never_tried.visits == 0
    assert not never_tried.proven
    for field in ("value", "standard_error", "lower", "upper", "prior"):
        assert math.isnan(getattr(never_tried, field))


def test_actions_come_in_their_own_form() -> None:
    tensor = planner_pb2.Tensor(dtype=planner_pb2.DTYPE_UINT8, shape=[2], data=b"\1\2")
    np.testing.assert_array_equal(a_plan(action=planner_pb2.Action(tensor=tensor)).action, [1, 2])
    assert a_plan(action=planner_pb2.Action(opaque=b"ab")).action == b"ab"
    assert a_plan(action=planner_pb2.Action(json=Value(string_value="left"))).action == "left"


def test_a_whole_model_is_read() -> None:
    info = responses.model_info(
        planner_pb2.GetModelResponse(
            model=planner_pb2.ModelId(name="m", version="3"),
            max_batch=64,
            description="a model",
            state_spec=planner_pb2.StateSpec(
                kind=planner_pb2.VALUE_KIND_TENSOR,
                dtype=planner_pb2.DTYPE_INT8,
                shape=[6, 7],
                example=planner_pb2.State(json=Value(string_value="4455")),
                description="a board",
            ),
            action_spec=planner_pb2.ActionSpec(
                kind=planner_pb2.VALUE_KIND_DISCRETE, num_actions=7, description="columns"
            ),
            num_players=2,
            discount=0.5,
            capabilities=["deterministic"],
            default_budget=planner_pb2.Budget(simulations=1_000),
            max_budget=planner_pb2.Budget(time_limit=Duration(seconds=60), max_bytes=1 << 30),
            default_options=_calls.plan("m", 0, **EVERY_SETTING).request.options,
        )
    )
    assert (info.name, info.version, info.description) == ("m", "3", "a model")
    assert info.state_spec == results.StateSpec(
        "tensor", np.dtype("int8"), (6, 7), 0, "4455", "a board"
    )
    assert info.action_spec == results.ActionSpec("discrete", 7, "columns")
    assert (info.num_players, info.discount, info.capabilities) == (2, 0.5, ("deterministic",))
    assert info.max_batch == 64
    assert info.default_budget == results.Budget(1_000, None, None)
    assert info.max_budget == results.Budget(None, 60.0, 1 << 30)
    assert info.default_options == results.SearchOptions(**EVERY_SETTING)


def test_what_a_model_does_not_tell_is_none() -> None:
    info = responses.model_info(planner_pb2.GetModelResponse())
    assert info.state_spec == results.StateSpec("unknown", None, (), 0, None, "")
    assert info.default_budget == results.Budget(None, None, None)
    assert info.default_options == NOTHING_TOLD


def test_settings_are_those_of_a_planner_in_process() -> None:
    here = [field.name for field in dataclasses.fields(results.SearchOptions)]
    assert here == [field.name for field in dataclasses.fields(SearchConfig)]


def test_a_setting_newer_than_the_client_is_none() -> None:
    newer: dict[str, Any] = dict.fromkeys(CHOICES, 77)
    options = planner_pb2.SearchOptions(**newer)
    info = responses.model_info(planner_pb2.GetModelResponse(default_options=options))
    assert info.default_options == NOTHING_TOLD

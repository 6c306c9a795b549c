"""Requests and models that are wrong: each error names its field and what would be right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from searching import to_the_end
from small_games import TicTacToe
from small_models import Chain, Countdown, ValuedChain

from mcts_service import MCTS, Budget
from mcts_service.errors import InvalidRequest, NoLegalAction, TerminalState
from mcts_service.models import make

BRIEF = Budget(simulations=20)
NOT_INTEGERS = st.one_of(
    st.booleans(), st.floats(), st.text(), st.binary(), st.lists(st.integers()), st.just(1j)
)


def refused_field(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        call(*args, **kwargs)
    [violation] = caught.value.violations
    assert violation.description
    return violation.field


# ---- what a plan is asked for ---------------------------------------------------------


@given(seed=NOT_INTEGERS | st.integers(max_value=-1) | st.integers(min_value=2**64))
def test_seed_is_an_integer_of_64_bits(seed: Any) -> None:
    assert refused_field(MCTS(Chain(), to_the_end("uct")).plan, 0, BRIEF, seed=seed) == "seed"
    assert refused_field(MCTS, Chain(), seed=seed) == "seed"


@given(horizon=NOT_INTEGERS | st.integers(max_value=0) | st.integers(min_value=2**31))
def test_horizon_is_a_positive_integer(horizon: Any) -> None:
    assert (
        refused_field(MCTS(Chain(), to_the_end("uct")).plan, 0, BRIEF, horizon=horizon) == "horizon"
    )


@pytest.mark.parametrize("horizon", [1, np.int32(2), 2**31 - 1])
def test_horizon_in_range_is_taken(horizon: Any) -> None:
    assert MCTS(Chain(), to_the_end("uct")).plan(0, BRIEF, horizon=horizon).simulations == 20


@pytest.mark.parametrize("budget", [100, {"simulations": 100}, "100"])
def test_budget_is_a_budget(budget: Any) -> None:
    assert refused_field(MCTS(Chain(), to_the_end("uct")).plan, 0, budget) == "budget"


@pytest.mark.parametrize("config", ["uct", {"exploration": 1.0}, Budget()])
def test_config_is_a_config(config: Any) -> None:
    assert refused_field(MCTS, Chain(), config) == "config"


def test_missing_state_is_named() -> None:
    assert refused_field(MCTS(Chain(), to_the_end("uct")).plan, None) == "state"


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("tic_tac_toe", np.zeros((3, 4), np.int8)),
        ("tic_tac_toe", "soon"),
        ("frozen_lake_4x4", 16),
        ("frozen_lake_4x4", -1),
        ("frozen_lake_4x4", 1.5),
        ("cart_pole", np.full(4, np.nan)),
        ("connect_four", np.full((6, 7), 2, np.int8)),
    ],
)
def test_state_of_another_kind_is_refused(name: str, state: Any) -> None:
    assert refused_field(MCTS(make(name), to_the_end("uct")).plan, state, BRIEF) == "state"


# ---- allowed actions --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "field"),
    [
        ([], "allowed_actions"),
        ((), "allowed_actions"),
        ([3], "allowed_actions[0]"),
        ([0, -1], "allowed_actions[1]"),
        ([2, 0, 2], "allowed_actions[2]"),
        ([0, 2**70], "allowed_actions[1]"),
        ([0, 1.0], "allowed_actions[1]"),
        ([0.5], "allowed_actions[0]"),
        ([None], "allowed_actions[0]"),
        (["1"], "allowed_actions[0]"),
        ([True], "allowed_actions[0]"),
        ([[0]], "allowed_actions[0]"),
        (np.array([0.0]), "allowed_actions[0]"),
        (1, "allowed_actions"),
        ("012", "allowed_actions[0]"),
    ],
)
def test_allowed_actions_name_the_one_that_is_wrong(allowed: Any, field: str) -> None:
    planner = MCTS(Countdown(), to_the_end("uct"))
    assert refused_field(planner.plan, 5, BRIEF, allowed_actions=allowed) == field
    assert planner.plan(5, BRIEF).simulations == 20


@given(allowed=st.lists(st.integers(-2, 4) | NOT_INTEGERS, max_size=4))
def test_any_list_of_allowed_actions_is_obeyed_or_refused(allowed: list[Any]) -> None:
    planner = MCTS(Countdown(), to_the_end("uct"))
    good = all(type(action) is int and 0 <= action <= 2 for action in allowed)
    if allowed and good and len(set(allowed)) == len(allowed):
        plan = planner.plan(5, BRIEF, allowed_actions=allowed)
        assert [row.action for row in plan.actions] == sorted(allowed)
        assert plan.action in allowed
    else:
        field = refused_field(planner.plan, 5, BRIEF, allowed_actions=allowed)
        assert field.startswith("allowed_actions")


@pytest.mark.parametrize("allowed", [(2, 0), np.array([0, 2]), [np.int8(2), 0], {0: "a", 2: "b"}])
def test_allowed_actions_come_in_any_order_and_container(allowed: Any) -> None:
    plan = MCTS(Countdown(), to_the_end("uct")).plan(5, BRIEF, allowed_actions=allowed)
    assert [row.action for row in plan.actions] == [0, 2]
    assert sum(row.visits for row in plan.actions) == 20


def test_allowed_actions_bind_the_root_alone() -> None:
    free = MCTS(Countdown(), to_the_end("uct")).plan(9, Budget(simulations=500))
    bound = MCTS(Countdown(), to_the_end("uct")).plan(
        9, Budget(simulations=500), allowed_actions=[2]
    )
    assert len(free.actions) == 3
    assert [row.action for row in bound.actions] == [2]
    assert {step.action for step in bound.principal_variation} != {2}


def test_allowed_actions_that_are_not_legal_here_are_left_out() -> None:
    planner = MCTS(Countdown(), to_the_end("uct"))
    plan = planner.plan(2, BRIEF, allowed_actions=[1, 2])
    assert [row.action for row in plan.actions] == [1]
    with pytest.raises(NoLegalAction):
        planner.plan(2, BRIEF, allowed_actions=[2])
    assert planner.plan(2, BRIEF).simulations == 20


# ---- nothing to plan ----------------------------------------------------------------------


def test_terminal_state_has_no_plan() -> None:
    over = (1, 1, 1, -1, -1, 0, 0, 0, 0)
    with pytest.raises(TerminalState):
        MCTS(TicTacToe(), to_the_end("uct")).plan(over, BRIEF)
    native = make("tic_tac_toe")
    with pytest.raises(TerminalState):
        MCTS(native, to_the_end("uct")).plan(np.array(over, np.int8).reshape(3, 3), BRIEF)


# ---- models ---------------------------------------------------------------------------------


def model_with(**attributes: Any) -> Chain:
    model = Chain()
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


@pytest.mark.parametrize(
    "model", [None, 5, object(), model_with(sample=3), model_with(sample=None)]
)
def test_model_without_sample_is_refused(model: Any) -> None:
    assert refused_field(MCTS, model) == "model"


def test_distribution_model_is_told_how_to_become_a_sample_model() -> None:
    class Coins:
        num_actions = 1

        def transitions(self, state: int, action: int) -> Any:
            return [(0.5, 0, 0.0, True), (0.5, 1, 1.0, True)]

    with pytest.raises(InvalidRequest, match=r"SampledModel|TabularModel"):
        MCTS(Coins(), to_the_end("uct"))


@given(value=NOT_INTEGERS | st.none() | st.integers(max_value=0) | st.integers(min_value=2**25))
def test_number_of_actions_is_a_positive_integer(value: Any) -> None:
    assert refused_field(MCTS, model_with(num_actions=value)) == "model.num_actions"


@given(value=NOT_INTEGERS | st.none() | st.integers(max_value=0) | st.integers(min_value=256))
def test_number_of_players_is_a_positive_integer(value: Any) -> None:
    model = model_with(num_players=value, current_player=lambda state: 0)
    assert refused_field(MCTS, model) == "model.num_players"


def test_game_must_say_who_moves() -> None:
    with pytest.raises(InvalidRequest, match=r"^model.*player"):
        MCTS(model_with(num_players=2), to_the_end("uct"))


@pytest.mark.parametrize("value", [0, -0.5, 1.5, math.nan, math.inf, "1", None, 1j, 10**400])
def test_discount_is_above_zero_and_at_most_one(value: Any) -> None:
    assert refused_field(MCTS, model_with(discount=value)) == "model.discount"


@pytest.mark.parametrize("value", [1, 1.0, 0.5, 1e-300, np.float64(0.9), np.float32(0.5)])
def test_discount_may_be_any_number_in_range(value: Any) -> None:
    assert MCTS(model_with(discount=value), to_the_end("uct")).plan(0, BRIEF).simulations == 20


@given(value=NOT_INTEGERS | st.none() | st.integers(max_value=-1))
def test_size_of_a_state_is_an_integer_from_zero_up(value: Any) -> None:
    assert refused_field(MCTS, model_with(state_size_bytes=value)) == "model.state_size_bytes"


@given(value=NOT_INTEGERS | st.none() | st.integers(max_value=0) | st.integers(min_value=2**31))
def test_default_simulations_are_a_positive_integer(value: Any) -> None:
    field = refused_field(MCTS, model_with(default_simulations=value))
    assert field == "model.default_simulations"


def test_integers_of_numpy_describe_a_model_too() -> None:
    model = model_with(
        num_actions=np.int64(2), num_players=np.int8(1), state_size_bytes=np.int64(8)
    )
    assert MCTS(model, to_the_end("uct")).plan(0, BRIEF).simulations == 20


def test_evaluation_by_value_needs_a_value() -> None:
    config = to_the_end(evaluation="value")
    assert refused_field(MCTS, Chain(), config) == "evaluation"
    assert refused_field(MCTS, make("tic_tac_toe"), config) == "evaluation"
    assert MCTS(ValuedChain(), config).plan(0, BRIEF).simulations == 20


# ---- the planner's seeds, the cancel flag ------------------------------------------------


def test_refused_request_uses_up_no_seed() -> None:
    planner = MCTS(Chain(), to_the_end("uct"), seed=7)
    refused_field(planner.plan, 0, BRIEF, horizon=0)
    refused_field(planner.plan, 0, BRIEF, allowed_actions=[])
    assert planner.plan(0, BRIEF).seed == 7


@pytest.mark.parametrize("cancel", [True, object(), "now"])
def test_cancel_is_a_cancel_flag(cancel: Any) -> None:
    assert refused_field(MCTS(Chain(), to_the_end("uct")).plan, 0, BRIEF, cancel=cancel) == "cancel"

"""Caller x error: a function that breaks its contract is one clear error, whoever hands it over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models import NativeModel

Build = Callable[..., NativeModel[int]]

BELLMAN = SearchConfig(backup="bellman")
UNSET = "or was not set"

#: The functions and sizes of a model, and what a plan says of it.
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a status below zero": ({"sample": "fails"}, "^sample returned status -7$"),
    "a status with a text": (
        {"sample": "fails", "error_text": "says_why"},
        "^the disk is full$",
    ),
    "a status with no text": (
        {"sample": "fails", "error_text": "says_nothing"},
        "^sample returned status -7$",
    ),
    "a reward left unset": ({"sample": "leaves_reward_unset"}, f"^sample: a reward .*{UNSET}"),
    "terminated left unset": (
        {"sample": "leaves_terminated_unset"},
        f"^sample: terminated is neither 0 nor 1, {UNSET}",
    ),
    "the count of actions left unset": (
        {"actions": "leaves_count_unset"},
        "^actions: the count is not from 0 to max_actions",
    ),
    "terminal left unset": ({"terminal": "leaves_flag_unset"}, "^terminal: the answer is neither"),
    "the player left unset": ({"player": "leaves_flag_unset"}, "^player: the player is not from 0"),
    "values left unset": ({"evaluate": "evaluates_nothing"}, f"^evaluate: a value .*{UNSET}"),
    "the steps of a rollout left unset": (
        {"rollout": "rolls_nothing_out"},
        "^rollout: the steps are not from 0 to max_steps",
    ),
    "the rollout's action left unset": (
        {"rollout_action": "chooses_nothing"},
        "^rollout_action: the action is not from 0 to num_actions - 1",
    ),
    "a key that fails": ({"key": "writes_no_key", "key_bytes": 8}, "^key returned status -1$"),
    "a state that is refused later": (
        {"sample": "refuses_the_state"},
        "^sample returned status -2$",
    ),
    "the count of outcomes left unset": (
        {"transitions": "no_outcomes", "max_outcomes": 2},
        "^transitions: the count is not from 1 to max_outcomes",
    ),
    "outcomes left unset": (
        {"transitions": "unset_outcomes", "max_outcomes": 2},
        "^transitions: the probabilities do not sum to 1",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_plan_says_which_function_broke_its_contract(build: Build, fault: str) -> None:
    functions, message = FAULTS[fault]
    planner = MCTS(build(**functions), BELLMAN if "transitions" in functions else SearchConfig())
    for _ in range(2):  # and the planner is whole afterwards
        with pytest.raises(ModelFault, match=message):
            planner.plan(0, Budget(simulations=5))


QUESTIONS: dict[str, Callable[[NativeModel[int]], Any]] = {
    "sample": lambda model: model.sample(0, 1, np.random.default_rng(0)),
    "actions": lambda model: model.legal_actions(0),
    "terminal": lambda model: model.is_terminal(0),
    "player": lambda model: model.current_player(0),
    "rollout": lambda model: model.handle.rollout(bytes(8), 5, np.random.default_rng(0)),
    "transitions": lambda model: model.handle.transitions(bytes(8), 0),
}
ASKED = [fault for fault in FAULTS if QUESTIONS.keys() & FAULTS[fault][0].keys()]


@pytest.mark.parametrize("fault", ASKED)
def test_a_single_question_says_the_same(build: Build, fault: str) -> None:
    functions, message = FAULTS[fault]
    (function,) = QUESTIONS.keys() & functions.keys()
    refused = "refuses_the_state" in functions.values()
    with pytest.raises(InvalidRequest if refused else ModelFault, match=message.lstrip("^")):
        QUESTIONS[function](build(**functions))


def test_an_action_that_the_model_refuses_is_the_callers_mistake(build: Build) -> None:
    model = build(sample="refuses_the_action")
    with pytest.raises(InvalidRequest, match=r"^action: sample returned status -3$"):
        model.sample(0, 1, np.random.default_rng(0))


def test_a_state_that_the_model_refuses_is_the_callers_mistake(build: Build) -> None:
    model = build(validate="refuses_negative")
    assert MCTS(model).plan(0, Budget(simulations=5)).simulations == 5
    for question in (model.validate_state, MCTS(model).plan, model.legal_actions):
        with pytest.raises(InvalidRequest, match=r"^state: validate returned status -2$"):
            question(-1)


def test_a_good_model_plans_alike_for_every_caller(build: Build) -> None:
    plan = MCTS(build(), SearchConfig.preset("uct")).plan(
        0, Budget(simulations=20), horizon=10, seed=3
    )
    assert plan.value == 10.0
    assert [edge.visits for edge in plan.actions] == [10, 10]

"""A batch model is planned with as its scalar twin is, bit for bit, alone or row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from searching import plan_numbers
from small_batches import FORMS, PLACES, START, Walk

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models import UnbatchedModel
from mcts_service.planning import Belief

BUDGET = Budget(simulations=60)
PRESETS = ["uct", "dp_uct", "graph", "open_loop"]
CAPABILITIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "deterministic": {"deterministic": True},
    "masks": {"masks": True},
    "values": {"values": True},
    "keys": {"keys": True},
    "players": {"players": 2},
    "players, masks, values, keys": {"players": 2, "masks": True, "values": True, "keys": True},
    "deterministic, masks, keys": {"deterministic": True, "masks": True, "keys": True},
}


def config_of(preset: str, **changes: Any) -> SearchConfig:
    return SearchConfig.preset(preset, max_depth=9, **changes)


def numbers(plan: Any) -> dict[str, str]:
    """What a seed fixes of a plan, but for the bytes: states of a scalar model are objects."""
    if isinstance(plan, Exception):
        raise plan
    found = plan_numbers(plan)
    del found["bytes"]
    return found


def is_refused(capabilities: str, preset: str) -> bool:
    """Whether the preset has no plan for it: in open loop, whose turn it is must be known."""
    return "players" in capabilities and preset != "uct"


@pytest.mark.parametrize("horizon", [None, 4])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("capabilities", CAPABILITIES)
def test_plan_is_that_of_the_scalar_twin(
    capabilities: str, preset: str, horizon: int | None
) -> None:
    model = Walk(**CAPABILITIES[capabilities])
    config = config_of(preset)
    if is_refused(capabilities, preset):
        errors = []
        for either in (model, UnbatchedModel(model)):
            with pytest.raises((InvalidRequest, ModelFault)) as caught:
                MCTS(either, config).plan(START, seed=0)
            errors.append(str(caught.value).replace("_batch", ""))
        assert errors[0] == errors[1]
        return
    for seed in (0, 7):
        plans = [
            MCTS(either, config).plan(START, BUDGET, horizon=horizon, seed=seed)
            for either in (model, UnbatchedModel(model))
        ]
        assert numbers(plans[0]) == numbers(plans[1])


@pytest.mark.parametrize("evaluation", ["rollout", "value"])
@pytest.mark.parametrize("preset", ["uct", "graph", "open_loop"])
def test_leaves_are_worth_what_they_are_to_the_scalar_twin(preset: str, evaluation: str) -> None:
    model, config = Walk(values=True), config_of(preset, evaluation=evaluation)
    plans = [MCTS(m, config).plan(START, BUDGET, seed=3) for m in (model, UnbatchedModel(model))]
    assert numbers(plans[0]) == numbers(plans[1])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("form", FORMS)
def test_plan_is_the_same_whatever_form_the_states_have(form: str, preset: str) -> None:
    plain, model = Walk(masks=True), Walk(form, masks=True)
    expected = MCTS(plain, config_of(preset)).plan(START, BUDGET, seed=5)
    twin = MCTS(UnbatchedModel(model), config_of(preset)).plan(model.state(), BUDGET, seed=5)
    plan = MCTS(model, config_of(preset)).plan(model.state(), BUDGET, seed=5)
    assert numbers(plan) == numbers(expected) == numbers(twin)


@pytest.mark.parametrize("capabilities", CAPABILITIES)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_row_is_the_plan_of_its_state_alone(preset: str, capabilities: str) -> None:
    if is_refused(capabilities, preset):
        return
    model = Walk(**CAPABILITIES[capabilities])
    places, seeds = [5, 1, 6, 6], [4, 2**64 - 1, 4, 1]
    planner = MCTS(model, config_of(preset))
    for states in (places, np.array(places)):
        plans = planner.plan_batch(states, BUDGET, seeds=seeds, horizon=20)
        for place, seed, plan in zip(places, seeds, plans, strict=True):
            alone = MCTS(model, config_of(preset)).plan(place, BUDGET, horizon=20, seed=seed)
            assert plan_numbers(plan) == plan_numbers(alone)


@pytest.mark.parametrize("form", FORMS)
def test_an_array_of_states_of_any_form_is_planned_row_by_row(form: str) -> None:
    model = Walk(form, masks=True)
    plans = MCTS(model, config_of("uct")).plan_batch(model.states(4, 7), BUDGET, seeds=[1, 2])
    for place, seed, plan in zip((4, 7), (1, 2), plans, strict=True):
        alone = MCTS(model, config_of("uct")).plan(model.state(place), BUDGET, seed=seed)
        assert plan_numbers(plan) == plan_numbers(alone)


def test_more_rows_than_are_planned_at_once_are_as_each_alone() -> None:
    model, few = Walk(), Budget(simulations=3)
    plans = MCTS(model).plan_batch([START] * 1030, few, seeds=range(1030))
    for row in (0, 1, 1023, 1024, 1029):
        alone = MCTS(model).plan(START, few, seed=row)
        assert plan_numbers(plans[row]) == plan_numbers(alone)


def test_rows_may_be_beliefs_in_open_loop() -> None:
    model, config = Walk(), config_of("open_loop")
    beliefs = [Belief([4, 5, 6]), Belief([5])]
    plans = MCTS(model, config).plan_batch(beliefs, BUDGET, seeds=[3, 4])
    for belief, seed, plan in zip(beliefs, (3, 4), plans, strict=True):
        alone = MCTS(model, config).plan(belief, BUDGET, seed=seed)
        twin = MCTS(UnbatchedModel(model), config).plan(belief, BUDGET, seed=seed)
        assert numbers(plan) == numbers(alone) == numbers(twin)


def test_histories_are_refused_for_states_in_rows() -> None:
    with pytest.raises(InvalidRequest, match="outcome_key") as caught:
        MCTS(Walk(), config_of("pomcp")).plan(START)
    assert caught.value.violations[0].field == "outcome_key"


class Both(Walk):
    """Has `sample` too, and says for many states only what is legal, or what a state is worth."""

    def __init__(self, *names: str, **capabilities: Any) -> None:
        super().__init__(**capabilities)
        for name in names:
            delattr(self, name)

    def sample(self, state: Any, action: int, rng: Any) -> Any:
        return UnbatchedModel(self).sample(state, action, rng)


@pytest.mark.parametrize(
    ("names", "capabilities"),
    [
        (["legal_actions"], {"masks": True}),
        (["value"], {"values": True}),
        (["state_key"], {"keys": True}),
        (["current_player"], {"players": 2}),
    ],
)
def test_what_a_model_says_for_many_states_only_holds_for_a_single_plan(
    names: list[str], capabilities: dict[str, Any]
) -> None:
    plan = MCTS(Both(*names, **capabilities)).plan(START, BUDGET, seed=2)
    alone = MCTS(Walk(**capabilities)).plan(START, BUDGET, seed=2)
    assert numbers(plan) == numbers(alone)


@pytest.mark.parametrize(
    ("names", "capabilities"),
    [
        (["legal_actions_batch"], {"masks": True}),
        (["evaluate_batch"], {"values": True}),
        (["state_key_batch"], {"keys": True}),
        (["current_player_batch"], {"players": 2}),
    ],
)
def test_what_a_model_says_for_one_state_only_holds_for_many(
    names: list[str], capabilities: dict[str, Any]
) -> None:
    model = Both(*names, **capabilities)
    plans = MCTS(model).plan_batch([START, 7], BUDGET, seeds=[2, 3])
    for place, seed, plan in zip((START, 7), (2, 3), plans, strict=True):
        assert numbers(plan) == numbers(MCTS(model).plan(place, BUDGET, seed=seed))
        assert numbers(plan) == numbers(MCTS(Walk(**capabilities)).plan(place, BUDGET, seed=seed))


def test_states_without_elements_are_one_state() -> None:
    class Bandit:
        num_actions = 2

        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            return states, rng.random() + actions, np.zeros(len(states), np.bool_)

    for config in (config_of("uct"), config_of("graph", in_flight=7)):
        plans = MCTS(Bandit(), config).plan_batch(np.zeros((5, 0)), BUDGET, seeds=range(5))
        assert [plan.action for plan in plans] == [1] * 5
    assert plans[0].nodes == 1


def test_a_model_may_plan_with_its_own_planner_within_a_step() -> None:
    class Planning(Walk):
        inside = False

        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            before = rng.random()
            if not self.inside:
                self.inside = True
                self.planner.plan(int(states[0]), Budget(simulations=2), seed=1)
                self.inside = False
            following, rewards, ended = super().sample_batch(states, actions, rng)
            return following, rewards + before, ended

    class Plain(Walk):
        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            before = rng.random()
            following, rewards, ended = super().sample_batch(states, actions, rng)
            return following, rewards + before, ended

    model = Planning()
    model.planner = MCTS(model)
    budget = Budget(simulations=20)
    plan = model.planner.plan(START, budget, horizon=3, seed=0)
    assert numbers(plan) == numbers(MCTS(Plain()).plan(START, budget, horizon=3, seed=0))


def test_every_place_is_a_row() -> None:
    for form in FORMS.values():
        places = np.arange(PLACES)
        assert (form.read(form.write(places)) == places).all()

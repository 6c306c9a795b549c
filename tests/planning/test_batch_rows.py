"""A row that cannot be planned has its own error, and harms no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from searching import plan_numbers
from small_batches import START, Walk

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, ModelFault, NoLegalAction, TerminalState
from mcts_service.planning import Belief, Plan

BUDGET = Budget(simulations=60)
PRESETS = ["uct", "dp_uct", "graph", "open_loop"]


def config_of(preset: str, **changes: Any) -> SearchConfig:
    return SearchConfig.preset(preset, max_depth=9, **changes)


class Poisoned(Walk):
    """Raises whenever one of the rows stands where it must not."""

    where = 8

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        answer = super().sample_batch(states, actions, rng)
        if (states == self.where).any():
            raise LookupError(f"no way from {self.where}")
        return answer


@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize("preset", PRESETS)
def test_only_the_rows_that_make_a_call_fail_fail(preset: str, in_flight: int) -> None:
    model, config = Poisoned(deterministic=True), config_of(preset, in_flight=in_flight)
    # A step is of one or two places or none: from 11 on none comes to 8 in the two steps left.
    places = [5, 11, 8, 1, 11, 10]
    plans = MCTS(model, config).plan_batch(places, BUDGET, seeds=range(6), horizon=2)
    for row, (place, plan) in enumerate(zip(places, plans, strict=True)):
        [alone] = MCTS(model, config).plan_batch([place], BUDGET, seeds=[row], horizon=2)
        if isinstance(alone, ModelFault):
            assert isinstance(plan, ModelFault)
            assert str(plan) == str(alone) == "sample_batch raised LookupError: no way from 8"
            assert isinstance(plan.__cause__, LookupError)
        else:
            assert plan_numbers(plan) == plan_numbers(alone)
    assert isinstance(plans[2], ModelFault)
    assert isinstance(plans[1], Plan)


def test_each_failed_row_has_its_own_cause() -> None:
    class Telling(Walk):
        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            if (states != 3).any():
                raise ValueError(f"at {states[states != 3][0]}")
            return super().sample_batch(states, actions, rng)

    plans = MCTS(Telling()).plan_batch([4, 5, 6], BUDGET, seeds=[0, 0, 0])
    assert [str(plan.__cause__) for plan in plans] == ["at 4", "at 5", "at 6"]
    assert [str(plan) for plan in plans] == [
        f"sample_batch raised ValueError: at {place}" for place in (4, 5, 6)
    ]


def test_rows_that_cannot_be_planned_have_their_errors_and_harm_no_other() -> None:
    model = Walk("float64[3]", masks=True)
    good = model.state(5)
    states: list[Any] = [
        good, model.state(0), "boo", None, np.zeros(2), good, good * np.nan, good, [[1], [2, 3]],
    ]  # fmt: skip
    allowed: list[Any] = [None] * 9
    allowed[5], allowed[7] = [3], [0]  # at 5 the mask leaves 1 and 2
    plans = MCTS(model, config_of("uct")).plan_batch(
        states, BUDGET, seeds=[1] * 9, allowed_actions=allowed
    )
    kinds: list[type] = [
        object, TerminalState, InvalidRequest, InvalidRequest, InvalidRequest, InvalidRequest,
        InvalidRequest, NoLegalAction, InvalidRequest,
    ]  # fmt: skip
    for plan, kind in zip(plans, kinds, strict=True):
        assert isinstance(plan, kind)
    alone = MCTS(model, config_of("uct")).plan(good, BUDGET, seed=1)
    assert plan_numbers(plans[0]) == plan_numbers(alone)


@pytest.mark.parametrize("first", [None, "boo", [1, 2, 3], object(), 1.5, Belief([1.5])])
def test_a_bad_first_row_harms_no_other(first: Any) -> None:
    plans = MCTS(Walk()).plan_batch([first, START, START], BUDGET, seeds=[0, 1, 2])
    assert isinstance(plans[0], InvalidRequest)
    for seed in (1, 2):
        alone = MCTS(Walk()).plan(START, BUDGET, seed=seed)
        assert plan_numbers(plans[seed]) == plan_numbers(alone)


def test_rows_that_are_all_no_states_say_so_each() -> None:
    plans = MCTS(Walk()).plan_batch(["boo", {}], BUDGET)
    assert [type(plan) for plan in plans] == [InvalidRequest, InvalidRequest]
    assert "'boo'" in str(plans[0])
    assert "{}" in str(plans[1])


@pytest.mark.parametrize("wrong", [[1, 2], np.zeros((2, 2))])
def test_a_first_state_of_the_wrong_form_does_not_spoil_the_planner(wrong: Any) -> None:
    for in_flight in (1, 8):
        planner = MCTS(Walk(), SearchConfig(in_flight=in_flight))
        with pytest.raises((InvalidRequest, ModelFault)):
            planner.plan(wrong, BUDGET)
        fresh = MCTS(Walk(), SearchConfig(in_flight=in_flight))
        plan = planner.plan(START, BUDGET, seed=1)
        assert plan_numbers(plan) == plan_numbers(fresh.plan(START, BUDGET, seed=1))
        with pytest.raises(InvalidRequest, match="must be int64"):
            planner.plan(wrong, BUDGET)

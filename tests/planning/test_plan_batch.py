"""Many states in one call: each row as it is alone, and a row that fails harms no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_models import Chain

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, NoLegalAction, TerminalState
from mcts_service.models import make
from mcts_service.planning import CancelFlag, Plan

BUDGET = Budget(simulations=200)


def untimed(plan) -> Plan:
    assert isinstance(plan, Plan), plan
    return replace(plan, search_time=0.0)


@pytest.mark.parametrize("name", ["frozen_lake_4x4", "taxi"])
def test_a_row_is_the_plan_of_its_state_alone(name: str) -> None:
    model = make(name)
    states, seeds = [1, 2, 3, 4], [7, 8, 9, 10]
    plans = MCTS(model, SearchConfig.preset("uct")).plan_batch(states, BUDGET, seeds=seeds)
    for state, seed, plan in zip(states, seeds, plans, strict=True):
        assert untimed(plan) == untimed(
            MCTS(model, SearchConfig.preset("uct")).plan(state, BUDGET, seed=seed)
        )


def test_an_array_of_states_is_planned_row_by_row() -> None:
    model = make("tic_tac_toe")
    states = np.stack([model.initial_state()] * 3)
    plans = MCTS(model, SearchConfig.preset("uct")).plan_batch(states, BUDGET, seeds=np.arange(3))
    assert [plan.seed for plan in plans] == [0, 1, 2]


def test_without_seeds_the_planners_own_follow_each_other() -> None:
    model = make("frozen_lake_4x4")
    batch, alone = (
        MCTS(model, SearchConfig.preset("uct"), seed=3),
        MCTS(model, SearchConfig.preset("uct"), seed=3),
    )
    plans = batch.plan_batch([0, 0, 0], BUDGET)
    assert [plan.seed for plan in plans] == [alone.plan(0, BUDGET).seed for _ in range(3)]


def test_a_row_that_fails_has_its_error_and_harms_no_other() -> None:
    model = make("frozen_lake_4x4")
    plans = MCTS(model, SearchConfig.preset("uct")).plan_batch(
        [0, 5, 99, 1], BUDGET, seeds=[1, 1, 1, 1]
    )
    assert isinstance(plans[1], TerminalState)
    assert isinstance(plans[2], InvalidRequest)
    assert [untimed(plans[i]) for i in (0, 3)] == [
        untimed(MCTS(model, SearchConfig.preset("uct")).plan(state, BUDGET, seed=1))
        for state in (0, 1)
    ]


def test_each_row_has_its_own_allowed_actions() -> None:
    allowed = [None, [2], [0, 1]]
    plans = MCTS(make("frozen_lake_4x4"), SearchConfig.preset("uct")).plan_batch(
        [0, 0, 0], BUDGET, allowed_actions=allowed
    )
    assert [[a.action for a in plan.actions] for plan in plans] == [[0, 1, 2, 3], [2], [0, 1]]


def test_a_row_without_an_action_left_says_so() -> None:
    model = make("tic_tac_toe")
    state = model.initial_state()
    state[0, 0] = 1
    plans = MCTS(model, SearchConfig.preset("uct")).plan_batch(
        [state, state], BUDGET, allowed_actions=[[0], [1]]
    )
    assert isinstance(plans[0], NoLegalAction)
    assert plans[1].action == 1


def test_the_time_limit_is_that_of_the_call() -> None:
    planner = MCTS(Chain(), SearchConfig.preset("uct"))
    plans = planner.plan_batch([0] * 8, Budget(time_limit=0.4))
    assert sum(plan.search_time for plan in plans) < 2.0
    assert all(plan.simulations > 0 for plan in plans)


def test_a_cancelled_batch_gives_every_row_a_cancelled_plan_or_error() -> None:
    cancel = CancelFlag()
    cancel.cancel()
    plans = MCTS(Chain(), SearchConfig.preset("uct")).plan_batch([0, 0], BUDGET, cancel=cancel)
    assert [type(plan).__name__ for plan in plans] == ["Cancelled", "Cancelled"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"states": []}, "states"),
        ({"states": 3}, "states"),
        ({"states": "abc"}, "states"),
        ({"states": np.array(3)}, "states"),
        ({"states": [0, 1], "seeds": [1]}, "seeds"),
        ({"states": [0, 1], "seeds": 5}, "seeds"),
        ({"states": [0, 1], "allowed_actions": [[0]]}, "allowed_actions"),
        ({"states": [0], "budget": 100}, "budget"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        MCTS(make("frozen_lake_4x4"), SearchConfig.preset("uct")).plan_batch(**arguments)
    assert caught.value.violations[0].field == field

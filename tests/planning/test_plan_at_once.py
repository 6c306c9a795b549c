"""`MCTS.plan_at_once`: a plan that comes back in time, and what is left of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from served_models import Corridor

from mcts_service.errors import Cancelled, InvalidRequest, TerminalState
from mcts_service.models import make
from mcts_service.planning import (
    MCTS,
    Budget,
    CancelFlag,
    Plan,
    SearchConfig,
    StopReason,
    UnfinishedPlan,
)

#: Far more than any of these searches takes, and less than any does.
LONG, NONE = 3600.0, 0.0
MODELS = ["tic_tac_toe", "connect_four", "frozen_lake_8x8", "taxi", "cart_pole", "game_2048"]


def without_times(plan):
    return repr(replace(plan, search_time=0.0))


def both(name, config=None):
    """Two planners over one model, and a state."""
    model = make(name)
    state = model.initial_state()
    return MCTS(model, config), MCTS(model, config), state


@pytest.mark.parametrize("name", MODELS)
def test_what_is_done_in_time_is_the_planners_own_plan(name):
    at_once, other, state = both(name)
    budget = Budget(simulations=300)
    plan = at_once.plan_at_once(state, budget, seconds=LONG, seed=5)
    assert without_times(plan) == without_times(other.plan(state, budget, seed=5))


@pytest.mark.parametrize("seconds", [NONE, 1e-9, 1e-4])
@pytest.mark.parametrize("name", MODELS)
def test_what_another_thread_finishes_is_the_planners_own_plan(name, seconds):
    at_once, other, state = both(name)
    budget = Budget(simulations=20_000)
    rest = at_once.plan_at_once(state, budget, seconds=seconds, seed=5)
    if isinstance(rest, UnfinishedPlan):
        with ThreadPoolExecutor(1) as thread:
            plan = thread.submit(rest.finish).result()
    else:
        plan = rest
    assert seconds == 1e-4 or plan is not rest
    assert without_times(plan) == without_times(other.plan(state, budget, seed=5))


@pytest.mark.parametrize("name", MODELS)
def test_a_plan_in_many_pieces_is_the_planners_own(name):
    at_once, other, state = both(name)
    budget = Budget(simulations=20_000)
    plan = at_once.plan_at_once(state, budget, seconds=NONE, seed=5)
    while isinstance(plan, UnfinishedPlan):
        plan = plan.go_on(1e-3)
    assert without_times(plan) == without_times(other.plan(state, budget, seed=5))


def test_several_simulations_in_flight_are_left_to_another_thread():
    at_once, other, state = both("connect_four", SearchConfig(in_flight=4))
    budget = Budget(simulations=100)
    rest = at_once.plan_at_once(state, budget, seconds=LONG, seed=5)
    assert without_times(rest.finish()) == without_times(other.plan(state, budget, seed=5))


def test_a_plan_goes_on_with_the_tree_of_the_last_one():
    plans = []
    for seconds in (LONG, NONE):
        planner, _, state = both("taxi")
        plan = planner.plan(state, Budget(simulations=500), seed=1)
        following, _, _ = planner.model.sample(state, plan.action, np.random.default_rng(0))
        assert planner.advance(plan.action, following)
        answer = planner.plan_at_once(following, Budget(simulations=500), seconds=seconds, seed=2)
        plans.append(answer if isinstance(answer, Plan) else answer.finish())
    assert without_times(plans[0]) == without_times(plans[1])
    assert plans[0].reused_simulations > 0


def test_cancelling_the_rest_gives_what_was_found():
    planner, _, state = both("connect_four")
    cancel = CancelFlag()
    budget = Budget(simulations=10**9, max_bytes=2**28)
    # So long that even a machine with much else to do comes to a simulation.
    rest = planner.plan_at_once(state, budget, seconds=0.1, seed=5, cancel=cancel)
    cancel.cancel()
    plan = rest.finish()
    assert plan.stop_reason is StopReason.CANCELLED
    assert plan.simulations >= 1


def test_what_is_cancelled_before_one_simulation_has_no_plan():
    planner, _, state = both("connect_four")
    cancel = CancelFlag()
    rest = planner.plan_at_once(state, seconds=NONE, seed=5, cancel=cancel)
    cancel.cancel()
    with pytest.raises(Cancelled):
        rest.finish()


def test_dropping_the_rest_leaves_the_planner_as_it_was():
    planner, other, state = both("connect_four")
    rest = planner.plan_at_once(state, seconds=NONE, seed=5)
    del rest
    assert without_times(planner.plan(state, seed=6)) == without_times(other.plan(state, seed=6))


def test_errors_come_at_once():
    planner, _, _ = both("frozen_lake_4x4")
    with pytest.raises(TerminalState):
        planner.plan_at_once(5, seconds=NONE)
    with pytest.raises(InvalidRequest, match="state"):
        planner.plan_at_once(99, seconds=NONE)


def test_a_model_that_one_thread_may_use_is_refused():
    with pytest.raises(InvalidRequest, match="model: must be compiled and thread-safe"):
        MCTS(Corridor()).plan_at_once(4, seconds=LONG)

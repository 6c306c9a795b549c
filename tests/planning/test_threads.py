"""Several threads on one tree: plans as sound as those of one, and refusals that say what to do."""

from __future__ import annotations

import math
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import Chain

from mcts_service import MCTS, Budget, CancelFlag, SearchConfig
from mcts_service.errors import InvalidRequest
from mcts_service.models import make
from mcts_service.planning import Plan, StopReason

TREE = SearchConfig(threads=3, early_stop=False)
SIMULATIONS = 6000
MODELS = ["connect_four", "tic_tac_toe", "frozen_lake_8x8", "cart_pole", "mountain_car"]
#: Those of this process, one a thread.
TASKS = Path("/proc/self/task")
ENDLESS = Budget(simulations=10**9)


def root_of(model: Any) -> Any:
    return model.initial_state(np.random.default_rng(0))


def assert_sound(plan: Plan, reused: int = 0) -> None:
    """Counts add up, and what is said of actions is what can be."""
    visits = [action.visits for action in plan.actions]
    assert sum(visits) == plan.simulations + reused
    for action in plan.actions:
        if action.visits > 0:
            assert math.isfinite(action.value)
            assert not action.lower > action.value
            assert not action.upper < action.value
    assert next(a for a in plan.actions if a.action == plan.action).visits == max(visits)
    assert plan.nodes > 0
    assert plan.depth > 0
    assert plan.bytes > 0
    assert not plan.deterministic


def field_of(error: InvalidRequest) -> str:
    return error.violations[0].field


# ---- plans ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [2, 8])
@pytest.mark.parametrize("name", MODELS)
def test_plan_has_as_many_simulations_as_it_is_to_have(name: str, threads: int) -> None:
    model = make(name)
    config = replace(TREE, threads=threads, prove=False)
    plan = MCTS(model, config).plan(root_of(model), Budget(simulations=SIMULATIONS), seed=1)
    assert plan.stop_reason is StopReason.SIMULATIONS
    assert plan.simulations == SIMULATIONS
    assert_sound(plan)
    if len(plan.player_values) == 1:
        total = sum(action.visits * action.value for action in plan.actions if action.visits)
        assert plan.player_values[0] == pytest.approx(total / SIMULATIONS, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {"selection": "ucb1_tuned"},
        {"selection": "thompson"},
        {"selection": "puct", "root_noise": 0.25},
        {"action_widening": 1.0},
        {"rollout": "decisive"},
        {"evaluation": "constant"},
    ],
    ids=lambda changes: "-".join(map(str, changes.items())),
)
def test_other_settings_go_with_threads(changes: dict[str, Any]) -> None:
    model = make("connect_four")
    config = replace(TREE, prove=False, **changes)
    plan = MCTS(model, config).plan(root_of(model), Budget(simulations=SIMULATIONS), seed=1)
    assert plan.simulations == SIMULATIONS
    assert_sound(plan)


def test_auto_makes_a_tree_of_means() -> None:
    model = make("frozen_lake_8x8")
    alone = MCTS(model).plan(root_of(model), Budget(simulations=100))
    together = MCTS(model, SearchConfig(threads=2)).plan(root_of(model), Budget(simulations=100))
    assert alone.recipe == "graph"
    assert together.recipe == "uct"
    assert together.recipe_reason == "2 threads share a tree"


def test_few_simulations_are_those_of_one_thread() -> None:
    model = make("connect_four")
    root, budget = root_of(model), Budget(simulations=1000)
    one, many = (
        MCTS(model, replace(TREE, threads=threads)).plan(root, budget, seed=4)
        for threads in (1, 16)
    )
    assert one.actions == many.actions
    assert one.player_values == many.player_values
    assert one.principal_variation == many.principal_variation


def test_proven_actions_are_worth_what_is_proven() -> None:
    """From here the first player wins by 2 alone, and draws or loses by all else."""
    model = make("tic_tac_toe")
    board = np.array([[1, 1, 0], [-1, -1, 0], [0, 0, 0]], dtype=np.int8)
    plan = MCTS(model, TREE).plan(board, Budget(simulations=50_000), seed=1)
    assert plan.stop_reason is StopReason.SOLVED
    assert plan.action == 2
    assert plan.value == 1.0


def test_drawn_position_is_proven_to_be_one() -> None:
    model = make("tic_tac_toe")
    board = np.array([[1, 0, 0], [0, -1, 0], [0, 0, 0]], dtype=np.int8)
    config = replace(TREE, exploration=4.0)
    plan = MCTS(model, config).plan(board, Budget(simulations=300_000), seed=1)
    assert plan.stop_reason is StopReason.SOLVED
    assert plan.value == 0.0
    assert {action.value for action in plan.actions if action.proven} <= {0.0, -1.0}


# ---- limits --------------------------------------------------------------------------------------


def test_time_limit_ends_it() -> None:
    model = make("connect_four")
    budget = Budget(simulations=10**9, time_limit=0.2)
    plan = MCTS(model, TREE).plan(root_of(model), budget)
    assert plan.stop_reason is StopReason.TIME_LIMIT
    assert_sound(plan)


def test_byte_limit_ends_it() -> None:
    model = make("connect_four")
    budget = Budget(simulations=10**9, max_bytes=2**22)
    planner = MCTS(model, TREE)
    for _ in range(2):
        plan = planner.plan(root_of(model), budget)
        assert plan.stop_reason is StopReason.MAX_BYTES
        assert 2**21 < plan.bytes <= 2**22
        assert_sound(plan)


def test_another_thread_may_cancel_it() -> None:
    model, cancel = make("connect_four"), CancelFlag()
    timer = threading.Timer(0.1, cancel.cancel)
    timer.start()
    plan = MCTS(model, TREE).plan(root_of(model), ENDLESS, cancel=cancel)
    timer.join()
    assert plan.stop_reason is StopReason.CANCELLED
    assert_sound(plan)


def test_signal_is_for_the_main_thread() -> None:
    """None of the search's threads takes it, and the plan ends by what the handler raises."""
    model, handled_by = make("connect_four"), []

    def handle(*_: Any) -> None:
        handled_by.append(threading.get_native_id())
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        with pytest.raises(KeyboardInterrupt):
            MCTS(model, TREE).plan(root_of(model), Budget(simulations=10**9, time_limit=60.0))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert handled_by == [threading.get_native_id()]


@pytest.mark.skipif(not TASKS.exists(), reason="this system does not list threads so")
def test_threads_end_with_the_plan() -> None:
    model = make("connect_four")
    planner = MCTS(model, replace(TREE, threads=16))
    before = len(list(TASKS.iterdir()))
    planner.plan(root_of(model), Budget(simulations=SIMULATIONS))
    assert len(list(TASKS.iterdir())) <= before


# ---- more than one plan --------------------------------------------------------------------------


def test_planners_plan_at_once() -> None:
    model = make("connect_four")
    shared = MCTS(model, TREE)
    planners = [shared, shared, MCTS(model, replace(TREE, threads=2)), MCTS(model, TREE)]

    def plan(number: int) -> Plan:
        return planners[number % 4].plan(root_of(model), Budget(simulations=SIMULATIONS))

    with ThreadPoolExecutor(4) as pool:
        for plan_made in pool.map(plan, range(12)):
            assert plan_made.simulations == SIMULATIONS
            assert_sound(plan_made)


def test_next_plan_goes_on() -> None:
    model = make("connect_four")
    planner, state = MCTS(model, replace(TREE, prove=False), seed=1), root_of(model)
    reused = 0
    for _ in range(6):
        plan = planner.plan(state, Budget(simulations=SIMULATIONS))
        assert plan.simulations == SIMULATIONS
        assert plan.reused_simulations == reused or reused == -1
        assert_sound(plan, plan.reused_simulations)
        state, _, ended = model.sample(state, plan.action, np.random.default_rng(0))
        if ended:
            return
        assert planner.advance(plan.action, state)
        reused = -1
    assert plan.reused_simulations > 0


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "works"),
    [
        ({"selection": "gumbel"}, "ucb1"),
        ({"selection": "ments", "backup": "soft"}, "ucb1"),
        ({"backup": "bellman"}, "mean"),
        ({"evaluation": "trial", "backup": "bellman"}, "rollout"),
        ({"sharing": "state"}, "none"),
        ({"sharing": "depth"}, "none"),
        ({"outcome_key": "none"}, "state"),
    ],
    ids=lambda value: str(value),
)
def test_setting_that_does_not_go_with_threads_is_refused(
    changes: dict[str, Any], works: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        SearchConfig(threads=2, **changes)
    assert field_of(caught.value) == "threads"
    assert works in str(caught.value)
    assert "threads 1" in str(caught.value)


@pytest.mark.parametrize("changes", [{"in_flight": 2}, {"outcome_widening": 1.0}])
def test_setting_that_the_search_refuses_names_threads(changes: dict[str, Any]) -> None:
    model = make("frozen_lake_8x8")
    with pytest.raises(InvalidRequest) as caught:
        MCTS(model, SearchConfig(threads=2, **changes)).plan(0, Budget(simulations=10))
    assert field_of(caught.value) == "threads"
    assert "1 would work" in str(caught.value)


def test_model_that_is_not_thread_safe_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        MCTS(Chain(), SearchConfig(threads=2)).plan(0, Budget(simulations=10))
    assert field_of(caught.value) == "threads"
    assert "thread-safe" in str(caught.value)
    assert "1 would work" in str(caught.value)


@pytest.mark.parametrize("threads", [0, -1, 65, 2**40, 1.5, "2", True])
def test_number_of_threads_is_from_one_to_sixty_four(threads: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        SearchConfig(threads=threads)
    assert field_of(caught.value) == "threads"

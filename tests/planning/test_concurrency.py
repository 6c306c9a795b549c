"""Many threads, one planner."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from small_models import Chain, SlipperyGrid

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.models import make
from mcts_service.planning.plan import Plan

THREADS = 8


def outcome(plan: Plan) -> tuple[Any, ...]:
    return plan.seed, plan.actions, plan.principal_variation, plan.nodes, plan.player_values


@pytest.mark.parametrize("name", ["tic_tac_toe", "connect_four", "frozen_lake_4x4", "cart_pole"])
def test_threads_on_one_native_planner_plan_as_one_thread_does(name: str) -> None:
    model = make(name)
    planner, root = MCTS(model, SearchConfig.preset("uct")), model.initial_state()

    def plan(seed: int) -> tuple[Any, ...]:
        return outcome(planner.plan(root, Budget(simulations=500), seed=seed))

    alone = [plan(seed) for seed in range(40)]
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(plan, range(40))) == alone


@pytest.mark.parametrize("model", [Chain(), SlipperyGrid()])
def test_threads_on_one_python_planner_take_turns(model: Any) -> None:
    root = (0, 0) if isinstance(model, SlipperyGrid) else 0
    planner = MCTS(model, SearchConfig(max_depth=10))

    def plan(seed: int) -> tuple[Any, ...]:
        return outcome(planner.plan(root, Budget(simulations=100), seed=seed))

    alone = [plan(seed) for seed in range(24)]
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(plan, range(24))) == alone


def test_python_model_is_never_called_by_two_threads_at_once() -> None:
    class Exclusive(Chain):
        inside = threading.Lock()

        def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
            assert self.inside.acquire(blocking=False)
            try:
                return super().sample(state, action, rng)
            finally:
                self.inside.release()

    planner = MCTS(Exclusive(), SearchConfig.preset("uct"))
    with ThreadPoolExecutor(THREADS) as pool:
        plans = list(pool.map(lambda _: planner.plan(0, Budget(simulations=50)), range(32)))
    assert len({plan.seed for plan in plans}) == 32


def test_threads_draw_the_seeds_that_one_thread_would() -> None:
    model = make("tic_tac_toe")
    root, budget = model.initial_state(), Budget(simulations=1)
    one = MCTS(model, SearchConfig.preset("uct"), seed=5)
    alone = sorted(one.plan(root, budget).seed for _ in range(400))
    for _ in range(5):
        many = MCTS(model, SearchConfig.preset("uct"), seed=5)
        with ThreadPoolExecutor(THREADS) as pool:
            jobs = [pool.submit(many.plan, root, budget) for _ in range(400)]
            assert sorted(job.result().seed for job in jobs) == alone


def test_planners_of_one_python_model_do_not_disturb_each_other() -> None:
    """Each has its own lock, so their searches interleave call by call."""
    model = Chain()
    expected = [
        MCTS(model, SearchConfig.preset("uct")).plan(0, Budget(simulations=300), seed=seed)
        for seed in range(8)
    ]
    planners = [MCTS(model, SearchConfig.preset("uct")) for _ in range(8)]
    with ThreadPoolExecutor(THREADS) as pool:
        plans = list(
            pool.map(
                lambda seed: planners[seed].plan(0, Budget(simulations=300), seed=seed), range(8)
            )
        )
    assert [outcome(plan) for plan in plans] == [outcome(plan) for plan in expected]

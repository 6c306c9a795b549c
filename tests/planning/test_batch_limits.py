"""Cancelled, out of time or of bytes: a batch model's plans are sound, and nothing is left."""

from __future__ import annotations

import gc
import threading
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from searching import plan_numbers, to_the_end
from small_batches import START, Walk

from mcts_service import MCTS, Budget, CancelFlag, SearchConfig
from mcts_service.errors import Cancelled, DeadlineExpired, MCTSServiceError
from mcts_service.planning import Plan, StopReason

BUDGET = Budget(simulations=40)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("in_flight", [1, 6])
def test_cancelling_in_the_middle_leaves_sound_plans(in_flight: int, rows: int) -> None:
    flag = CancelFlag()
    calls = 0

    class Cancelling(Walk):
        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 60:
                flag.cancel()
            return super().sample_batch(states, actions, rng)

    planner = MCTS(Cancelling(), to_the_end("uct", max_depth=9, in_flight=in_flight))
    endless = Budget(simulations=10**6)
    plans = planner.plan_batch([START] * rows, endless, seeds=range(rows), cancel=flag)
    assert calls == 60
    for plan in plans:
        assert isinstance(plan, Plan)
        assert plan.stop_reason is StopReason.CANCELLED
        assert sum(a.visits for a in plan.actions) == plan.simulations
    with pytest.raises(Cancelled):
        planner.plan(START, endless, cancel=flag)


@pytest.mark.parametrize("in_flight", [1, 6])
def test_cancelled_by_another_thread_it_stops(in_flight: int) -> None:
    flag, begun = CancelFlag(), threading.Event()

    class Slow(Walk):
        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            begun.set()
            return super().sample_batch(states, actions, rng)

    planner = MCTS(Slow(), to_the_end("uct", max_depth=9, in_flight=in_flight))
    canceller = threading.Thread(target=lambda: begun.wait() and flag.cancel())
    canceller.start()
    with suppress(Cancelled):
        plan = planner.plan(START, Budget(simulations=10**7), cancel=flag)
        assert plan.stop_reason is StopReason.CANCELLED
    canceller.join()


@pytest.mark.parametrize("in_flight", [1, 6])
def test_the_time_limit_ends_every_row(in_flight: int) -> None:
    planner = MCTS(Walk(), to_the_end("uct", max_depth=9, in_flight=in_flight))
    plans = planner.plan_batch([START] * 4, Budget(time_limit=0.05))
    for plan in plans:
        assert isinstance(plan, Plan)
        assert plan.stop_reason is StopReason.TIME_LIMIT
        assert not plan.deterministic
    plans = planner.plan_batch([START] * 2, Budget(time_limit=1e-9))
    assert [type(plan) for plan in plans] == [DeadlineExpired] * 2


@pytest.mark.parametrize("in_flight", [1, 6])
def test_the_byte_limit_is_each_rows_own(in_flight: int) -> None:
    class Endless(Walk):
        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            away = states + 1 + actions + 10 * rng.integers(1000, size=len(states))
            return away, np.zeros(len(states)), np.zeros(len(states), np.bool_)

    config = SearchConfig(max_depth=3, in_flight=in_flight)
    budget = Budget(simulations=100_000, max_bytes=65_536)
    plans = MCTS(Endless(), config).plan_batch([100, 200], budget, seeds=[1, 2])
    for state, seed, plan in zip([100, 200], [1, 2], plans, strict=True):
        assert isinstance(plan, Plan)
        assert plan.stop_reason is StopReason.MAX_BYTES
        assert 0 < plan.simulations < 100_000
        assert plan.bytes <= 65_536
        alone = MCTS(Endless(), config).plan(state, budget, seed=seed)
        assert plan_numbers(plan) == plan_numbers(alone)


@pytest.mark.parametrize("end", ["whole", "error", "interrupt", "refused", "cancelled"])
@pytest.mark.parametrize("in_flight", [1, 6])
def test_no_array_outlives_the_planner(in_flight: int, end: str) -> None:
    live = 0

    class Rows(np.ndarray):
        def __array_finalize__(self, obj: Any) -> None:
            nonlocal live
            live += 1

        def __del__(self) -> None:
            nonlocal live
            live -= 1

    flag, calls = CancelFlag(), 0

    class Counted(Walk):
        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            nonlocal calls
            calls += 1
            following, rewards, ended = super().sample_batch(states.view(Rows), actions, rng)
            if calls == 30 and end == "error":
                raise ValueError("now")
            if calls == 30 and end == "interrupt":
                raise KeyboardInterrupt
            if calls == 30 and end == "refused":
                return following, rewards.view(Rows), None
            if calls == 30 and end == "cancelled":
                flag.cancel()
            return following.view(Rows), rewards.view(Rows), ended

    planner = MCTS(Counted(), to_the_end("uct", max_depth=9, in_flight=in_flight))
    with suppress(MCTSServiceError, KeyboardInterrupt):
        planner.plan(START, BUDGET, cancel=flag)
    with suppress(KeyboardInterrupt):
        calls = 0
        planner.plan_batch([START] * 3, BUDGET, cancel=flag)
    assert calls >= 0
    gc.collect()
    assert live == 0


def test_the_time_limit_counts_the_wait_for_another_plan() -> None:
    entered, go_on = threading.Event(), threading.Event()

    class Held(Walk):
        def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
            entered.set()
            assert go_on.wait(60)
            return super().sample_batch(states, actions, rng)

    planner = MCTS(Held())
    holder = threading.Thread(target=lambda: planner.plan(START, Budget(simulations=1)))
    holder.start()
    assert entered.wait(60)
    found: list[Any] = []
    waiting = threading.Thread(
        target=lambda: found.extend(planner.plan_batch([START], Budget(time_limit=0.2)))
    )
    waiting.start()
    waiting.join(0.4)  # past the limit, and it has not had its turn
    assert not found
    go_on.set()
    holder.join(60)
    waiting.join(60)
    # All of its time has gone: one simulation at most is in it.
    assert isinstance(found[0], DeadlineExpired) or found[0].simulations <= 1


def test_the_time_limit_is_that_of_all_slices() -> None:
    plans = MCTS(Walk(), to_the_end("uct")).plan_batch([START], Budget(time_limit=0.35))
    (plan,) = plans
    assert isinstance(plan, Plan)
    assert plan.stop_reason is StopReason.TIME_LIMIT
    assert plan.search_time >= 0.35

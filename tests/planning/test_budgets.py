"""The limits of one plan: each alone, together, at their smallest, and cut short from outside."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from searching import to_the_end
from small_models import Chain, StepCounter

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import Cancelled, DeadlineExpired, InvalidRequest
from mcts_service.models import make
from mcts_service.planning.mcts import CancelFlag
from mcts_service.planning.plan import StopReason

ENDLESS = 2**31 - 1


def test_simulations_alone() -> None:
    for simulations in (1, 2, 777):
        plan = MCTS(Chain(), to_the_end("uct")).plan(0, Budget(simulations=simulations))
        assert plan.simulations == simulations
        assert plan.stop_reason is StopReason.SIMULATIONS


@pytest.mark.parametrize("name", ["native", "python"])
def test_time_alone_outlasts_the_default_simulations(name: str) -> None:
    model = make("connect_four") if name == "native" else Chain()
    root = model.initial_state() if name == "native" else 0
    plan = MCTS(model, to_the_end("uct")).plan(root, Budget(time_limit=0.2))
    assert plan.stop_reason is StopReason.TIME_LIMIT
    assert plan.simulations > 0
    assert plan.search_time >= 0.2


def test_bytes_alone() -> None:
    plan = MCTS(make("connect_four"), to_the_end("uct")).plan(
        make("connect_four").initial_state(), Budget(max_bytes=65_536)
    )
    assert plan.stop_reason is StopReason.MAX_BYTES
    assert 0.9 * 65_536 < plan.bytes <= 65_536
    assert plan.simulations > 100


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(5, 1000.0, 2**30), StopReason.SIMULATIONS),
        (Budget(ENDLESS, 0.2, 2**36), StopReason.TIME_LIMIT),
        (Budget(ENDLESS, 1000.0, 65_536), StopReason.MAX_BYTES),
    ],
)
def test_first_limit_that_is_reached_stops(budget: Budget, reason: StopReason) -> None:
    model = make("connect_four")
    plan = MCTS(model, to_the_end("uct")).plan(model.initial_state(), budget)
    assert plan.stop_reason is reason
    assert plan.simulations >= 1


def test_states_of_a_declared_size_count() -> None:
    class Heavy(Chain):
        state_size_bytes = 10_000

    class Light(Chain):
        state_size_bytes = 0

    heavy = MCTS(Heavy(), to_the_end("uct")).plan(0, Budget(max_bytes=2**20))
    light = MCTS(Light(), to_the_end("uct")).plan(0, Budget(10**6, max_bytes=2**20))
    assert heavy.stop_reason is light.stop_reason is StopReason.MAX_BYTES
    assert heavy.nodes * 10_000 < heavy.bytes <= 2**20
    assert heavy.nodes < 105 < light.nodes


def test_states_that_do_not_fit_are_a_request_too_small() -> None:
    class Huge(Chain):
        state_size_bytes = 2**40

    with pytest.raises(InvalidRequest, match=r"^budget.max_bytes: is 65536; not one simulation"):
        MCTS(Huge(), to_the_end("uct")).plan(0, Budget(max_bytes=65_536))


def test_root_with_more_actions_than_fit_is_a_request_too_small() -> None:
    class Wide(Chain):
        num_actions = 100_000

    planner = MCTS(Wide(), to_the_end("uct"))
    with pytest.raises(InvalidRequest, match=r"^budget.max_bytes: is 65536; not one simulation"):
        planner.plan(0, Budget(max_bytes=65_536))
    assert planner.plan(0, Budget(simulations=2)).simulations == 2


def test_bytes_beyond_what_the_machine_has_are_only_a_limit() -> None:
    plan = MCTS(Chain(), to_the_end("uct")).plan(0, Budget(simulations=10, max_bytes=2**63 - 1))
    assert plan.stop_reason is StopReason.SIMULATIONS


def test_limits_of_different_plans_do_not_mix() -> None:
    planner = MCTS(Chain(), to_the_end("uct"))
    expected = planner.plan(0, Budget(simulations=300), seed=1).actions
    assert planner.plan(0, Budget(max_bytes=65_536), seed=1).stop_reason is StopReason.MAX_BYTES
    assert planner.plan(0, Budget(simulations=300), seed=1).actions == expected
    assert planner.plan(0, Budget(simulations=300, max_bytes=2**25), seed=1).actions == expected


def test_time_too_short_for_one_simulation_is_a_deadline() -> None:
    planner = MCTS(Chain(), to_the_end("uct"))
    with pytest.raises(DeadlineExpired, match="not one simulation fits into 1e-09 s"):
        planner.plan(0, Budget(time_limit=1e-9))
    assert planner.plan(0, Budget(simulations=3)).simulations == 3


def test_long_simulation_of_a_python_model_is_given_up_in_time() -> None:
    released = threading.Event()

    class Stalling(StepCounter):
        def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
            released.wait(0.001)
            return super().sample(state, action, rng)

    model = Stalling()
    with pytest.raises(DeadlineExpired):
        MCTS(model, SearchConfig(max_depth=60_000)).plan(0, Budget(time_limit=0.01))
    # It would have taken a minute; the clock is read at least every 64 steps.
    assert model.longest <= 640


# ---- cancelling -------------------------------------------------------------------------


def test_cancelled_before_it_began() -> None:
    cancel = CancelFlag()
    cancel.cancel()
    planner = MCTS(Chain(), to_the_end("uct"))
    with pytest.raises(Cancelled):
        planner.plan(0, cancel=cancel)
    assert planner.plan(0, Budget(simulations=3), cancel=CancelFlag()).simulations == 3


@pytest.mark.parametrize("name", ["native", "python"])
def test_another_thread_cancels_and_gets_the_plan_so_far(name: str) -> None:
    model = make("tic_tac_toe") if name == "native" else Chain()
    root = model.initial_state() if name == "native" else 0
    cancel = CancelFlag()
    planner = MCTS(model, to_the_end("uct"))
    timer = threading.Timer(0.3, cancel.cancel)
    timer.start()
    plan = planner.plan(root, Budget(simulations=ENDLESS), cancel=cancel)
    timer.join()
    assert plan.stop_reason is StopReason.CANCELLED
    assert 1 <= plan.simulations < ENDLESS
    assert sum(row.visits for row in plan.actions) == plan.simulations
    assert not plan.deterministic


def test_python_model_lets_other_threads_run_while_it_plans() -> None:
    """Even where its own code never waits: the cancelling thread gets its turn."""
    model = StepCounter()
    cancel, started = CancelFlag(), threading.Event()

    class Announcing(StepCounter):
        def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
            started.set()
            return model.sample(state, action, rng)

    def cancel_once_started() -> None:
        started.wait()
        cancel.cancel()

    thread = threading.Thread(target=cancel_once_started)
    thread.start()
    plan = MCTS(Announcing(), SearchConfig(max_depth=20)).plan(
        0, Budget(simulations=ENDLESS), cancel=cancel
    )
    thread.join()
    assert plan.stop_reason is StopReason.CANCELLED


def test_one_flag_cancels_every_plan_that_has_it() -> None:
    model = make("tic_tac_toe")
    planner, cancel = MCTS(model, to_the_end("uct")), CancelFlag()
    reasons: list[StopReason] = []

    def run() -> None:
        plan = planner.plan(
            np.zeros((3, 3), np.int8), Budget(simulations=ENDLESS), cancel=cancel, seed=0
        )
        reasons.append(plan.stop_reason)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    timer = threading.Timer(0.3, cancel.cancel)
    timer.start()
    for thread in [*threads, timer]:
        thread.join()
    assert reasons == [StopReason.CANCELLED] * 3

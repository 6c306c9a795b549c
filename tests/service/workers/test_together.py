"""Plans of a batch model that one worker makes together: all as if each were alone."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from misbehaving_models import BAD_POINT, Greedy, Linear, Stampede, Twofold
from served_models import Herd

from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    ModelFault,
    Overloaded,
    ReplicaLost,
    TerminalState,
)
from mcts_service.planning import MCTS, Budget, SearchConfig, StopReason

POINT = np.array([0.5, 0.0])
PATIENT = SearchConfig(early_stop=False)


def untimed(plan):
    """All of it as text, as numbers that are none equal nothing."""
    return repr(replace(plan, search_time=0.0, warnings=()))


def own(seed, simulations=100, point=POINT):
    return untimed(MCTS(Herd()).plan(point, Budget(simulations=simulations), seed=seed))


@pytest.fixture
def crowd_of(workers_of):
    """As `workers_of`, of workers that do up to 64 jobs together."""
    return partial(workers_of, max_together=64)


@pytest.fixture
def at_once():
    """Calls what it is given at the same time: `at_once([f, g])` are their results or errors."""
    with ThreadPoolExecutor(32) as threads:

        def call(functions):
            def result(function):
                try:
                    return function()
                except Exception as error:
                    return error

            return list(threads.map(result, functions))

        yield call


def plans_of(asked, points, **fields):
    return [
        lambda point=point, seed=seed: asked.plan(point, seed=seed, **fields)
        for seed, point in enumerate(points)
    ]


def rows_of(plan):
    return int(plan.warnings[0].removeprefix("rows: "))


def test_each_is_the_plan_that_is_made_alone(crowd_of, at_once):
    asked = crowd_of(Herd, warm_spares=0)
    assert asked.entry.plans_together
    assert asked.workforce.capacity == 64
    points = [np.array([0.5 - i / 40, i / 10]) for i in range(24)]
    found = at_once(plans_of(asked, points))
    for seed, (point, plan) in enumerate(zip(points, found, strict=True)):
        assert untimed(plan) == own(seed, point=point)
    assert asked.workforce.worker_state().busy == 0


def test_calls_of_the_model_answer_for_many(crowd_of, at_once):
    asked = crowd_of(Stampede, "exit_at_once", 0.001, warm_spares=0)
    found = at_once(plans_of(asked, [POINT] * 16, simulations=30))
    assert max(map(rows_of, found)) >= 12


def test_at_most_so_many_are_made_together(crowd_of, at_once):
    asked = crowd_of(Stampede, "exit_at_once", 0.001, warm_spares=0, max_together=4)
    assert asked.workforce.capacity == 4
    found = at_once(plans_of(asked, [POINT] * 12, simulations=30))
    assert max(map(rows_of, found)) == 4
    one = crowd_of(Stampede, "exit_at_once", warm_spares=0, max_together=1)
    assert max(map(rows_of, at_once(plans_of(one, [POINT] * 4)))) == 1


def test_replicas_share_the_plans(crowd_of, at_once):
    asked = crowd_of(Stampede, "exit_at_once", 0.001, warm_spares=1, replicas=2)
    asked.wait_for_idle(3)
    found = at_once(plans_of(asked, [POINT] * 16, simulations=30))
    assert 4 <= max(map(rows_of, found)) <= 12
    asked.wait_for_idle(3)


def test_a_model_that_answers_one_by_one_makes_no_plans_together(crowd_of):
    from served_models import Corridor

    asked = crowd_of(Corridor, warm_spares=0)
    assert not asked.entry.plans_together
    assert asked.workforce.capacity == 1


def test_what_is_wrong_with_one_is_no_others(crowd_of, at_once):
    asked = crowd_of(Stampede, "raise_error", 0.001, warm_spares=0)
    points = [POINT, BAD_POINT, np.array([2.0, 0.0]), POINT]
    found = at_once(plans_of(asked, points, simulations=20))
    assert isinstance(found[1], ModelFault)
    assert "the wires are crossed" in str(found[1].__cause__)
    assert isinstance(found[2], TerminalState)
    assert [untimed(found[i]) for i in (0, 3)] == [own(i, 20) for i in (0, 3)]
    assert asked.workforce.worker_state().lost == 0


@pytest.mark.parametrize("deed", ["segfault", "exit_at_once", "exit_in_python"])
def test_one_that_ends_the_worker_ends_no_other_plan(crowd_of, at_once, deed):
    asked = crowd_of(Stampede, deed, 0.001)
    asked.wait_for_idle(2)
    points = [POINT] * 6 + [BAD_POINT] + [POINT]
    found = at_once(plans_of(asked, points, simulations=20))
    assert isinstance(found[6], ModelFault)
    innocent = [0, 1, 2, 3, 4, 5, 7]
    assert [untimed(found[i]) for i in innocent] == [own(i, 20) for i in innocent]
    assert untimed(asked.plan(POINT, simulations=2, seed=1)) == own(1, 2)


@pytest.mark.parametrize("deed", ["sleep_for_ever", "loop_in_c", "stop_itself"])
def test_one_that_never_ends_costs_others_time_alone(crowd_of, at_once, deed):
    asked = crowd_of(Stampede, deed, 0.001)
    asked.wait_for_idle(2)
    calls = plans_of(asked, [POINT] * 5, simulations=20)
    found = at_once([*calls, lambda: asked.plan(BAD_POINT, time_limit=0.2)])
    assert isinstance(found[5], DeadlineExpired)
    assert [untimed(found[i]) for i in range(5)] == [own(i, 20) for i in range(5)]


def test_a_worker_that_is_killed_is_worth_another_try(crowd_of, at_once):
    asked = crowd_of(Stampede, "exit_at_once", 0.01)
    asked.wait_for_idle(2)

    def kill():
        while not (busy := [worker for worker in asked.workers if worker.jobs == 3]):
            time.sleep(0.001)
        time.sleep(0.2)  # until it has begun them
        os.kill(busy[0].pid, signal.SIGKILL)

    *found, _ = at_once([*plans_of(asked, [POINT] * 3), kill])
    assert all(isinstance(error, ReplicaLost) for error in found)
    assert untimed(asked.plan(POINT, simulations=2, seed=1)) == own(1, 2)


def test_each_is_cancelled_alone(crowd_of, at_once):
    asked = crowd_of(Herd, warm_spares=0)
    cancels = [asked.workforce.new_cancel() for _ in range(3)]
    threading.Timer(0.3, cancels[1].cancel).start()
    threading.Timer(0.6, cancels[0].cancel).start()
    threading.Timer(0.6, cancels[2].cancel).start()
    ends = {}

    def plan(i):
        found = asked.plan(POINT, simulations=10_000_000, cancel=cancels[i], config=PATIENT)
        ends[i] = time.monotonic()
        return found

    found = at_once([lambda i=i: plan(i) for i in range(3)])
    assert [plan.stop_reason for plan in found] == [StopReason.CANCELLED] * 3
    assert ends[1] < min(ends[0], ends[2])
    assert asked.workforce.worker_state().lost == 0
    # What comes into their slots afterwards is not.
    assert [untimed(plan) for plan in at_once(plans_of(asked, [POINT] * 3))] == [
        own(i) for i in range(3)
    ]


def test_one_that_is_cancelled_at_once_has_no_plan(crowd_of):
    asked = crowd_of(Herd, warm_spares=0)
    cancel = asked.workforce.new_cancel()
    cancel.cancel()
    with pytest.raises(Cancelled):
        asked.plan(POINT, cancel=cancel)


def test_each_ends_in_its_own_time(crowd_of, at_once):
    asked = crowd_of(Herd, warm_spares=0)
    limits = [0.6, 0.1, 0.3]

    def plan(seconds):
        started = time.monotonic()
        found = asked.plan(POINT, simulations=10_000_000, time_limit=seconds, config=PATIENT)
        assert found.stop_reason is StopReason.TIME_LIMIT
        return time.monotonic() - started

    found = at_once([lambda seconds=seconds: plan(seconds) for seconds in limits])
    assert all(took >= limit for took, limit in zip(found, limits, strict=True))
    assert np.argsort(found).tolist() == [1, 2, 0]


def test_short_ones_do_not_wait_for_a_long_one(crowd_of, at_once):
    asked = crowd_of(Herd, warm_spares=0)
    cancel = asked.workforce.new_cancel()
    order = []

    def long():
        asked.plan(POINT, simulations=10_000_000, cancel=cancel, config=PATIENT)
        order.append("long")

    def short():
        time.sleep(0.1)
        for seed in range(5):
            assert untimed(asked.plan(POINT, seed=seed)) == own(seed)
            order.append("short")
        cancel.cancel()

    assert at_once([long, short]) == [None, None]
    assert order == ["short"] * 5 + ["long"]


def test_a_model_that_answers_one_by_one_too_is_asked_in_batches(crowd_of, at_once):
    asked = crowd_of(Twofold, warm_spares=0)
    found = at_once(plans_of(asked, [POINT] * 8))
    assert [untimed(plan) for plan in found] == [own(i) for i in range(8)]


def test_one_after_the_other_is_the_default(workers_of, at_once):
    asked = workers_of(Stampede, "exit_at_once", warm_spares=0)
    assert asked.workforce.capacity == 1
    assert max(map(rows_of, at_once(plans_of(asked, [POINT] * 4)))) == 1


def test_batches_and_what_is_watched_take_turns_with_plans(crowd_of, at_once):
    asked = crowd_of(Herd, warm_spares=0)
    found = at_once(
        [
            *plans_of(asked, [POINT] * 8),
            lambda: asked.plan_batch([POINT] * 4, seeds=[3, 4, 5, 6]),
            lambda: asked.watch(POINT),
            *plans_of(asked, [POINT] * 8),
        ]
    )
    for i, plan in enumerate([*found[:8], *found[10:]]):
        assert untimed(plan) == own(i % 8)
    assert [untimed(plan) for plan in found[8].plans] == [own(seed) for seed in (3, 4, 5, 6)]
    assert untimed(found[9][-1]) == own(3)
    assert [plan.is_final for plan in found[9]] == [False] * (len(found[9]) - 1) + [True]
    assert len(found[9]) > 3
    asked.wait_for_idle(1)


def test_plans_do_not_wait_for_the_end_of_a_batch(crowd_of, at_once):
    asked = crowd_of(Herd, warm_spares=0)
    order = []

    def batch():
        asked.plan_batch([POINT] * 4, simulations=5000)
        order.append("batch")

    def plans():
        time.sleep(0.1)
        for seed in range(3):
            assert untimed(asked.plan(POINT, seed=seed, simulations=10)) == own(seed, 10)
            order.append("plan")

    assert at_once([batch, plans]) == [None, None]
    assert order == ["plan"] * 3 + ["batch"]


def test_a_search_that_is_watched_by_the_clock_tells_on_its_way(crowd_of, at_once):
    asked = crowd_of(Herd, warm_spares=0)
    watched, *plans = at_once(
        [
            lambda: asked.watch(POINT, simulations=10_000_000, time_limit=0.5, every=0.05),
            *plans_of(asked, [POINT] * 4),
        ]
    )
    assert 4 <= len(watched) <= 11
    simulations = [plan.simulations for plan in watched]
    assert simulations == sorted(simulations)
    assert [untimed(plan) for plan in plans] == [own(i) for i in range(4)]


def test_what_lacks_memory_in_company_may_be_tried_again(crowd_of, at_once):
    asked = crowd_of(Greedy, warm_spares=0, max_memory_bytes=200 * 2**20)
    heavy = np.full(2**13, 0.5)
    alone = asked.plan(heavy, seed=0, simulations=300, config=PATIENT)
    assert alone.simulations == 300
    for found in at_once(plans_of(asked, [heavy] * 24, simulations=300, config=PATIENT)):
        if isinstance(found, Overloaded):
            assert "memory of a worker" in str(found)
        else:
            assert found.stop_reason in (StopReason.SIMULATIONS, StopReason.MAX_BYTES)
    assert asked.workforce.worker_state().lost == 0


def test_a_model_whose_calls_grow_long_gets_no_more_rows(crowd_of, at_once):
    asked = crowd_of(Linear, warm_spares=0, overrun_seconds=0.5)
    found = at_once([*plans_of(asked, [POINT] * 24, simulations=1, time_limit=20.0)])
    assert [plan.simulations for plan in found] == [1] * 24
    assert asked.workforce.worker_state().lost == 0


def test_what_waits_behind_long_calls_expires_and_is_cancelled(crowd_of, at_once):
    asked = crowd_of(Linear, warm_spares=0, overrun_seconds=0.1)
    cancel = asked.workforce.new_cancel()
    threading.Timer(0.5, cancel.cancel).start()
    found = at_once(
        [
            *plans_of(asked, [POINT] * 4, simulations=3),
            lambda: time.sleep(0.2) or asked.plan(POINT, time_limit=0.2),
            lambda: time.sleep(0.2) or asked.plan(POINT, cancel=cancel),
        ]
    )
    assert all(plan.simulations == 3 for plan in found[:4])
    assert isinstance(found[4], DeadlineExpired)
    assert isinstance(found[5], Cancelled)
    assert asked.workforce.worker_state().lost == 0


def test_one_that_is_cancelled_and_never_ends_is_not_made_again(crowd_of, at_once):
    asked = crowd_of(Stampede, "loop_in_c", 0.001)
    asked.wait_for_idle(2)
    cancel = asked.workforce.new_cancel()
    threading.Timer(0.2, cancel.cancel).start()
    calls = plans_of(asked, [POINT] * 3, simulations=20)
    found = at_once([*calls, lambda: asked.plan(BAD_POINT, cancel=cancel)])
    assert isinstance(found[3], Cancelled)
    assert [untimed(found[i]) for i in range(3)] == [own(i, 20) for i in range(3)]
    assert asked.workforce.worker_state().lost == 1


def test_one_that_is_cancelled_does_not_wait_for_the_turns_of_others(crowd_of, at_once):
    asked = crowd_of(Stampede, "exit_at_once", 0.02, warm_spares=0, overrun_seconds=0.1)
    cancel = asked.workforce.new_cancel()
    took = []

    def cancelled():
        time.sleep(0.5)
        cancel.cancel()
        took.append(time.monotonic())

    def plan():
        try:
            return asked.plan(POINT, simulations=10_000, cancel=cancel, config=PATIENT)
        finally:
            took.append(time.monotonic())

    batches = [partial(asked.plan_batch, [POINT], simulations=2) for _ in range(8)]
    found = at_once([plan, cancelled, *batches])
    assert isinstance(found[0], Cancelled) or found[0].stop_reason is StopReason.CANCELLED
    assert took[1] - took[0] < 5  # of some ten that the batches take
    del found[1]
    assert not any(outcome.plans.errors for outcome in found[1:])
    assert asked.workforce.worker_state().lost == 0


@pytest.mark.parametrize("poisoned", [1, 3])
def test_innocent_jobs_outlive_any_number_of_others(crowd_of, at_once, poisoned):
    asked = crowd_of(Stampede, "exit_at_once", 0.001)
    asked.wait_for_idle(2)
    found = at_once(
        [
            *plans_of(asked, [POINT] * 3, simulations=10),
            lambda: asked.watch(POINT, simulations=10),
            lambda: asked.plan_batch([POINT], simulations=10, seeds=[3]),
            *[lambda: asked.watch(BAD_POINT) for _ in range(poisoned)],
            *plans_of(asked, [BAD_POINT] * poisoned),
        ]
    )
    assert [untimed(found[i]) for i in range(3)] == [own(i, 10) for i in range(3)]
    assert untimed(found[3][-1]) == own(3, 10)
    counts = [plan.simulations for plan in found[3]]
    assert counts == sorted(counts)
    assert untimed(found[4].plans[0]) == own(3, 10)
    assert all(isinstance(error, ModelFault) for error in found[5:])


def test_the_end_of_a_workforce_ends_all_its_plans(crowd_of, at_once):
    asked = crowd_of(Herd, warm_spares=0)
    threading.Timer(0.3, asked.workforce.close).start()
    found = at_once(plans_of(asked, [POINT] * 8, simulations=10_000_000, config=PATIENT))
    assert all(isinstance(error, ReplicaLost) for error in found)


def test_a_session_comes_back_to_the_worker_that_has_its_tree(crowd_of, at_once):
    asked = crowd_of(Herd, replicas=2, warm_spares=0)
    asked.wait_for_idle(2)
    asked.plan(POINT, session_id="a")
    cancel = asked.workforce.new_cancel()

    def busy():  # the worker that worked last, which has the session's tree
        asked.plan(POINT, simulations=10_000_000, cancel=cancel, config=PATIENT)

    def again():
        time.sleep(0.2)
        found = asked.plan(POINT, session_id="a")
        cancel.cancel()
        return found.reused_simulations

    assert at_once([busy, again])[1] > 80


def test_a_session_goes_on_from_its_tree(crowd_of, at_once):
    asked = crowd_of(Herd, replicas=2, warm_spares=0)
    asked.wait_for_idle(2)
    for _ in range(2):
        found = at_once(
            [lambda name=name: asked.plan(POINT, session_id=name) for name in "abcdefgh"]
        )
    assert min(plan.reused_simulations for plan in found) > 80

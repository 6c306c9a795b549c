"""Which searches the event loop runs itself, and what becomes of one that turns out to be long."""

import asyncio
import math
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from served_models import Corridor, entry_of

from mcts_service.errors import DeadlineExpired, Overloaded, ReplicaLost, TerminalState
from mcts_service.models import make
from mcts_service.planning import MCTS, Budget, SearchConfig, StopReason
from mcts_service.service.at_once import LoopShare, SearchTimes
from mcts_service.service.engine import Engine
from mcts_service.service.margin import DeadlineMargin, ReplyClocks
from mcts_service.service.planners import Planners
from mcts_service.service.query import PlanQuery

#: So long that every search that may run at once does, and is done; so short that none is.
LONG, SHORT = 3600.0, 1e-9
ENDLESS = Budget(simulations=2**31 - 1, time_limit=3600.0, max_bytes=2**30)


@pytest.fixture
def engine_of():
    """Builds an engine whose one worker may be held up."""
    engines, gates = [], []

    def build(*entries, at_once_seconds=LONG, max_waiting=8):
        clocks = ReplyClocks(DeadlineMargin())
        engine = Engine(
            entries,
            workers=1,
            max_waiting=max_waiting,
            at_once_seconds=at_once_seconds,
            clocks=clocks,
        )
        # What is spent on one test's searches is not to keep others from the loop.
        engine._loop_share.BURST = math.inf
        engines.append(engine)
        return engine

    def hold(engine):
        """Keeps the worker busy until the gate is opened."""
        started, gate = threading.Event(), threading.Event()
        gates.append(gate)
        engine._shared.submit(lambda: (started.set(), gate.wait()))
        started.wait()
        return gate

    build.hold = hold
    yield build
    for gate in gates:
        gate.set()
    for engine in engines:
        engine.stop_searches()
        engine.close()


def query_of(entry, state=None, *, simulations=20, **changes):
    state = entry.example if state is None else state
    query = PlanQuery(
        model=entry,
        read_state=lambda: state,
        is_read=True,
        budget=entry.limits.admit(simulations=simulations),
        config=entry.config,
        received=time.monotonic(),
        seed=3,
    )
    return replace(query, **changes)


def expect_short(engine, entry, config=None, seconds=0.0):
    """As if all searches of the model had been short so far."""
    times = engine._planners.get(entry, config or entry.config).times
    for size in range(32):
        times.observe(2**size - 1, seconds)
    return times


def without_times(plan):
    return repr(replace(plan, search_time=0.0))


@pytest.fixture
def threads_used(monkeypatch):
    """The threads in which planners planned."""
    threads = []

    def noted(original):
        def plan(self, *args, **kwargs):
            threads.append(threading.current_thread())
            return original(self, *args, **kwargs)

        return plan

    monkeypatch.setattr(MCTS, "plan", noted(MCTS.plan))
    monkeypatch.setattr(MCTS, "plan_at_once", noted(MCTS.plan_at_once))
    return threads


# ---- which


async def test_the_first_search_runs_in_a_thread_and_the_next_ones_at_once(engine_of, threads_used):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry)
    for _ in range(3):
        await engine.plan(query_of(entry))
    loop = threading.current_thread()
    assert [thread is loop for thread in threads_used] == [False, True, True]


@pytest.mark.parametrize("name", ["tic_tac_toe", "frozen_lake_8x8", "cart_pole", "game_2048"])
async def test_a_plan_at_once_is_that_of_a_thread(engine_of, name):
    entry = entry_of(make(name))
    engine = engine_of(entry)
    plans = [(await engine.plan(query_of(entry, simulations=200))).plan for _ in range(3)]
    assert len({without_times(plan) for plan in plans}) == 1
    assert all(plan.deterministic for plan in plans)


async def test_other_settings_have_times_of_their_own(engine_of, threads_used):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry)
    expect_short(engine, entry)
    config = SearchConfig(exploration=0.5)
    for _ in range(2):
        await engine.plan(query_of(entry, config=config))
    loop = threading.current_thread()
    assert [thread is loop for thread in threads_used] == [False, True]


@pytest.mark.parametrize(
    "changes",
    [
        {"is_read": False},
        {"budget": Budget(time_limit=0.05, max_bytes=2**30)},
        {"config": SearchConfig(in_flight=4)},
    ],
    ids=["state to be read", "time limit alone", "several in flight"],
)
async def test_what_may_take_long_runs_in_a_thread(engine_of, changes):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry)
    expect_short(engine, entry, changes.get("config"))
    gate = engine_of.hold(engine)
    planning = asyncio.create_task(engine.plan(query_of(entry, **changes)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not planning.done()
    gate.set()
    await asyncio.wait({planning})


async def test_models_in_python_never_run_on_the_loop(engine_of, threads_used):
    entry = entry_of(Corridor())
    engine = engine_of(entry)
    expect_short(engine, entry)
    for _ in range(3):
        await engine.plan(query_of(entry, 4))
    assert threading.current_thread() not in threads_used


async def test_none_runs_at_once_where_the_setting_says_so(engine_of, threads_used):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry, at_once_seconds=0)
    expect_short(engine, entry)
    await engine.plan(query_of(entry))
    assert threading.current_thread() not in threads_used


async def test_short_searches_are_answered_while_every_worker_is_busy(engine_of):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry, max_waiting=0)
    expect_short(engine, entry)
    engine_of.hold(engine)
    assert (await engine.plan(query_of(entry))).plan.simulations == 20
    with pytest.raises(Overloaded):
        await engine.plan(query_of(entry, is_read=False))


async def test_the_loop_answers_others_between_searches(engine_of):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry)
    expect_short(engine, entry)
    engine._loop_share.BURST = 0.0
    engine_of.hold(engine)
    first = await engine.plan(query_of(entry))
    # What the first one took is not paid for yet, so the second one waits for a thread.
    second = asyncio.create_task(engine.plan(query_of(entry, received=first.finished)))
    await asyncio.sleep(0)
    assert not second.done()
    second.cancel()


async def test_callers_share_the_workers_by_what_they_had_on_the_loop_too(engine_of):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry)
    expect_short(engine, entry)
    gate = engine_of.hold(engine)
    order = []

    async def wait(caller):
        await engine.plan(query_of(entry, caller=caller, is_read=False))
        order.append(caller)

    waiting = [asyncio.create_task(wait("much"))]
    await asyncio.sleep(0)
    for _ in range(20):
        await engine.plan(query_of(entry, caller="much"))
    waiting.append(asyncio.create_task(wait("little")))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*waiting)
    assert order == ["little", "much"]


# ---- errors


async def test_errors_are_those_of_a_thread_and_do_not_count_as_searches(engine_of):
    entry = entry_of(make("frozen_lake_4x4"))
    engine = engine_of(entry)
    times = expect_short(engine, entry)
    with pytest.raises(TerminalState):
        await engine.plan(query_of(entry, 5))
    assert times.expected(20) == 0.0


async def test_a_deadline_that_has_passed_is_refused(engine_of):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry)
    expect_short(engine, entry)
    with pytest.raises(DeadlineExpired, match="not one simulation of model fitted"):
        await engine.plan(query_of(entry, reply_by=time.monotonic()))


async def test_a_stopped_engine_runs_none(engine_of):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry)
    expect_short(engine, entry)
    engine.stop_searches()
    with pytest.raises(ReplicaLost):
        await engine.plan(query_of(entry))


# ---- what turns out to be long


@pytest.fixture
def begun(engine_of):
    """Begins a search on the loop that is not done there, with its worker busy or not."""

    def begin(*, busy, max_waiting=8, **changes):
        entry = entry_of(make("connect_four"))
        engine = engine_of(entry, at_once_seconds=SHORT, max_waiting=max_waiting)
        expect_short(engine, entry)
        gate = engine_of.hold(engine) if busy else None
        query = query_of(entry, np.zeros((6, 7), np.int8), **changes)
        return engine, gate, asyncio.create_task(engine.plan(query)), query

    return begin


async def test_it_is_finished_by_a_thread_and_the_plan_is_the_same(begun):
    _, _, planning, query = begun(busy=False, simulations=5_000)
    plan = (await planning).plan
    alone = MCTS(query.model.model).plan(query.read_state(), Budget(simulations=5_000), seed=3)
    assert without_times(plan) == without_times(alone)


async def test_the_loop_goes_on_meanwhile(begun):
    _, gate, planning, _ = begun(busy=True)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not planning.done()
    gate.set()
    assert (await planning).plan.simulations == 20


async def test_it_is_refused_where_there_is_no_room_to_wait(begun):
    _, _, planning, _ = begun(busy=True, max_waiting=0)
    with pytest.raises(Overloaded):
        await planning


async def test_cancelling_it_stops_it_and_frees_its_thread(begun):
    engine, _, planning, query = begun(busy=False, budget=ENDLESS)
    while engine._shared._room.running == 0:
        await asyncio.sleep(0.001)
    planning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await planning
    assert (await engine.plan(replace(query, budget=Budget(20, 3600.0, 2**30)))).plan


async def test_cancelling_it_while_it_waits_makes_room(begun):
    engine, gate, planning, query = begun(busy=True, max_waiting=1)
    await asyncio.sleep(0)
    planning.cancel()
    await asyncio.wait({planning})
    again = asyncio.create_task(engine.plan(query))
    await asyncio.sleep(0)
    assert not again.done()
    gate.set()
    assert (await again).plan.simulations == 20


async def test_stopping_ends_it_with_the_plan_so_far(begun):
    engine, _, planning, _ = begun(busy=False, budget=ENDLESS)
    while engine._shared._room.running == 0:
        await asyncio.sleep(0.001)
    # A moment's simulations, however short.
    await asyncio.sleep(0.01)
    engine.stop_searches()
    try:
        plan = (await planning).plan
    except ReplicaLost:
        pass  # not one was done
    else:
        assert plan.stop_reason is StopReason.CANCELLED


async def test_what_was_never_taken_up_again_has_no_plan_without_a_simulation(begun):
    engine, _, planning, _ = begun(busy=True)
    await asyncio.sleep(0)
    engine.stop_searches()
    with pytest.raises(ReplicaLost):
        await planning


async def test_simulations_from_before_are_a_plan_where_no_thread_was_free(engine_of):
    entry = entry_of(make("connect_four"))
    engine = engine_of(entry, at_once_seconds=0.05)
    expect_short(engine, entry)
    engine_of.hold(engine)
    planning = asyncio.create_task(engine.plan(query_of(entry, budget=ENDLESS)))
    await asyncio.sleep(0)
    engine.stop_searches()
    plan = (await planning).plan
    assert plan.stop_reason is StopReason.CANCELLED
    assert plan.simulations >= 1


async def test_the_callers_time_ends_it_while_it_waits(engine_of):
    entry = entry_of(make("connect_four"))
    engine = engine_of(entry, at_once_seconds=0.05)
    # Else a slow machine finds in time that half a second decides nothing more.
    whole = SearchConfig(early_stop=False)
    expect_short(engine, entry, whole)
    engine_of.hold(engine)
    limit = replace(ENDLESS, time_limit=0.5)
    plan = (await engine.plan(query_of(entry, budget=limit, config=whole))).plan
    assert plan.stop_reason is StopReason.TIME_LIMIT
    assert plan.simulations >= 1


async def test_sizes_that_turn_out_long_run_in_threads_from_then_on(engine_of, threads_used):
    entry = entry_of(make("connect_four"))
    engine = engine_of(entry, at_once_seconds=0.001)
    expect_short(engine, entry, seconds=0.0009)
    for _ in range(2):
        budget = Budget(simulations=300_000, time_limit=3600.0, max_bytes=2**30)
        await engine.plan(query_of(entry, budget=budget))
    loop = threading.current_thread()
    assert [thread is loop for thread in threads_used] == [True, False]


# ---- the rules


def test_the_time_of_a_search_is_that_of_others_of_its_size():
    times = SearchTimes()
    assert times.expected(100) == math.inf
    times.observe(100, 0.5)
    assert times.expected(100) == times.expected(64) == times.expected(127) == 0.5
    assert times.expected(63) == times.expected(128) == math.inf


def test_one_search_that_was_held_up_changes_little_and_many_change_all():
    times = SearchTimes()
    times.observe(1, 1.0)
    times.observe(1, 1_000.0)
    assert times.expected(1) == pytest.approx(1.3)
    for _ in range(40):
        times.observe(1, 1_000.0)
    assert times.expected(1) > 900


def test_searches_of_which_many_were_held_up_count_as_those_that_were_not():
    times = SearchTimes()
    for _ in range(50):
        for seconds in (3.0, 1.0, 50.0):
            times.observe(1, seconds)
    assert times.expected(1) < 2.5


def test_searches_that_are_short_again_are_soon_known_for_it():
    times = SearchTimes()
    times.observe(1, 100.0)
    for _ in range(8):
        times.observe(1, 1.0)
    assert times.expected(1) < 1.5


def test_the_greatest_number_of_simulations_has_a_size():
    times = SearchTimes()
    times.observe(2**31 - 1, 2.0)
    assert times.expected(2**31 - 1) == 2.0


def test_the_loop_has_half_of_its_time_for_others():
    share = LoopShare()
    assert share.allows(100.0, "a")
    share.spend(100.0, 1.0, "a")
    assert not share.allows(101.9, "a")
    assert not share.allows(101.9, "b")
    assert share.allows(102.0, "a")


def test_some_milliseconds_in_a_row_are_allowed():
    share = LoopShare()
    now, runs = 100.0, 0
    while share.allows(now, "a"):
        share.spend(now, 0.0005, "a")
        now += 0.0005
        runs += 1
    assert 10 <= runs <= 30


def seconds_each(share, callers, seconds=10.0):
    """What callers have who ask in turn, again and again, for a tenth of a millisecond each."""
    had = dict.fromkeys(callers, 0.0)
    now = 100.0
    while now < 100.0 + seconds:
        for caller in callers:
            if share.allows(now, caller):
                now += 0.0001
                share.spend(now, 0.0001, caller)
                had[caller] += 0.0001
        now += 0.0001
    return had


def test_one_caller_alone_may_have_all_of_the_searches_time():
    assert seconds_each(LoopShare(), ["a"])["a"] == pytest.approx(5.0, rel=0.05)


def test_callers_who_come_together_have_equal_parts_of_it():
    had = seconds_each(LoopShare(), ["a", "a", "a", "a", "b", "c"])
    assert had["a"] == pytest.approx(had["b"], rel=0.1)
    assert had["b"] == pytest.approx(had["c"], rel=0.1)
    assert 3.0 < sum(had.values()) < 5.5


def test_one_caller_leaves_time_for_the_next():
    share = LoopShare()
    while share.allows(100.0, "a"):
        share.spend(100.0, 0.0005, "a")
    assert share.allows(100.0, "b")


def test_callers_without_a_debt_are_forgotten():
    share = LoopShare()
    for number in range(1_000):
        share.spend(float(number), 0.0001, str(number))
    assert len(share._own) <= share.MOST + 1


def test_planners_of_other_settings_are_few():
    entry = entry_of(make("tic_tac_toe"))
    planners = Planners()
    configs = [SearchConfig(exploration=2 + n) for n in range(20)]
    made = [planners.get(entry, config) for config in configs]
    assert planners.known(entry, configs[-1]) is made[-1]
    assert planners.known(entry, configs[0]) is None
    assert len(planners._special) < len(configs)
    assert planners.get(entry, entry.config) is planners.get(entry, replace(entry.config))

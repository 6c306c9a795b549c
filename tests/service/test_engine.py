import asyncio
import time
from dataclasses import replace

import pytest
from served_models import FAULTS, Corridor, Faulty, Gated, Grid, Slow, entry_of

from mcts_service.errors import (
    DeadlineExpired,
    InvalidRequest,
    ModelFault,
    Overloaded,
    ReplicaLost,
    TerminalState,
)
from mcts_service.models import make
from mcts_service.planning import MCTS, Budget, CancelFlag, SearchConfig, StopReason
from mcts_service.service.engine import Engine
from mcts_service.service.margin import DeadlineMargin, ReplyClock, ReplyClocks
from mcts_service.service.query import BatchQuery, BatchRow, PlanOutcome, PlanQuery

LONG = Budget(simulations=10_000_000, time_limit=3600.0, max_bytes=2**30)


@pytest.fixture
def engine_of():
    """Builds an engine over the given models."""
    engines = []

    def build(*entries, max_waiting=8, margin_seconds=0.002, **options):
        clocks = ReplyClocks(DeadlineMargin(minimum_seconds=margin_seconds))
        engines.append(
            Engine(entries, workers=1, max_waiting=max_waiting, clocks=clocks, **options)
        )
        return engines[-1]

    yield build
    for engine in engines:
        engine.stop_searches()
        engine.close()


def query_of(entry, state=4, **changes):
    query = PlanQuery(
        model=entry,
        read_state=lambda: state,
        budget=entry.limits.admit(simulations=100),
        config=entry.config,
        received=time.monotonic(),
        seed=3,
    )
    return replace(query, **changes)


async def until(event):
    """Waits for a threading.Event."""
    await asyncio.get_running_loop().run_in_executor(None, event.wait)


async def test_a_plan_is_the_planners_own(engine_of):
    entry = entry_of(Corridor())
    outcome = await engine_of(entry).plan(query_of(entry))
    expected = MCTS(Corridor()).plan(4, Budget(simulations=100), seed=3)
    assert outcome.plan.actions == expected.actions
    assert outcome.plan.deterministic
    assert outcome.queue_time >= 0


async def test_a_request_may_change_the_search(engine_of):
    entry = entry_of(Corridor())
    engine = engine_of(entry)
    config = SearchConfig(exploration=0.1, max_depth=3)
    outcome = await engine.plan(query_of(entry, config=config))
    expected = MCTS(Corridor(), config).plan(4, Budget(simulations=100), seed=3)
    assert outcome.plan.actions == expected.actions


@pytest.mark.parametrize("preset", ["uct", "dp_uct", "graph"])
async def test_a_request_may_name_another_algorithm(engine_of, preset):
    entry = entry_of(Corridor())
    config = SearchConfig.preset(preset)
    outcome = await engine_of(entry).plan(query_of(entry, config=config))
    expected = MCTS(Corridor(), config).plan(4, Budget(simulations=100), seed=3)
    assert outcome.plan.recipe == preset
    assert [(action.visits, action.value) for action in outcome.plan.actions] == [
        (action.visits, action.value) for action in expected.actions
    ]


async def test_a_search_that_the_model_cannot_have_is_the_callers_mistake_every_time(engine_of):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry)
    state = entry.example
    for _ in range(2):
        with pytest.raises(InvalidRequest) as caught:
            await engine.plan(query_of(entry, state, config=SearchConfig.preset("graph")))
        assert [violation.field for violation in caught.value.violations] == ["options.backup"]
    whole = SearchConfig(early_stop=False)
    assert (await engine.plan(query_of(entry, state, config=whole))).plan.simulations == 100


async def test_a_seed_is_drawn_where_none_is_given(engine_of):
    entry = entry_of(Corridor())
    engine = engine_of(entry)
    seeds = {(await engine.plan(query_of(entry, seed=None))).plan.seed for _ in range(3)}
    assert len(seeds) == 3


async def test_the_time_limit_stops_the_search(engine_of):
    entry = entry_of(Slow())
    outcome = await engine_of(entry).plan(query_of(entry, budget=replace(LONG, time_limit=0.5)))
    assert outcome.plan.stop_reason is StopReason.TIME_LIMIT
    assert not outcome.plan.deterministic


async def test_the_callers_deadline_stops_the_search_in_time_to_reply(engine_of):
    entry = entry_of(Slow())
    engine = engine_of(entry, margin_seconds=60.0)
    reply_by = time.monotonic() + 60.5
    outcome = await engine.plan(query_of(entry, budget=LONG, reply_by=reply_by))
    assert outcome.plan.stop_reason is StopReason.TIME_LIMIT
    assert outcome.finished < reply_by


async def test_a_search_that_is_too_late_for_its_caller_leaves_the_next_ones_more_time(engine_of):
    """Its reply is never sent, and so not measured; yet it says more than those that are."""
    entry = entry_of(Gated())
    engine = engine_of(entry, max_waiting=2 * ReplyClock.REFRESH)
    clock = engine._clocks.of(entry.name)
    for _ in range(ReplyClock.REFRESH):
        budget = replace(LONG, time_limit=0.05)
        planning = asyncio.create_task(engine.plan(query_of(entry, budget=budget)))
        await until(entry.model.asked)
        await asyncio.sleep(0.1)
        planning.cancel()
        await asyncio.wait({planning})
        entry.model.gate.set()
        while engine._own[entry]._room.running:
            await asyncio.sleep(0.001)
        entry.model.gate.clear()
        entry.model.asked.clear()
    assert clock.margin(0.2) > 0.04
    assert engine._clocks.of("another").margin(0.2) < 0.04


async def test_a_deadline_that_leaves_nothing_after_the_margin_is_refused(engine_of):
    entry = entry_of(Slow())
    with pytest.raises(DeadlineExpired, match="not one simulation of model fitted"):
        await engine_of(entry).plan(query_of(entry, reply_by=time.monotonic() + 0.001))
    assert not entry.model.asked.is_set()


async def test_what_expires_while_it_waits_is_never_run(engine_of):
    slow = entry_of(Slow())
    engine = engine_of(slow)
    running = asyncio.create_task(engine.plan(query_of(slow, budget=LONG)))
    await until(slow.model.asked)
    reads = []
    late = query_of(slow, budget=replace(LONG, time_limit=0.05), read_state=lambda: reads.append(1))
    with pytest.raises(DeadlineExpired):
        await engine.plan(late)
    assert not running.done()
    running.cancel()
    await asyncio.wait({running})
    assert reads == []


async def test_cancelling_stops_the_search_and_frees_its_thread(engine_of):
    entry = entry_of(Slow())
    engine = engine_of(entry, max_waiting=1)
    running = asyncio.create_task(engine.plan(query_of(entry, budget=LONG)))
    await until(entry.model.asked)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    outcome = await engine.plan(query_of(entry, budget=replace(LONG, simulations=1)))
    assert outcome.plan.simulations == 1


async def test_cancelling_what_waits_makes_room(engine_of):
    entry = entry_of(Slow())
    engine = engine_of(entry, max_waiting=1)
    running = asyncio.create_task(engine.plan(query_of(entry, budget=LONG)))
    await until(entry.model.asked)
    waiting = asyncio.create_task(engine.plan(query_of(entry)))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await engine.plan(query_of(entry))
    waiting.cancel()
    await asyncio.wait({waiting})
    another = asyncio.create_task(engine.plan(query_of(entry, budget=replace(LONG, simulations=2))))
    await asyncio.sleep(0)
    running.cancel()
    assert (await another).plan.simulations == 2


async def test_models_in_python_do_not_wait_for_each_other(engine_of):
    slow, grid = entry_of(Slow(), "slow"), entry_of(Grid(), "grid")
    engine = engine_of(slow, grid)
    running = asyncio.create_task(engine.plan(query_of(slow, budget=LONG)))
    await until(slow.model.asked)
    assert (await engine.plan(query_of(grid, (0, 0)))).plan.simulations == 100
    assert not running.done()
    running.cancel()


async def test_a_state_that_the_model_cannot_read_is_the_callers_mistake(engine_of):
    entry = entry_of(Corridor())

    def refuse():
        raise InvalidRequest("state.opaque", "is no state")

    with pytest.raises(InvalidRequest, match=r"state.opaque: is no state"):
        await engine_of(entry).plan(query_of(entry, read_state=refuse))


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_a_model_does_wrong_is_its_fault_and_the_engine_goes_on(engine_of, fault):
    faulty, good = entry_of(Faulty(fault), "faulty"), entry_of(Corridor(), "good")
    engine = engine_of(faulty, good)
    with pytest.raises(ModelFault):
        await engine.plan(query_of(faulty))
    assert (await engine.plan(query_of(good))).plan.simulations == 100
    with pytest.raises(ModelFault):
        await engine.plan(query_of(faulty))


async def test_stopping_ends_what_runs_with_the_plan_so_far_and_what_waits_as_lost(engine_of):
    entry = entry_of(Slow())
    engine = engine_of(entry)
    shallow = SearchConfig(max_depth=5)
    running = asyncio.create_task(engine.plan(query_of(entry, budget=LONG, config=shallow)))
    await until(entry.model.asked)
    waiting = asyncio.create_task(engine.plan(query_of(entry)))
    await asyncio.sleep(0)
    while entry.model.steps < 20:
        await asyncio.sleep(0.001)
    engine.stop_searches()
    outcome = await running
    assert outcome.plan.stop_reason is StopReason.CANCELLED
    assert outcome.plan.simulations >= 1
    with pytest.raises(ReplicaLost):
        await waiting
    with pytest.raises(ReplicaLost):
        await engine.plan(query_of(entry))


# ---- batches ----------------------------------------------------------------------------


def refuse():
    raise InvalidRequest("state.opaque", "is no state")


def batch_of(entry, states, **changes):
    """A function among the states is what reads that row."""
    query = BatchQuery(
        model=entry,
        rows=[
            BatchRow(f"rows[{row}]", state if callable(state) else lambda state=state: state)
            for row, state in enumerate(states)
        ],
        budget=entry.limits.admit(simulations=100),
        config=entry.config,
        received=time.monotonic(),
    )
    return replace(query, **changes)


async def test_a_batch_is_the_planners_own(engine_of):
    entry = entry_of(Corridor())
    outcome = await engine_of(entry).plan_batch(batch_of(entry, [4, 5], seeds=[3, 4]))
    expected = MCTS(Corridor()).plan_batch([4, 5], Budget(simulations=100), seeds=[3, 4])
    assert [plan.actions for plan in outcome.plans] == [plan.actions for plan in expected]
    assert outcome.seeds == [3, 4]
    assert outcome.queue_time >= 0


async def test_a_row_that_fails_is_its_entry_under_its_own_name(engine_of):
    entry = entry_of(make("frozen_lake_4x4"))
    outcome = await engine_of(entry).plan_batch(batch_of(entry, [0, refuse, 5, 99, 1]))
    kinds = [type(plan).__name__ for plan in outcome.plans]
    assert kinds == ["Plan", "InvalidRequest", "TerminalState", "InvalidRequest", "Plan"]
    assert outcome.plans[1].violations[0].field == "state.opaque"
    assert outcome.plans[3].violations[0].field == "rows[3]"


async def test_rows_that_all_fail_are_no_error_of_the_call(engine_of):
    entry = entry_of(make("frozen_lake_4x4"))
    outcome = await engine_of(entry).plan_batch(batch_of(entry, [5, refuse]))
    assert isinstance(outcome.plans[0], TerminalState)
    outcome = await engine_of(entry).plan_batch(batch_of(entry, [refuse]))
    assert isinstance(outcome.plans[0], InvalidRequest)


async def test_seeds_of_rows_are_drawn_where_none_are_given(engine_of):
    entry = entry_of(Corridor())
    outcome = await engine_of(entry).plan_batch(batch_of(entry, [4, 4, 4]))
    assert len(set(outcome.seeds)) == 3
    assert [plan.seed for plan in outcome.plans] == outcome.seeds


async def test_a_batch_is_one_job_and_cancelling_it_frees_its_thread(engine_of):
    entry = entry_of(Slow())
    engine = engine_of(entry, max_waiting=0)
    running = asyncio.create_task(engine.plan_batch(batch_of(entry, [4] * 5, budget=LONG)))
    await until(entry.model.asked)
    with pytest.raises(Overloaded):
        await engine.plan(query_of(entry))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_stopping_ends_a_batch_with_what_it_has(engine_of):
    entry = entry_of(Slow())
    engine = engine_of(entry)
    shallow = SearchConfig(max_depth=5, early_stop=False)
    query = batch_of(entry, [4, 4], budget=LONG, config=shallow)
    running = asyncio.create_task(engine.plan_batch(query))
    while entry.model.steps < 20:
        await asyncio.sleep(0.001)
    engine.stop_searches()
    outcome = await running
    assert outcome.plans[0].stop_reason is StopReason.CANCELLED
    assert isinstance(outcome.plans[1], ReplicaLost) or outcome.plans[1].simulations >= 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_a_model_does_wrong_in_a_batch_the_engine_goes_on(engine_of, fault):
    faulty, good = entry_of(Faulty(fault), "faulty"), entry_of(Corridor(), "good")
    engine = engine_of(faulty, good)
    try:
        outcome = await engine.plan_batch(batch_of(faulty, [4, 5]))
    except ModelFault:  # what is no Exception, such as SystemExit, ends the whole call
        assert fault == "exits"
    else:
        assert all(isinstance(plan, ModelFault) for plan in outcome.plans)
    assert (await engine.plan_batch(batch_of(good, [4]))).plans[0].simulations == 100


async def test_a_search_holds_its_memory_until_it_has_ended(engine_of):
    """And not only until nobody waits for it any more."""
    entry = entry_of(Gated(), max_bytes=2**20)
    engine = engine_of(entry, max_total_bytes=2**20)
    first = asyncio.create_task(engine.plan(query_of(entry)))
    await until(entry.model.asked)
    first.cancel()
    await asyncio.wait({first})
    with pytest.raises(Overloaded, match="memory"):
        await engine.plan(query_of(entry))
    entry.model.gate.set()
    while engine._own[entry]._room.running:
        await asyncio.sleep(0.001)
    assert (await engine.plan(query_of(entry))).plan.simulations == 100


class Sleeper:
    """A `SearchHost` whose searches take as long as they are told."""

    capacity = 1

    def __init__(self, seconds):
        self.seconds = seconds
        self.began = 0

    def new_cancel(self):
        return CancelFlag()

    def plan(self, query, end_by, cancel):
        self.began += 1
        time.sleep(self.seconds)
        plan = replace(MCTS(Corridor()).plan(4, Budget(simulations=100)), search_time=self.seconds)
        return PlanOutcome(plan, 0.0, time.monotonic())

    def close(self):
        pass


async def test_what_a_host_could_not_begin_in_time_is_refused_at_once(engine_of):
    host = Sleeper(0.1)
    entry = replace(entry_of(Corridor()), host=host, is_thread_safe=False)
    engine = engine_of(entry, max_waiting=64)
    await engine.plan(query_of(entry))
    started, reply_by = time.monotonic(), time.monotonic() + 0.5
    calls = [engine.plan(query_of(entry, reply_by=reply_by)) for _ in range(20)]
    refused = []

    async def ended(call):
        try:
            await call
        except Overloaded:
            refused.append(time.monotonic() - started)
        except DeadlineExpired:
            pass

    await asyncio.gather(*map(ended, calls))
    assert len(refused) >= 10
    assert max(refused) < 0.4
    assert host.began <= 10

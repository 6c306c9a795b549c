"""Plans that improve, between the thread that searches and the one who reads."""

import asyncio
import threading
import time
from contextlib import aclosing
from functools import partial

import pytest
from served_models import Corridor, Faulty, Slow, Streets, entry_of

from mcts_service.errors import InvalidRequest, ModelFault, ReplicaLost
from mcts_service.planning import MCTS, Budget, StopReason
from mcts_service.service.engine import Engine
from mcts_service.service.margin import DeadlineMargin, ReplyClocks
from mcts_service.service.query import PlanQuery
from mcts_service.service.watching import improving_outcomes

LONG = Budget(simulations=10_000_000, time_limit=3600.0, max_bytes=2**30)


@pytest.fixture
def engine_of():
    """Builds an engine over a model."""
    engines = []

    def build(entry):
        clocks = ReplyClocks(DeadlineMargin())
        engines.append(Engine([entry], workers=1, max_waiting=8, clocks=clocks))
        return engines[-1]

    yield build
    for engine in engines:
        engine.stop_searches()
        engine.close()


def query_of(entry, budget=None, state=4):
    return PlanQuery(
        model=entry,
        read_state=lambda: state,
        budget=budget or entry.limits.admit(simulations=100),
        config=entry.config,
        received=time.monotonic(),
        seed=3,
    )


async def outcomes_of(engine, query, every=None):
    return [outcome async for outcome in improving_outcomes(partial(engine.watch, query, every))]


async def test_the_last_outcome_is_the_planners_own_plan(engine_of):
    entry = entry_of(Corridor())
    *improving, final = await outcomes_of(engine_of(entry), query_of(entry))
    expected = MCTS(Corridor()).plan(4, Budget(simulations=100), seed=3)
    assert final.plan.actions == expected.actions
    assert final.plan.is_final
    assert not any(outcome.plan.is_final for outcome in improving)


async def test_labels_are_encoded_as_they_travel(engine_of):
    entry = entry_of(Streets())
    query = query_of(entry, state=(0, 1))
    outcomes = await outcomes_of(engine_of(entry), query)
    plan = await engine_of(entry).plan(query_of(entry, state=(0, 1)))
    assert outcomes[-1].plan.action == plan.plan.action


async def test_a_reader_that_comes_late_finds_the_newest_plan_alone(engine_of):
    model = Slow()
    entry = entry_of(model)
    search = partial(engine_of(entry).watch, query_of(entry, LONG), None)
    async with aclosing(improving_outcomes(search)) as outcomes:
        seen = []
        for _ in range(2):
            seen.append((await anext(outcomes)).plan.simulations)
            steps = model.steps
            while model.steps < steps + 2_000:
                await asyncio.sleep(0.01)
        seen.append((await anext(outcomes)).plan.simulations)
    # The plans of several doublings have been made meanwhile, and were not kept.
    assert seen[2] >= 4 * seen[0]


async def test_to_close_the_plans_ends_the_search(engine_of):
    model = Slow()
    entry = entry_of(model)
    engine = engine_of(entry)
    search = partial(engine.watch, query_of(entry, LONG), None)
    async with aclosing(improving_outcomes(search)) as outcomes:
        await anext(outcomes)
    assert (await engine.plan(query_of(entry))).plan.simulations == 100


async def test_an_error_comes_after_the_plans(engine_of):
    entry = entry_of(Faulty("raises"))
    with pytest.raises(ModelFault):
        await outcomes_of(engine_of(entry), query_of(entry))


async def test_an_engine_that_stops_gives_the_plan_so_far_as_the_final_one(engine_of):
    entry = entry_of(Slow())
    engine = engine_of(entry)
    search = partial(engine.watch, query_of(entry, LONG), None)
    async with aclosing(improving_outcomes(search)) as outcomes:
        await anext(outcomes)
        engine.stop_searches()
        *_, final = [outcome async for outcome in outcomes]
    assert final.plan.stop_reason is StopReason.CANCELLED
    with pytest.raises(ReplicaLost):
        await outcomes_of(engine, query_of(entry))


async def test_a_sink_is_called_where_the_search_runs(engine_of):
    entry = entry_of(Corridor())
    threads = []

    def sink(outcome):
        threads.append(threading.current_thread())

    await engine_of(entry).watch(query_of(entry), None, sink)
    assert threads
    assert threading.current_thread() not in threads


async def test_an_interval_that_no_search_can_have_is_refused(engine_of):
    entry = entry_of(Corridor())
    with pytest.raises(InvalidRequest, match="every"):
        await outcomes_of(engine_of(entry), query_of(entry), every=0.0)

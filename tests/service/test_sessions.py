"""Trees that are kept from request to request: whose they are, how many, how large, how long."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest
from served_models import Corridor, entry_of

from mcts_service.errors import InvalidRequest
from mcts_service.models import make
from mcts_service.planning import MCTS, Budget, SearchConfig
from mcts_service.service.engine import Engine
from mcts_service.service.margin import DeadlineMargin, ReplyClocks
from mcts_service.service.query import PlanQuery
from mcts_service.service.sessions import SessionLimits, Sessions

MODEL = make("connect_four")
START = MODEL.initial_state()
WHOLE = SearchConfig(early_stop=False)
ENTRY = entry_of(Corridor())


def query_of(session_id="episode", entry=ENTRY, state=4, **changes):
    query = PlanQuery(
        model=entry,
        read_state=lambda: state,
        budget=entry.limits.admit(simulations=100),
        config=entry.config,
        received=time.monotonic(),
        seed=3,
        session_id=session_id,
    )
    return replace(query, **changes)


@pytest.fixture
def sessions_of():
    """Builds sessions with the given limits, and ends them."""
    made = []

    def build(**limits):
        made.append(Sessions(SessionLimits(**limits)))
        return made[-1]

    yield build
    for sessions in made:
        sessions.close()


@pytest.fixture
def engine_of():
    """Builds an engine over the given models, and stops it."""
    engines = []

    def build(*entries, **options):
        clocks = ReplyClocks(DeadlineMargin())
        engines.append(Engine(entries, workers=2, max_waiting=8, clocks=clocks, **options))
        return engines[-1]

    yield build
    for engine in engines:
        engine.stop_searches()
        engine.close()


def plan(sessions, planner, query, simulations=200):
    """One plan as an engine makes it; what it reused."""
    planner, tree = sessions.of(query, planner)
    return planner.plan(START, Budget(simulations=simulations), tree=tree).reused_simulations


def tree_of(sessions, query, planner):
    return sessions.of(query, planner)[1]


def until(condition):
    """Waits for what another thread does."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("never came true")


@pytest.fixture
def planner():
    return MCTS(MODEL, WHOLE, keep_trees=False)


# ---- whose they are


def test_the_next_plan_of_a_session_goes_on(sessions_of, planner):
    sessions = sessions_of()
    assert [plan(sessions, planner, query_of()) for _ in range(3)] == [0, 200, 400]
    assert (sessions.hits, sessions.misses) == (2, 1)
    assert sessions.count == 1


def test_a_request_of_no_session_keeps_nothing(sessions_of, planner):
    sessions = sessions_of()
    assert tree_of(sessions, query_of(""), planner) is None
    assert sessions.count == 0


@pytest.mark.parametrize(
    "change", [{"caller": "another"}, {"session_id": "another"}], ids=["caller", "session"]
)
def test_another_callers_session_is_another_one(sessions_of, planner, change):
    sessions = sessions_of()
    assert plan(sessions, planner, query_of()) == 0
    assert plan(sessions, planner, query_of(**change)) == 0
    assert plan(sessions, planner, query_of()) == 200


def test_other_settings_have_sessions_of_their_own(sessions_of, planner):
    sessions, other = sessions_of(), replace(WHOLE, exploration=0.3)
    assert plan(sessions, planner, query_of()) == 0
    assert plan(sessions, MCTS(MODEL, other), query_of(config=other)) == 0
    assert plan(sessions, planner, query_of()) == 200


def test_a_session_keeps_its_planner_whatever_becomes_of_it_elsewhere(sessions_of, planner):
    sessions = sessions_of()
    assert plan(sessions, planner, query_of()) == 0
    assert plan(sessions, MCTS(MODEL, WHOLE), query_of()) == 200
    assert sessions.count == 1


# ---- within limits


def test_the_session_that_was_used_longest_ago_gives_way(sessions_of, planner):
    sessions = sessions_of(max_sessions=2)
    for name in ("a", "b", "a", "c"):
        plan(sessions, planner, query_of(name))
    assert sessions.count == 2
    assert plan(sessions, planner, query_of("a"))
    assert plan(sessions, planner, query_of("c"))
    assert plan(sessions, planner, query_of("b")) == 0


def test_none_are_kept_where_none_may_be(sessions_of, planner):
    sessions = sessions_of(max_sessions=0)
    assert tree_of(sessions, query_of(), planner) is None


def test_bytes_are_what_the_trees_hold(sessions_of, planner):
    sessions = sessions_of()
    trees = [tree_of(sessions, query_of(name), planner) for name in "abc"]
    for number, tree in enumerate(trees):
        planner.plan(START, Budget(simulations=100 * (number + 1)), tree=tree)
    assert sessions.bytes == sum(tree.bytes for tree in trees) > 0


def test_trees_give_way_until_their_bytes_fit(sessions_of, planner):
    probe = sessions_of()
    plan(probe, planner, query_of())
    size = probe.bytes
    sessions = sessions_of(max_bytes=int(2.5 * size))
    for name in "abc":
        plan(sessions, planner, query_of(name))
        assert sessions.bytes <= 2.5 * size
    assert sessions.count == 2
    assert plan(sessions, planner, query_of("a")) == 0


def test_a_tree_that_is_too_large_alone_is_not_kept(sessions_of, planner):
    sessions = sessions_of(max_bytes=1000)
    assert [plan(sessions, planner, query_of()) for _ in range(2)] == [0, 0]
    assert (sessions.count, sessions.bytes) == (0, 0)


def test_what_gave_way_is_freed_by_another_thread(sessions_of, planner):
    sessions = sessions_of(max_sessions=1)
    first = tree_of(sessions, query_of("a"), planner)
    planner.plan(START, Budget(simulations=100), tree=first)
    assert first.bytes
    plan(sessions, planner, query_of("b"))
    until(lambda: first.bytes == 0)


def test_idle_sessions_end(sessions_of, planner):
    sessions = sessions_of(idle_seconds=0.05)
    tree = tree_of(sessions, query_of(), planner)
    planner.plan(START, Budget(simulations=100), tree=tree)
    until(lambda: sessions.count == 0 and tree.bytes == 0)
    assert sessions.bytes == 0
    assert plan(sessions, planner, query_of()) == 0
    until(lambda: sessions.count == 0)


def test_idle_sessions_of_a_model_in_python_give_up_its_states(sessions_of):
    class Counted(Corridor):
        alive = 0

        def sample(self, state, action, rng):
            following, reward, done = super().sample(int(state), action, rng)
            return Place(following), reward, done

        def state_key(self, state):
            return int(state)

    class Place(int):
        def __new__(cls, value):
            Counted.alive += 1
            return super().__new__(cls, value)

        def __del__(self):
            Counted.alive -= 1

    sessions = sessions_of(idle_seconds=0.05)
    planner = MCTS(Counted(), SearchConfig.preset("uct"), keep_trees=False)
    planner.plan(4, Budget(simulations=50), tree=tree_of(sessions, query_of(), planner))
    assert Counted.alive > 10
    until(lambda: Counted.alive == 0)


def test_a_session_that_is_planned_for_long_is_not_idle(sessions_of, planner):
    sessions = sessions_of(idle_seconds=0.05)
    tree = tree_of(sessions, query_of(), planner)
    reused = []

    def long_plan():
        reused.append(planner.plan(START, Budget(time_limit=0.5), tree=tree))

    thread = threading.Thread(target=long_plan)
    thread.start()
    until(lambda: tree.is_lent)
    while tree.is_lent:
        assert sessions.count == 1 or not tree.is_lent
        time.sleep(0.005)
    thread.join()


def test_a_session_that_gave_way_while_it_was_planned_is_freed_after(sessions_of, planner):
    sessions = sessions_of(max_sessions=1)
    tree = tree_of(sessions, query_of("a"), planner)
    thread = threading.Thread(target=lambda: planner.plan(START, Budget(time_limit=0.3), tree=tree))
    thread.start()
    until(lambda: tree.is_lent)
    tree_of(sessions, query_of("b"), planner)
    thread.join()
    until(lambda: tree.bytes == 0)
    assert sessions.bytes == 0


def test_a_second_request_at_the_same_time_begins_afresh_and_does_not_wait(sessions_of, planner):
    sessions = sessions_of()
    query = query_of()
    plan(sessions, planner, query)
    tree = tree_of(sessions, query, planner)
    thread = threading.Thread(target=lambda: planner.plan(START, Budget(time_limit=0.5), tree=tree))
    thread.start()
    until(lambda: tree.is_lent)
    assert plan(sessions, planner, query) == 0
    thread.join()
    assert (sessions.hits, sessions.misses) == (1, 2)


def test_nothing_is_kept_after_the_end(sessions_of, planner):
    sessions = sessions_of()
    tree = tree_of(sessions, query_of(), planner)
    planner.plan(START, Budget(simulations=100), tree=tree)
    sessions.close()
    assert tree_of(sessions, query_of(), planner) is None
    until(lambda: tree.bytes == 0)
    assert (sessions.count, sessions.bytes) == (0, 0)


def test_many_threads_and_few_places(sessions_of, planner):
    sessions = sessions_of(max_sessions=3, max_bytes=200_000, idle_seconds=0.02)
    failed = []

    def work(number):
        try:
            for turn in range(40):
                plan(sessions, planner, query_of(f"{(number + turn) % 5}"), simulations=50)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failed
    assert sessions.hits + sessions.misses == 160
    until(lambda: sessions.count == 0)
    assert sessions.bytes == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"max_sessions": -1}, "max_sessions"),
        ({"max_sessions": 1.5}, "max_sessions"),
        ({"max_bytes": -1}, "max_bytes"),
        ({"idle_seconds": 0}, "idle_seconds"),
        ({"idle_seconds": float("nan")}, "idle_seconds"),
        ({"idle_seconds": "5"}, "idle_seconds"),
    ],
)
def test_limits_that_cannot_be_are_refused(changes, field):
    with pytest.raises(InvalidRequest) as caught:
        SessionLimits(**changes)
    assert caught.value.violations[0].field == field


# ---- in the engine


@pytest.mark.parametrize("model", ["python", "native"])
async def test_an_episode_of_requests_goes_on(engine_of, model):
    entry = entry_of(Corridor() if model == "python" else make("frozen_lake_4x4"))
    engine = engine_of(entry)
    reused = []
    for state in (4, 5, 6) if model == "python" else (0, 4, 8):
        outcome = await engine.plan(query_of(entry=entry, state=state))
        reused.append(outcome.plan.reused_simulations)
        assert outcome.plan.deterministic == (reused[-1] == 0)
    assert reused[0] == 0
    assert all(reused[1:])


def runs_at_once(engine, query):
    """Whether the event loop would run the search itself."""
    planner, seconds = engine._known(query)
    return planner is not None and engine._runs_at_once(query, planner, seconds)


async def test_requests_that_are_run_at_once_go_on_too(engine_of):
    entry = entry_of(make("tic_tac_toe"))
    engine = engine_of(entry, at_once_seconds=1.0)
    config = SearchConfig(early_stop=False)
    for number in range(4):  # the first of them is run by a thread, and timed
        query = query_of(entry=entry, state=entry.example, is_read=True, config=config)
        outcome = await engine.plan(query)
        assert (outcome.plan.reused_simulations > 0) == (number > 0)
    assert runs_at_once(engine, query_of(entry=entry, is_read=True, config=config))


async def test_a_large_tree_is_not_moved_on_the_event_loop(engine_of):
    entry = entry_of(make("connect_four"), max_simulations=10**6)
    engine = engine_of(entry, at_once_seconds=1.0)
    budget = entry.limits.admit(simulations=30_000)
    small = query_of(entry=entry, state=START, is_read=True)
    await engine.plan(replace(small, session_id=""))
    assert runs_at_once(engine, small)
    await engine.plan(replace(small, budget=budget))
    assert not runs_at_once(engine, small)
    assert runs_at_once(engine, replace(small, session_id=""))
    assert (await engine.plan(small)).plan.reused_simulations


async def test_other_settings_are_a_miss(engine_of):
    entry = entry_of(Corridor())
    engine = engine_of(entry)
    await engine.plan(query_of(entry=entry))
    for change in (
        {"config": replace(entry.config, exploration=0.3)},
        {"caller": "another"},
        {"budget": entry.limits.admit(simulations=100, max_bytes=2**22)},
        {"read_allowed_actions": lambda: [0]},
    ):
        outcome = await engine.plan(query_of(entry=entry, **change))
        assert outcome.plan.reused_simulations == 0, change
    # The last two have taken its place; the first two have not.
    assert (await engine.plan(query_of(entry=entry, caller="another"))).plan.reused_simulations


async def test_a_second_request_at_once_is_planned_beside_the_first(engine_of):
    entry = entry_of(make("connect_four"), max_simulations=10**7)
    engine = engine_of(entry)
    long = entry.limits.admit(simulations=10**7, time_limit=30.0)
    await engine.plan(query_of(entry=entry, state=START))
    first = asyncio.ensure_future(engine.plan(query_of(entry=entry, state=START, budget=long)))
    await asyncio.sleep(0.3)
    second = await engine.plan(query_of(entry=entry, state=START))
    assert second.plan.reused_simulations == 0
    assert not first.done()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_sessions_end_with_the_engine(engine_of):
    entry, sessions = entry_of(Corridor()), Sessions()
    engine = engine_of(entry, sessions=sessions)
    await engine.plan(query_of(entry=entry))
    assert sessions.count == 1
    engine.close()
    assert sessions.count == 0

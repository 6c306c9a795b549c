"""Which worker a session comes back to."""

import gc
import weakref
from dataclasses import replace
from functools import partial

from served_models import Corridor, entry_of

from mcts_service.service.query import PlanQuery
from mcts_service.service.states import given
from mcts_service.service.workers.homes import Homes


class Worker:
    """Stands for one."""


def query_of(session_id, **changes):
    entry = entry_of(Corridor())
    query = PlanQuery(
        model=entry,
        read_state=partial(given, 4),
        budget=entry.limits.admit(),
        config=entry.config,
        received=0.0,
        session_id=session_id,
        caller="somebody",
    )
    return replace(query, **changes)


def test_a_session_has_the_worker_that_planned_last_for_it():
    homes, first, second = Homes(2), Worker(), Worker()
    homes.note(query_of("a"), first)
    homes.note(query_of("a"), second)
    homes.note(query_of(""), first)
    assert homes.of(query_of("a")) is second
    assert homes.of(query_of("a", caller="another")) is None
    assert homes.of(query_of("")) is None


def test_the_session_that_was_used_longest_ago_is_forgotten():
    homes, worker = Homes(2), Worker()
    for name in ("a", "b", "a", "c"):
        homes.note(query_of(name), worker)
    assert [homes.of(query_of(name)) is worker for name in "abc"] == [True, False, True]


def test_a_worker_that_has_ended_is_not_kept_for_its_sessions():
    homes, worker = Homes(2), Worker()
    homes.note(query_of("a"), worker)
    gone = weakref.ref(worker)
    del worker
    gc.collect()
    assert gone() is None
    assert homes.of(query_of("a")) is None

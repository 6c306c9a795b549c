"""Who may wait, who is next and who must leave: without threads, by a clock that the tests set."""

import math
import random
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcts_service.errors import Overloaded
from mcts_service.service.admission import WaitingRoom
from mcts_service.service.waiting_jobs import Job


def job(content=None, **fields):
    return Job(content, **fields)


def entered(room, *jobs, now=0.0):
    """Lets jobs in, all of which have room."""
    for one in jobs:
        assert room.enter(one, now) is None
    return jobs


def contents(room, now=0.0, seconds=1.0):
    """Runs what waits, one job after the other."""
    ran = []
    while (one := room.start(now)) is not None:
        now += seconds
        room.end(one, now)
        ran.append(one.content)
    return ran


def measured(room, seconds=1.0, now=0.0):
    """A room that has seen many jobs of that length, as long as was expected."""
    for _ in range(100):
        entered(room, job(seconds=seconds), now=now)
        room.end(room.start(now), now + seconds)
    return room


# ---- order


def test_jobs_of_one_caller_run_in_the_order_in_which_they_came():
    room = WaitingRoom(1, 10)
    entered(room, *(job(i) for i in range(5)))
    assert contents(room) == [0, 1, 2, 3, 4]


def test_what_is_due_first_runs_first():
    room = WaitingRoom(1, 10)
    entered(room, job("never"), job("late", due=90.0), job("soon", due=20.0), job("also never"))
    assert contents(room) == ["soon", "late", "never", "also never"]


def test_a_higher_priority_runs_first_whoever_asks():
    room = WaitingRoom(1, 10)
    entered(
        room,
        job("low", priority=-100, caller="a"),
        job("normal", caller="a"),
        job("high", priority=100, caller="b"),
        job("higher than normal", priority=1, caller="a"),
    )
    assert contents(room, seconds=0.001) == ["high", "higher than normal", "normal", "low"]


def test_a_tenth_of_a_second_of_waiting_counts_as_a_level():
    room = WaitingRoom(1, 10)
    entered(room, job("low"), now=0.0)
    entered(room, job("high", priority=10), now=0.99)
    assert room.start(now=1.0).content == "high"
    entered(room, job("high", priority=10), now=1.01)
    assert room.start(now=1.02).content == "low"


def test_a_stream_of_high_priority_does_not_keep_a_low_one_waiting_for_ever():
    room = WaitingRoom(1, 10)
    entered(room, job("low", priority=-100, caller="low"))
    entered(room, job("high", priority=100))
    now, started = 0.0, room.start(0.0)
    while started.content == "high":
        entered(room, job("high", priority=100), now=now)
        now += 0.5
        room.end(started, now)
        started = room.start(now)
    assert 19.0 < now < 21.0


def test_a_caller_that_floods_does_not_starve_another():
    room = WaitingRoom(1, 100)
    entered(room, *(job("flood", caller="a") for _ in range(50)))
    entered(room, *(job("other", caller="b") for _ in range(3)))
    assert contents(room)[:6].count("other") == 3


def test_callers_share_by_time_and_not_by_number():
    """One whose jobs take ten times as long has a tenth as many."""
    room = WaitingRoom(1, 1_000)
    seconds = {"long": 1.0, "short": 0.1}
    had = Counter()
    now = 0.0
    for caller in seconds:
        entered(room, *(job(caller=caller) for _ in range(400)))
    while now < 40.0:
        one = room.start(now)
        now += seconds[one.caller]
        room.end(one, now)
        had[one.caller] += seconds[one.caller]
    assert had["long"] == pytest.approx(had["short"], abs=2.0)


def test_one_caller_does_not_take_every_worker_before_its_time_counts():
    room = measured(WaitingRoom(4, 100))
    entered(room, *(job(caller="a") for _ in range(8)), *(job(caller="b") for _ in range(8)))
    callers = Counter(room.start(0.0).caller for _ in range(4))
    assert callers == {"a": 2, "b": 2}


def test_a_newcomer_is_not_served_for_the_time_when_it_was_away():
    room = measured(WaitingRoom(1, 1_000))
    entered(room, *(job("old", caller="a") for _ in range(100)))
    now = 0.0
    for _ in range(50):
        one = room.start(now)
        now += 1.0
        room.end(one, now)
    entered(room, *(job("new", caller="b") for _ in range(50)), now=now)
    assert 4 <= contents(room, now)[:10].count("new") <= 6


def test_time_that_a_caller_had_elsewhere_counts():
    room = measured(WaitingRoom(1, 100))
    entered(room, job("a", caller="a"), job("b", caller="b"))
    room.charge("a", 5.0)
    assert contents(room) == ["b", "a"]


# ---- a full room


def full_room(*jobs, max_waiting=None):
    """A room of one busy worker in which just these jobs have a place."""
    room = WaitingRoom(1, len(jobs) if max_waiting is None else max_waiting)
    entered(room, job("running", caller="running"))
    room.start(0.0)
    entered(room, *jobs)
    return room


def test_the_room_has_so_many_places_and_no_more():
    room = full_room(job(), job())
    with pytest.raises(Overloaded, match="1 running and 2 waiting are all") as caught:
        room.enter(job(), 0.0)
    assert 0.01 <= caught.value.retry_after <= 30.0
    assert room.waiting == 2


def test_without_places_to_wait_a_job_needs_a_free_worker():
    room = WaitingRoom(2, 0)
    entered(room, job(), job())
    assert {room.start(0.0), room.start(0.0)} != {None}
    with pytest.raises(Overloaded):
        room.enter(job(priority=100), 0.0)


def test_a_higher_priority_displaces_the_one_that_would_run_last():
    first, last = job("first", due=20.0), job("last", due=90.0)
    room = full_room(first, last)
    assert room.enter(job("high", priority=1), 0.0) is last
    assert contents(room) == ["high", "first"]


def test_the_lowest_priority_is_displaced():
    low = job("low", priority=-1)
    room = full_room(job("normal"), low, job("high", priority=50))
    assert room.enter(job("normal too"), 0.0) is low


def test_what_has_waited_for_long_is_not_displaced_by_a_little_more_priority():
    room = full_room(job("old"))
    with pytest.raises(Overloaded):
        room.enter(job(priority=5), now=0.6)
    assert room.enter(job(priority=5), now=0.4).content == "old"


def test_an_equal_or_lower_priority_of_the_same_caller_is_refused():
    room = full_room(job(), job())
    for priority in (0, -1, -100):
        with pytest.raises(Overloaded):
            room.enter(job(priority=priority), 0.0)


def test_a_caller_that_has_all_places_gives_some_to_another_until_they_are_even():
    room = full_room(*(job(i, caller="flood") for i in range(20)))
    displaced = []
    with suppress(Overloaded):
        while len(displaced) < 20:
            displaced.append(room.enter(job("other", caller="other"), 0.0).content)
    assert displaced == list(range(19, 19 - len(displaced), -1))
    assert 8 <= len(displaced) <= 10


def test_the_one_that_floods_takes_no_place_of_another():
    room = full_room(*(job(caller="flood") for _ in range(8)), job(caller="a"), job(caller="b"))
    for _ in range(5):
        with pytest.raises(Overloaded):
            room.enter(job(caller="flood"), 0.0)


def test_nobody_is_kept_out_by_priorities_that_others_claim():
    jobs = [job(i, caller="claims", priority=100) for i in range(5)]
    room = full_room(*jobs)
    newcomer = job("humble", caller="humble", priority=-5)
    assert room.enter(newcomer, 0.0) is jobs[-1]
    with pytest.raises(Overloaded):
        room.enter(job("humble", caller="humble", priority=-5), 0.0)


def test_callers_with_one_place_each_keep_it():
    room = full_room(job(caller="a"), job(caller="b"))
    with pytest.raises(Overloaded):
        room.enter(job(caller="c"), 0.0)


def test_a_displaced_job_never_runs():
    room = full_room(job("displaced"))
    assert room.enter(job("high", priority=1), 0.0).content == "displaced"
    assert contents(room) == ["high"]


def test_what_is_taken_out_makes_room_once():
    one = job()
    room = full_room(one)
    assert room.remove(one)
    assert not room.remove(one)
    entered(room, job())
    assert room.waiting == 1


def test_what_runs_is_not_taken_out():
    room = WaitingRoom(1, 1)
    (one,) = entered(room, job())
    room.start(0.0)
    assert not room.remove(one)
    assert room.running == 1


# ---- what could not begin in time


def crowded(workers, count):
    """A room with so many jobs of a second, each due just when it can be done; some run."""
    room = WaitingRoom(workers, 1_000)
    for number in range(count):
        entered(room, job(seconds=1.0, caller="a", due=number / workers / 0.9 + 0.02))
        if number < workers:
            room.start(0.0)
    return room


def test_what_could_not_begin_in_time_is_refused_with_the_time_to_wait():
    room = crowded(1, 5)
    with pytest.raises(Overloaded, match=r"about 5 s.*due in 5.5 s") as caught:
        room.enter(job(seconds=1.0, caller="a", due=5.5), 0.0)
    assert caught.value.retry_after == pytest.approx(0.05)
    entered(room, job(seconds=1.0, caller="a", due=6.5))


def test_two_workers_halve_the_wait():
    room = crowded(2, 10)
    with pytest.raises(Overloaded):
        room.enter(job(seconds=1.0, caller="a", due=5.5), 0.0)
    entered(room, job(seconds=1.0, caller="a", due=6.0))


def test_what_runs_counts_with_what_is_left_of_it():
    room = WaitingRoom(1, 100)
    entered(room, job(seconds=10.0))
    room.start(0.0)
    with pytest.raises(Overloaded):
        room.enter(job(seconds=1.0, due=10.5), 5.0)
    entered(room, job(seconds=1.0, due=11.5), now=5.0)
    entered(room, job(seconds=1.0, due=102.5), now=100.0)


def test_what_takes_all_of_its_time_must_have_a_tenth_of_it():
    room = crowded(1, 9)
    with pytest.raises(Overloaded):
        room.enter(job(caller="a", due=9.9), 0.0)
    entered(room, job(caller="a", due=10.1))


def test_what_takes_little_time_must_have_that_and_no_more():
    room = crowded(1, 9)
    with pytest.raises(Overloaded):
        room.enter(job(seconds=0.1, caller="a", due=9.05), 0.0)
    entered(room, job(seconds=0.1, caller="a", due=9.15))


def test_where_a_worker_is_free_nobody_is_refused():
    room = crowded(2, 1)
    entered(room, job(seconds=100.0, due=0.001))


def test_nobody_is_refused_for_jobs_whose_length_is_not_known():
    room = WaitingRoom(1, 100)
    entered(room, *(job(due=1.0) for _ in range(50)))
    entered(room, job(due=1.001, seconds=1.0))


def test_jobs_that_take_longer_than_was_expected_count_for_more():
    room = WaitingRoom(1, 100)
    for _ in range(100):
        entered(room, job(seconds=1.0))
        room.end(room.start(0.0), 3.0)
    entered(room, job(seconds=1.0, due=1.0))
    room.start(0.0)
    with pytest.raises(Overloaded):
        room.enter(job(seconds=1.0, due=3.2), 0.0)
    entered(room, job(seconds=1.0, due=3.5))


def test_what_is_due_later_of_the_same_caller_does_not_count():
    room = crowded(1, 5)
    entered(room, job(seconds=0.1, caller="a", due=1.12))


def test_of_other_callers_as_much_counts_as_is_level_with_it():
    room = crowded(1, 50)
    entered(room, job(seconds=1.0, caller="b", due=3.5))
    with pytest.raises(Overloaded):
        room.enter(job(caller="a", due=55.0), 0.0)


def test_what_has_a_lower_priority_does_not_count_and_what_has_a_higher_one_does():
    room = crowded(1, 5)
    entered(room, job(seconds=1.0, caller="b", priority=1, due=2.5))
    with pytest.raises(Overloaded):
        room.enter(job(seconds=1.0, caller="b", priority=-1, due=6.5), 0.0)


# ---- whatever comes


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(0, 6))
def test_every_job_runs_once_or_is_refused_displaced_or_taken_out(seed, workers, most):
    rng = random.Random(seed)
    room = WaitingRoom(workers, most)
    now, waiting, running, ended = 0.0, [], [], []
    for number in range(120):
        now += rng.random()
        what = rng.randrange(4)
        if what <= 1:
            one = job(
                number,
                caller=rng.choice("abc"),
                priority=rng.randint(-2, 2),
                due=rng.choice([math.inf, now + 5 * rng.random()]),
                seconds=rng.choice([math.inf, rng.random()]),
            )
            try:
                leaving = room.enter(one, now)
            except Overloaded:
                pass
            else:
                waiting.append(one)
                if leaving is not None:
                    waiting.remove(leaving)
        elif what == 2 and waiting and rng.random() < 0.3:
            assert room.remove(waiting.pop(rng.randrange(len(waiting))))
        elif running and rng.random() < 0.5:
            ended.append(running.pop(rng.randrange(len(running))))
            room.end(ended[-1], now)
        elif len(running) < workers and (one := room.start(now)) is not None:
            waiting.remove(one)
            running.append(one)
        assert (room.waiting, room.running) == (len(waiting), len(running))
        assert len(waiting) + len(running) <= workers + most
    for one in running:
        room.end(one, now)
    assert sorted(contents(room, now)) == sorted(one.content for one in waiting)
    assert room.waiting == room.running == 0
    assert not room._levels
    assert not room._places

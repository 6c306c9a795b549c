import threading

import pytest

from mcts_service.errors import DeadlineExpired, Overloaded
from mcts_service.service.pool import Pool


@pytest.fixture
def busy_pool():
    """A pool of one thread that is busy until `release` is set, with room for two to wait."""
    pool = Pool("test", workers=1, max_waiting=2)
    started, release = threading.Event(), threading.Event()

    def hold():
        started.set()
        release.wait()

    pool.submit(hold)
    started.wait()
    yield pool, release
    release.set()
    pool.close()


def test_a_job_gives_its_result():
    pool = Pool("test", workers=2, max_waiting=0)
    assert pool.submit(lambda: 7).result() == 7
    pool.close()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_whatever_a_job_raises_is_its_own_and_the_thread_goes_on(error):
    pool = Pool("test", workers=1, max_waiting=1)

    def fail():
        raise error

    assert pool.submit(fail).exception() is error
    assert pool.submit(lambda: 7).result() == 7
    pool.close()


def test_jobs_run_in_the_order_in_which_they_came(busy_pool):
    pool, release = busy_pool
    order = []
    futures = [pool.submit(lambda i=i: order.append(i)) for i in range(2)]
    release.set()
    for future in futures:
        future.result()
    assert order == [0, 1]


def test_what_has_no_room_is_refused_at_once_with_a_time_to_try_again(busy_pool):
    pool, _ = busy_pool
    pool.submit(lambda: None)
    pool.submit(lambda: None)
    with pytest.raises(Overloaded, match="1 running and 2 waiting") as caught:
        pool.submit(lambda: None)
    assert caught.value.retry_after > 0


def test_a_job_cancelled_while_it_waits_makes_room_and_never_runs(busy_pool):
    pool, release = busy_pool
    ran = []
    first = pool.submit(lambda: ran.append("first"))
    pool.submit(lambda: ran.append("second"))
    assert first.cancel()
    third = pool.submit(lambda: ran.append("third"))
    release.set()
    third.result()
    assert ran == ["second", "third"]


def test_a_job_withdrawn_while_it_waits_ends_with_the_reason(busy_pool):
    pool, release = busy_pool
    ran = []
    future = pool.submit(lambda: ran.append("withdrawn"))
    pool.withdraw(future, DeadlineExpired("too late"))
    assert isinstance(future.exception(), DeadlineExpired)
    release.set()
    pool.submit(lambda: None).result()
    assert ran == []


def test_a_running_job_cannot_be_withdrawn():
    pool = Pool("test", workers=1, max_waiting=1)
    started, release = threading.Event(), threading.Event()

    def work():
        started.set()
        release.wait()
        return 7

    future = pool.submit(work)
    started.wait()
    pool.withdraw(future, DeadlineExpired("too late"))
    release.set()
    assert future.result() == 7
    pool.close()


def test_a_thread_is_free_again_when_its_result_is_told():
    pool = Pool("test", workers=1, max_waiting=0)
    for _ in range(200):
        pool.submit(lambda: None).result()
    pool.close()


def test_a_closed_pool_ends_its_threads_when_nothing_waits():
    before = set(threading.enumerate())
    pool = Pool("test", workers=3, max_waiting=0)
    threads = set(threading.enumerate()) - before
    pool.close()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)


def test_threads_start_as_they_are_needed():
    def started():
        return sum(thread.name.startswith("as-needed-") for thread in threading.enumerate())

    pool = Pool("as-needed", 8, 100)
    assert started() == 0
    for _ in range(20):
        pool.submit(lambda: None).result(timeout=60)
    # The second is there where the first had not lain down when the next job came.
    assert 1 <= started() <= 2
    gate, begun = threading.Event(), threading.Semaphore(0)

    def wait():
        begun.release()
        assert gate.wait(60)

    jobs = [pool.submit(wait) for _ in range(20)]
    for _ in range(8):
        assert begun.acquire(timeout=60)
    assert started() == 8
    assert not begun.acquire(timeout=0.1)
    gate.set()
    for job in jobs:
        job.result(timeout=60)
    pool.close()

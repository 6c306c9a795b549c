"""The limits of a search, each alone."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Any

import pytest
from searching import read, run_search
from small_models import Chain

from mcts_service._core import CancelFlag, Search
from mcts_service.errors import InvalidRequest


def begun(model: Any = None, *, max_bytes: int = 2**24, bytes_per_state: int = 0) -> Search:
    search = Search(
        model if model is not None else Chain(),
        exploration=1.0,
        max_depth=50,
        evaluation="rollout",
        bytes_per_state=bytes_per_state,
    )
    search.begin(0, horizon=0, allowed=None, seed=0, max_bytes=max_bytes)
    return search


@pytest.mark.parametrize("simulations", [1, 2, 3, 1000])
def test_simulations_are_run_to_the_number(simulations: int) -> None:
    search = run_search(Chain(), 0, simulations)
    assert search.simulations == simulations
    assert sum(row.visits for row in read(search).actions) == simulations


def test_run_counts_from_the_beginning_of_the_tree() -> None:
    search = begun()
    assert search.run(10) == search.run(30) == search.run(30) == "simulations"
    assert search.simulations == 30
    assert search.tree() == run_search(Chain(), 0, 30).tree()


@pytest.mark.parametrize("max_bytes", [65_536, 100_000, 2**20])
def test_bytes_stop_the_search_before_they_are_exceeded(max_bytes: int) -> None:
    search = begun(max_bytes=max_bytes)
    assert search.run(2**31 - 1) == "max_bytes"
    assert 0.9 * max_bytes < search.bytes <= max_bytes
    assert search.simulations > 100


def test_states_outside_the_tree_count_as_bytes() -> None:
    search = begun(max_bytes=2**20, bytes_per_state=1000)
    assert search.run(2**31 - 1) == "max_bytes"
    assert 1000 * search.nodes < search.bytes <= 2**20
    # There was room for about a thousand states beside the nodes.
    assert 900 < search.nodes < 1049


def test_time_stops_the_search() -> None:
    search = begun()
    assert search.run(2**31 - 1, time_limit=0.2) == "time_limit"
    assert search.simulations > 0


def test_no_time_is_no_simulation() -> None:
    search = begun()
    assert search.run(2**31 - 1, time_limit=0.0) == "time_limit"
    assert search.simulations == 0


def test_endless_time_does_not_overflow() -> None:
    assert begun().run(5, time_limit=1e300) == "simulations"
    assert begun().run(5, time_limit=float("inf")) == "simulations"


def test_flag_that_is_set_stops_before_the_first_simulation() -> None:
    search, cancel = begun(), CancelFlag()
    assert not cancel.cancelled
    cancel.cancel()
    cancel.cancel()
    assert cancel.cancelled
    assert search.run(10, cancel=cancel) == "cancelled"
    assert search.simulations == 0


def test_flag_in_shared_memory_is_whatever_is_written_there() -> None:
    memory = (ctypes.c_int * 4)()
    search, cancel = begun(), CancelFlag(memory)
    assert search.run(10, cancel=cancel) == "simulations"
    memory[0] = 1
    assert cancel.cancelled
    assert search.run(20, cancel=cancel) == "cancelled"
    memory[0] = 0
    assert search.run(20, cancel=cancel) == "simulations"
    CancelFlag(memory).cancel()
    assert list(memory) == [1, 0, 0, 0]


@pytest.mark.parametrize("memory", [bytearray(3), memoryview(bytearray(16))[1:]])
def test_flag_needs_room_for_an_int(memory: Any) -> None:
    with pytest.raises(InvalidRequest, match="memory: must begin with an int that is aligned"):
        CancelFlag(memory)


@pytest.mark.parametrize("memory", [b"1234", 5])
def test_flag_needs_memory_that_can_be_written(memory: Any) -> None:
    with pytest.raises((BufferError, TypeError)):
        CancelFlag(memory)


def test_flag_set_by_the_model_stops_within_the_next_calls() -> None:
    cancel = CancelFlag()

    class Impatient(Chain):
        calls = 0

        def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
            self.calls += 1
            if self.calls == 500:
                cancel.cancel()
            return super().sample(state, action, rng)

    model = Impatient()
    search = begun(model)
    assert search.run(2**31 - 1, cancel=cancel) == "cancelled"
    assert search.simulations > 0
    # A simulation is finished first, and has at most 50 steps.
    assert 500 <= model.calls < 550


def test_first_limit_that_is_reached_is_the_reason() -> None:
    assert begun(max_bytes=65_536).run(10, time_limit=1000.0) == "simulations"
    assert begun(max_bytes=65_536).run(2**31 - 1, time_limit=1000.0) == "max_bytes"
    assert begun().run(2**31 - 1, time_limit=0.005, cancel=CancelFlag()) == "time_limit"


def test_search_without_a_root_says_so() -> None:
    search = Search(Chain(), exploration=1.0, max_depth=5)
    for question in (
        lambda: search.run(1),
        search.tree,
        lambda: read(search),
    ):
        with pytest.raises(RuntimeError, match="no root"):
            question()
    with pytest.raises(MemoryError):
        search.begin(0, horizon=0, allowed=None, seed=0, max_bytes=64)
    with pytest.raises(RuntimeError, match="no root"):
        search.run(1)


class Slow(Chain):
    """A simulator that takes its time and counts how often it was asked."""

    calls = 0

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        self.calls += 1
        time.sleep(0.02)
        return state, 0.0, False


def test_slow_model_is_not_asked_on_when_the_time_is_up() -> None:
    model = Slow()
    assert begun(model).run(10, time_limit=0.1) == "time_limit"
    assert model.calls <= 7


def test_slow_model_is_not_asked_on_when_the_search_is_cancelled() -> None:
    model, flag = Slow(), CancelFlag()
    search = begun(model)
    threading.Timer(0.1, flag.cancel).start()
    assert search.run(10, cancel=flag) == "cancelled"
    assert model.calls < 40

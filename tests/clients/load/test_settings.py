"""Settings that make a load test, and how several processes share it."""

from __future__ import annotations

import pytest
from load_results import settings


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"concurrency": 2}, "either a rate .* or a concurrency"),
        ({"rate": None}, "either a rate .* or a concurrency"),
        ({"arrivals": "bursty"}, "must be poisson or constant"),
        ({"rate": 0.1}, r"no call falls into 2 s at 0\.1/s"),
        ({"processes": 3, "connections": 2}, "connections is 2; must be .* each of 3 processes"),
        ({"rate": None, "concurrency": 1, "processes": 2}, "concurrency is 1; must be at least"),
    ],
)
def test_settings_that_make_no_load_test_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(**changes)


def test_processes_share_connections_and_callers() -> None:
    shared = settings(rate=None, concurrency=7, processes=3, connections=5)
    assert [shared.callers_of(process) for process in range(3)] == [3, 2, 2]
    assert [shared.connections_of(process) for process in range(3)] == [2, 2, 1]


def test_each_process_has_a_connection_where_nobody_says_how_many() -> None:
    assert settings(processes=3).all_connections == 3

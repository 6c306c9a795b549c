"""The accounting of a load test."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from load_results import EXPIRED, OK, UNAVAILABLE, answered, even_calls, result, sent, step
from load_results import summary as summary_of

from mcts_client._load.json_report import json_report
from mcts_client._load.records import Answer, Records
from mcts_client._load.summary import Latencies
from mcts_client._load.table import table


def test_accounting_worked_out_by_hand() -> None:
    records = Records()  # the warm-up ends at 101 and the measurement at 103
    warm = sent(records, 100.5)
    quick = sent(records, 101.0)
    slow = sent(records, 101.5, late=0.25)
    failed = sent(records, 102.0)
    overdue = sent(records, 102.5)
    records.answer(warm, 101.25, Answer(OK, 1_000))
    records.answer(quick, 101.125, Answer(OK, 10))
    records.answer(failed, 102.5, Answer(UNAVAILABLE, 0, 2, "gone"))
    records.answer(slow, 102.5, Answer(OK, 20, 1))
    records.answer(overdue, 103.5, Answer(OK, 40))

    summary = summary_of(records)

    assert summary.calls == 4  # the warm-up's call is not one of them
    assert summary.statuses == {"OK": 3, "UNAVAILABLE": 1}
    assert summary.warmup_statuses == {"OK": 1}
    assert summary.messages == {"UNAVAILABLE": "gone"}
    assert summary.unfinished == 0
    assert summary.failed == 1
    assert summary.retries == 3
    assert summary.window == 2.0
    # Latencies from the intended start: 0.125, 1.0 (though sent late), 0.5 (failed), 1.0.
    assert summary.ok.count == 3
    assert summary.ok.seconds["p50"] == 1.0
    assert summary.answered.count == 4
    assert summary.answered.seconds["p50"] == 0.5
    assert summary.answered.seconds["max"] == 1.0
    # OK answers within [101, 103): warm, quick and slow, whenever they were sent.
    assert summary.throughput == 3 / 2.0
    assert summary.simulations_per_second == 1_030 / 2.0
    assert summary.achieved_rate == 4 / 2.0
    assert summary.lag is not None
    assert (summary.lag.p50, summary.lag.max) == (0.0, 0.25)


def test_a_deadline_is_missed_by_its_status_or_by_the_clock_from_the_intended_start() -> None:
    records = Records()
    answered(records, 101.0, 0.5)
    answered(records, 101.1, 0.75, EXPIRED)
    answered(records, 101.2, 1.25, late=0.5)  # within its own deadline, and still too late
    assert summary_of(records, timeout=1.0).deadline_misses == 2


def test_each_kind_of_work_has_figures_of_its_own() -> None:
    records = Records()
    answered(records, 101.0, 0.25, work=0)
    answered(records, 101.1, 0.5, work=1)
    answered(records, 101.2, 0.5, UNAVAILABLE, work=1)
    summary = summary_of(records, names=("short", "long"))
    assert summary.by_work["short"].ok.seconds["max"] == pytest.approx(0.25)
    assert (summary.by_work["long"].calls, summary.by_work["long"].failed) == (2, 1)
    assert summary.by_work["long"].ok.count == 1


def test_failures_of_the_warm_up_are_counted_apart_and_shown() -> None:
    records = Records()
    for intended, code in ((100.25, UNAVAILABLE), (100.5, OK), (100.75, UNAVAILABLE), (101.5, OK)):
        answered(records, intended, 0.1, code)
    sent(records, 100.9)  # never answered
    one = step(records)
    assert (one.summary.calls, one.summary.statuses) == (1, {"OK": 1})
    assert one.summary.warmup_statuses == {"OK": 1, "UNAVAILABLE": 2}
    assert json.loads(json_report(result(one)))["warmup_statuses"] == {"OK": 1, "UNAVAILABLE": 2}
    lines = table(result(one)).splitlines()
    assert "warm-up   OK 1, UNAVAILABLE 2; counted nowhere above" in lines


def test_a_client_that_falls_behind_fails_the_test() -> None:
    records = Records()
    for intended in (101.0, 102.0):
        answered(records, intended, 3.1, late=3.0)
    late = result(step(records))
    assert late.steps[0].summary.achieved_rate == 2 / 4.0  # the last was sent 4 s after the warm-up
    assert late.steps[0].summary.was_late
    [failure] = late.failures
    assert failure.startswith("the load test itself was late")


def test_a_lag_that_is_a_small_part_of_the_latencies_is_no_failure() -> None:
    assert summary_of(even_calls(10, latency=0.3, late=0.02)).was_late is False
    assert summary_of(even_calls(10, latency=0.1, late=0.02)).was_late is True
    assert summary_of(even_calls(10, latency=0.1, late=0.02), max_lag=0.03).was_late is False


def test_an_interruption_cuts_the_window_and_counts_what_is_in_flight() -> None:
    records = Records()
    answered(records, 101.0, 0.25, simulations=8)
    sent(records, 101.5)
    summary = summary_of(records, interrupted_at=102.0)
    assert summary.interrupted
    assert (summary.calls, summary.unfinished) == (2, 1)
    assert summary.statuses == {"OK": 1}
    assert summary.window == 1.0
    assert summary.throughput == 1.0


def test_an_interrupted_warm_up_leaves_nothing_to_report() -> None:
    records = Records()
    sent(records, 100.1)
    summary = summary_of(records, interrupted_at=100.5)
    assert (summary.calls, summary.window) == (0, 0.0)
    assert math.isnan(summary.throughput)


def test_a_report_without_answers_has_no_numbers_and_is_a_failure() -> None:
    empty = result(step(Records()))
    report = json.loads(json_report(empty))
    assert report["latency_seconds"] == {"ok": None, "all": None}
    assert report["generator_lag_seconds"] is None
    assert report["failures"] == ["no call succeeded"]
    assert "statuses  none" in table(empty)


def test_a_closed_loop_has_no_lag_and_no_asked_rate() -> None:
    records = Records()
    answered(records, 101.0, 0.5)
    one = result(step(records, rate=None, concurrency=3))
    report = json.loads(json_report(one))
    assert report["loop"] == "closed"
    assert report["concurrency"] == 3
    assert report["asked_rate"] is None
    assert report["arrivals"] is None
    assert report["generator_lag_seconds"] is None
    assert "3 in flight" in table(one)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_a_quantile_is_the_smallest_latency_that_its_share_of_calls_keeps(
    seconds: list[float],
) -> None:
    measured = Latencies.of(np.array(seconds)).seconds
    parts = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    for name, part in parts.items():
        ordered = sorted(seconds)
        expected = ordered[max(0, math.ceil(part * len(ordered) - 1e-9) - 1)]
        assert measured[name] == expected

"""The load test's schedule, its accounting, and what it shows."""

from __future__ import annotations

import asyncio
import io
import math
import time

import grpc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcts_client._load import show
from mcts_client._load.records import Records
from mcts_client._load.schedule import intended_starts
from mcts_client._load.settings import LoadSettings
from mcts_client._load.summary import Latencies, summarise

OK = grpc.StatusCode.OK
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def settings(**changes: object) -> LoadSettings:
    given: dict[str, object] = {"rate": 10.0, "warmup": 1.0, "duration": 2.0}
    return LoadSettings("h:1", "m", **(given | changes))


# ---- schedule --------------------------------------------------------------------------


def test_constant_arrivals_are_evenly_spaced() -> None:
    starts = intended_starts(10, 0.0, 1.0, "constant", np.random.default_rng(0))
    np.testing.assert_allclose(starts, np.arange(10) / 10)


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_warm_up_and_duration_each_have_their_exact_number_of_calls(arrivals: str) -> None:
    starts = intended_starts(50, 1.0, 2.0, arrivals, np.random.default_rng(0))
    assert np.count_nonzero(starts < 1.0) == 50
    assert np.count_nonzero(starts >= 1.0) == 100
    assert np.all(np.diff(starts) >= 0)
    assert starts[0] >= 0
    assert starts[-1] < 3.0


def test_poisson_arrivals_have_exponential_gaps() -> None:
    # Over 20,000 gaps the share above the mean is e**-1 within 5 standard errors: by chance
    # it is not in fewer than one of a million seeds.
    starts = intended_starts(1_000, 0.0, 20.0, "poisson", np.random.default_rng(0))
    share = np.mean(np.diff(starts) > 1e-3)
    assert abs(share - math.exp(-1)) < 5 * math.sqrt(0.2325 / 20_000)


def test_the_seed_fixes_the_schedule() -> None:
    def draw(seed: int) -> np.ndarray:
        return intended_starts(10, 1.0, 1.0, "poisson", np.random.default_rng(seed))

    np.testing.assert_array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))


# ---- settings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"concurrency": 2}, "either a rate .* or a concurrency"),
        ({"rate": None}, "either a rate .* or a concurrency"),
        ({"arrivals": "bursty"}, "must be poisson or constant"),
        ({"rate": 0.1}, r"no call falls into 2 s at 0\.1/s"),
    ],
)
def test_settings_that_make_no_load_test_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(**changes)


# ---- summary ---------------------------------------------------------------------------


def sent(records: Records, intended: float, late: float = 0.0) -> int:
    return records.send(intended, intended + late)


def test_accounting_worked_out_by_hand() -> None:
    records = Records()
    begin = 100.0  # so the warm-up ends at 101 and the measurement at 103
    warm = sent(records, 100.5)
    quick = sent(records, 101.0)
    slow = sent(records, 101.5, late=0.25)
    failed = sent(records, 102.0)
    overdue = sent(records, 102.5)
    records.answer(warm, 101.25, OK, 1_000)
    records.answer(quick, 101.125, OK, 10)
    records.answer(failed, 102.5, UNAVAILABLE, 0, "gone")
    records.answer(slow, 102.5, OK, 20)
    records.answer(overdue, 103.5, OK, 40)

    summary = summarise(settings(), records, begin)

    assert summary.calls == 4  # the warm-up's call is not one of them
    assert summary.statuses == {"OK": 3, "UNAVAILABLE": 1}
    assert summary.warmup_statuses == {"OK": 1}
    assert summary.messages == {"UNAVAILABLE": "gone"}
    assert summary.unfinished == 0
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


def test_failures_of_the_warm_up_are_counted_apart_and_shown() -> None:
    records = Records()
    for intended, code in ((100.25, UNAVAILABLE), (100.5, OK), (100.75, UNAVAILABLE), (101.5, OK)):
        records.answer(sent(records, intended), intended + 0.1, code, 1, "gone")
    sent(records, 100.9)  # never answered
    summary = summarise(settings(), records, 100.0)
    assert (summary.calls, summary.statuses) == (1, {"OK": 1})
    assert summary.warmup_statuses == {"OK": 1, "UNAVAILABLE": 2}
    assert summary.as_json()["warmup_statuses"] == {"OK": 1, "UNAVAILABLE": 2}
    lines = show.table(summary).splitlines()
    assert "warm-up   OK 1, UNAVAILABLE 2; counted nowhere above" in lines


def test_a_warm_up_without_failures_is_not_shown() -> None:
    records = Records()
    records.answer(sent(records, 100.5), 100.6, OK, 1)
    assert "warm-up   " not in show.table(summarise(settings(), records, 100.0))


def test_a_generator_that_falls_behind_has_a_lower_rate() -> None:
    records = Records()
    for intended in (101.0, 102.0):
        row = sent(records, intended, late=3.0)
        records.answer(row, intended + 3.1, OK, 1)
    summary = summarise(settings(), records, 100.0)
    assert summary.achieved_rate == 2 / 4.0  # the last was sent 4 s after the warm-up
    assert "the load test itself was late" in show.table(summary)


def test_an_interruption_cuts_the_window_and_counts_what_is_in_flight() -> None:
    records = Records()
    row = sent(records, 101.0)
    records.answer(row, 101.25, OK, 8)
    sent(records, 101.5)
    summary = summarise(settings(), records, 100.0, interrupted_at=102.0)
    assert summary.interrupted
    assert (summary.calls, summary.unfinished) == (2, 1)
    assert summary.statuses == {"OK": 1}
    assert summary.window == 1.0
    assert summary.throughput == 1.0


def test_an_interrupted_warm_up_leaves_nothing_to_report() -> None:
    records = Records()
    sent(records, 100.1)
    summary = summarise(settings(), records, 100.0, interrupted_at=100.5)
    assert (summary.calls, summary.window) == (0, 0.0)
    assert math.isnan(summary.throughput)
    assert summary.as_json()["throughput"] is None
    assert summary.as_json()["latency_seconds"] == {"ok": None, "all": None}
    assert "statuses  none" in show.table(summary)


def test_a_closed_loop_has_no_lag_and_no_asked_rate() -> None:
    records = Records()
    records.answer(sent(records, 101.0), 101.5, OK, 1)
    summary = summarise(settings(rate=None, concurrency=3), records, 100.0)
    assert summary.lag is None
    report = summary.as_json()
    assert report["loop"] == "closed"
    assert report["concurrency"] == 3
    assert report["asked_rate"] is None
    assert report["arrivals"] is None
    assert report["generator_lag_seconds"] is None
    assert "3 in flight" in show.table(summary)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_a_quantile_is_the_smallest_latency_that_its_share_of_calls_keeps(
    seconds: list[float],
) -> None:
    measured = Latencies.of(np.array(seconds)).seconds
    for name, part in {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}.items():
        ordered = sorted(seconds)
        expected = ordered[max(0, math.ceil(part * len(ordered) - 1e-9) - 1)]
        assert measured[name] == expected


# ---- what is shown ---------------------------------------------------------------------


def test_the_live_line_tells_the_phase_and_the_last_answers() -> None:
    records = Records()
    for _ in range(3):
        records.answer(sent(records, 100.0), 100.25, OK, 1)
    records.answer(sent(records, 100.0), 100.001, UNAVAILABLE, 0, "gone")
    sent(records, 100.0)
    line = show.live_line(settings(), records, elapsed=0.5, since=0)
    assert "warm-up" in line
    assert "sent 5" in line
    assert "in flight 1" in line
    assert "failed 1" in line
    assert "p50 250.00 ms" in line
    assert "measuring" in show.live_line(settings(), records, elapsed=1.5, since=4)
    assert "p50 -" in show.live_line(settings(), records, elapsed=1.5, since=4)
    assert "finishing" in show.live_line(settings(), records, elapsed=3.5, since=4)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "log"])
async def test_progress_renews_one_line_on_a_terminal_and_adds_lines_elsewhere(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "_TERMINAL_INTERVAL", 0.01)
    monkeypatch.setattr(show, "_LOG_INTERVAL", 0.01)
    showing = asyncio.create_task(
        show.show_progress(settings(), Records(), time.monotonic(), stream)
    )
    while stream.getvalue().count("sent 0") < 2:
        await asyncio.sleep(0.01)
    showing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await showing
    shown = stream.getvalue()
    assert shown.endswith("\r\x1b[K" if stream.isatty() else "\n")
    assert ("\n" in shown) is not stream.isatty()


def test_the_table_has_a_row_for_ok_and_one_for_all() -> None:
    records = Records()
    records.answer(sent(records, 101.0), 101.002, OK, 50)
    records.answer(sent(records, 101.1), 101.15, UNAVAILABLE, 0, "gone\naway")
    lines = show.table(summarise(settings(), records, 100.0)).splitlines()
    assert lines[0] == "m at h:1: open loop, poisson arrivals at 10/s, 1 connection"
    assert lines[1] == "measured 2.0 s after 1 s of warm-up"
    assert lines[3].split() == ["latency", "calls", "p50", "p90", "p99", "p99.9", "max"]
    assert lines[4].split()[:4] == ["OK", "1", "2.00", "ms"]
    assert lines[5].split()[:2] == ["all", "2"]
    assert any(line.split() == ["statuses", "OK", "1,", "UNAVAILABLE", "1"] for line in lines)
    assert "UNAVAILABLE: gone away" in lines

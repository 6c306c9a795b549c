"""What a person sees: the live line and the table."""

from __future__ import annotations

import io

import numpy as np
import pytest
from load_results import UNAVAILABLE, answered, even_calls, result, settings, step

from mcts_client._load.live import LiveLine, live_line
from mcts_client._load.records import Records
from mcts_client._load.table import table
from mcts_client._load.work import Work
from mcts_client._load.worker import Progress

NEWS = [
    Progress(sent=3, answered=2, failed=0, latencies=np.array([0.25, 0.25])),
    Progress(sent=2, answered=2, failed=1, latencies=np.array([0.25, 0.001])),
]


def test_the_live_line_tells_the_phase_and_the_last_answers_of_all_processes() -> None:
    line = live_line(settings(), NEWS, elapsed=0.5)
    assert "warm-up" in line
    assert "sent 5" in line
    assert "in flight 1" in line
    assert "failed 1" in line
    assert "p50 250.00 ms" in line
    assert "measuring" in live_line(settings(), NEWS, elapsed=1.5)
    assert "finishing" in live_line(settings(), NEWS, elapsed=3.5)
    quiet = [Progress(5, 4, 1, np.array([]))]
    assert "p50 -" in live_line(settings(), quiet, elapsed=1.5)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "log"])
def test_progress_renews_one_line_on_a_terminal_and_adds_lines_elsewhere(
    stream: io.StringIO,
) -> None:
    with LiveLine(stream).of_run(settings()) as show:
        show(NEWS, 0.5)
        show(NEWS, 1.5)
    shown = stream.getvalue()
    assert shown.count("sent 5") == 2
    assert shown.endswith("\r\x1b[K" if stream.isatty() else "\n")
    assert ("\n" in shown) is not stream.isatty()


def test_what_came_of_a_rate_stays() -> None:
    stream = Terminal()
    LiveLine(stream).say_step(step(even_calls(10, 0.1)))
    LiveLine(stream).say_step(step(even_calls(10, 0.1), ("too slow",)))
    kept, broken = stream.getvalue().splitlines()
    assert kept.split()[0] == "10/s"
    assert kept.endswith("p99 100.00 ms  kept")
    assert broken.endswith("too slow")


def test_the_table_has_a_row_for_ok_and_one_for_all() -> None:
    records = Records()
    answered(records, 101.0, 0.002, simulations=50)
    answered(records, 101.1, 0.05, UNAVAILABLE)
    lines = table(result(step(records))).splitlines()
    assert lines[0] == "m at h:1: open loop, poisson arrivals at 10/s, 1 connection"
    assert lines[1] == "  Plan, 100 simulations, 1 state"
    assert lines[2] == "measured 2.0 s after 1 s of warm-up"
    assert lines[4].split() == ["latency", "calls", "p50", "p90", "p95", "p99", "p99.9", "max"]
    assert lines[5].split()[:4] == ["OK", "1", "2.00", "ms"]
    assert lines[6].split()[:2] == ["all", "2"]
    assert any(line.split() == ["statuses", "OK", "1,", "UNAVAILABLE", "1"] for line in lines)
    assert "UNAVAILABLE: gone <away> & far" in lines


def test_the_table_has_a_row_for_each_kind_of_a_mixture() -> None:
    records = Records()
    answered(records, 101.0, 0.002, work=0)
    answered(records, 101.1, 0.004, work=1)
    work = (
        Work("opening", "connect_four", weight=3, states=("",), simulations=50),
        Work("a_long_name", "taxi", mode="batch", rows=8, states=(1, 2), time_limit=0.05),
    )
    names = [one.name for one in work]
    lines = table(result(step(records, names=names, processes=2), work=work)).splitlines()
    assert lines[0].startswith("connect_four, taxi at h:1: ")
    assert lines[0].endswith("2 connections, 2 processes")
    assert lines[1] == "  75% opening, Plan, 50 simulations, 1 state"
    assert lines[2] == "  25% a_long_name, PlanBatch of 8, 50.00 ms a call, 2 states"
    assert [line.split()[0] for line in lines[5:10]] == [
        "latency", "opening", "a_long_name", "OK", "all",
    ]  # fmt: skip


def test_retries_and_misses_are_shown_where_there_are_any() -> None:
    records = Records()
    answered(records, 101.0, 11.0, retries=1)
    assert "1 deadline miss, 1 retry" in table(result(step(records)))
    assert "retry" not in table(result(step(even_calls(10, 0.1))))


def test_thresholds_have_a_line_each() -> None:
    lines = table(result(step(even_calls(10, 0.1)), thresholds=["p99<1s", "p99<1ms"])).splitlines()
    assert "threshold p99<1s: kept, 100.00 ms" in lines
    assert "FAILED: p99<1ms: BROKEN, 100.00 ms" in lines

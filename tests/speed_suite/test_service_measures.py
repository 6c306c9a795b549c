"""What measures how the service holds under load does measure, in little."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.chaos.served import Server
from benchmarks.service.agents import agents_rate, configuration, environment, offline_rate
from benchmarks.service.cancels import measure_cancels
from benchmarks.service.deadlines import measure_deadlines
from benchmarks.service.load import Load, make_calls, plan_request
from benchmarks.service.overload import measure_overload
from benchmarks.service.planner_server import planner_server
from benchmarks.service.row import Row, format_rows


def test_a_row_meets_its_aim_or_not():
    assert Row("t", "f", 4.0, "ms", aim=5.0).is_met
    assert not Row("t", "f", 6.0, "ms", aim=5.0).is_met
    assert not Row("t", "f", 4.0, "%", aim=5.0, better="higher").is_met
    assert not Row("t", "f", math.nan, "ms", aim=5.0).is_met
    assert Row("t", "f", 6.0, "ms").is_met
    assert "MISSED" in format_rows([Row("t", "f", 6.0, "ms", aim=5.0)])


def test_calls_are_counted_with_what_became_of_them():
    with planner_server({"workers": 1}) as server:
        answers = make_calls(Load(server.target, plan_request(7), 0.5, rate=40.0))
        unknown = make_calls(Load(server.target, plan_request(7, model="none"), 0.2, concurrency=2))
    assert len(answers) == 20
    assert set(answers.status) == {0}
    assert set(answers.simulations) == {7}
    assert np.all(answers.latency > 0)
    assert set(unknown.status) == {5}


@pytest.mark.parametrize(
    ("measure", "figures"),
    [
        (lambda: measure_deadlines(0.5), {"latency, p99", "late or without a plan"}),
        (lambda: measure_overload(2.0), {"goodput", "refusals, p99", "health, p99"}),
        (lambda: measure_cancels(4), {"computed after the cancel, p99"}),
    ],
    ids=["deadlines", "overload", "cancels"],
)
def test_each_measure_gives_its_figures(measure, figures):
    rows = measure()
    assert figures <= {row.figure for row in rows}
    # A machine that is too slow for so short a test refuses nothing, or plans nothing.
    assert all(math.isfinite(row.value) for row in rows if row.unit in ("/s", ""))


def test_agents_are_measured_beside_an_offline_batch():
    with Server(configuration(16, 8), environment=environment()) as server:
        assert agents_rate(server.target, 4, 0.5) > 0
    assert offline_rate(16, 8, 0.1) > 0

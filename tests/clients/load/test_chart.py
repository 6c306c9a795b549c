"""Axes of charts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcts_client._load.chart import Axis, Line, Point, chart


@given(st.lists(st.floats(1e-9, 1e12), min_size=1))
def test_all_values_are_on_a_linear_axis(values: list[float]) -> None:
    axis = Axis.of("x", values)
    assert axis.low == 0
    assert all(0 <= axis.part(value) <= 1 + 1e-9 for value in values)
    assert 2 <= len(axis.ticks) <= 7


@given(st.lists(st.floats(1e-6, 1e9), min_size=1))
def test_all_values_are_on_a_logarithmic_axis(values: list[float]) -> None:
    axis = Axis.of("x", values, is_log=True)
    assert all(-1e-9 <= axis.part(value) <= 1 + 1e-9 for value in values)
    assert 2 <= len(axis.ticks) <= 18


def test_ticks_are_round() -> None:
    assert [text for _, text in Axis.of("x", [1_700]).ticks] == [
        "0",
        "500",
        "1,000",
        "1,500",
        "2,000",
    ]
    assert [text for _, text in Axis.of("x", [3, 40], is_log=True).ticks] == [
        "2", "5", "10", "20", "50",
    ]  # fmt: skip


def test_equal_ratios_are_equal_distances_on_a_logarithmic_axis() -> None:
    axis = Axis.of("x", [1, 100], is_log=True)
    assert axis.part(10) == pytest.approx(0.5)


def test_an_axis_without_values_is_one_all_the_same() -> None:
    assert Axis.of("x", []).high > 0
    assert Axis.of("x", [math.nan], is_log=True).high > 1


def test_a_line_is_interrupted_where_it_has_no_value() -> None:
    axis = Axis.of("x", [3])
    points = tuple(Point(x, y) for x, y in enumerate([1, 1, math.nan, 1]))
    drawn = chart("c", axis, axis, [Line("l", points, "c0")])
    assert drawn.count("M") == 2


def test_names_do_not_cover_each_other() -> None:
    axis = Axis.of("x", [1])
    lines = [Line(name, (Point(1, 1),), "c0") for name in "abcd"]
    drawn = chart("c", axis, axis, lines)
    places = [
        float(part.split('y="')[1].split('"')[0])
        for part in drawn.split("<text")
        if "end c0" in part
    ]
    assert len(places) == 4
    assert min(abs(a - b) for i, a in enumerate(places) for b in places[:i]) >= 15

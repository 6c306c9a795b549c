"""Thresholds: how they read, and when they hold."""

from __future__ import annotations

import pytest
from load_results import EXPIRED, UNAVAILABLE, answered, even_calls, summary

from mcts_client._load.records import Records
from mcts_client._load.thresholds import Threshold


def mixed() -> Records:
    """Nine answers of 0.1 s and one error of the kind 0; one slow answer of the kind 1."""
    records = Records()
    for number in range(9):
        answered(records, 101.0 + number / 10, 0.1, simulations=10, retries=number == 0)
    answered(records, 102.0, 0.5, EXPIRED)
    answered(records, 102.1, 0.25, work=1, simulations=10)
    return records


@pytest.mark.parametrize(
    ("text", "value", "is_kept"),
    [
        ("p50<=101ms", 0.1, True),
        ("p50 < 0.05s", 0.1, False),
        ("p99<250001us", 0.25, True),
        ("max<100ms", 0.25, False),
        ("errors<10%", 1 / 11, True),
        ("errors<0.1%", 1 / 11, False),
        ("errors<=1", 1.0, True),
        ("deadline_misses<1", 1.0, False),
        ("retries<=1", 1.0, True),
        ("rate>=5", 5.0, True),
        ("rate>=6/s", 5.0, False),
        ("simulations>49", 50.0, True),
        ("lag<1ms", 0.0, True),
        ("slow:p50<200ms", 0.25, False),
        ("quick:p99<150ms", 0.1, True),
        ("quick:errors<5%", 0.1, False),
        ("slow:errors<=0", 0.0, True),
    ],
)
def test_a_threshold_compares_its_figure_to_its_limit(
    text: str, value: float, is_kept: bool
) -> None:
    names = ("quick", "slow")
    verdict = Threshold.parse(text, names).of(summary(mixed(), names))
    assert verdict.value == pytest.approx(value)
    assert verdict.is_kept is is_kept
    assert ("kept" in str(verdict)) is is_kept
    assert str(verdict).startswith(text)


@pytest.mark.parametrize("text", ["p99<1s", "errors<100%", "rate>=0"])
def test_a_figure_that_does_not_exist_keeps_no_threshold(text: str) -> None:
    nothing = summary(Records(), interrupted_at=100.5)
    verdict = Threshold.parse(text).of(nothing)
    assert not verdict.is_kept
    assert "no figure" in str(verdict)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("p98<50ms", "is 'p98<50ms'; must be a limit such as"),
        ("p99=50ms", "must be a limit such as"),
        ("p99<fastms", "must be a limit such as"),
        ("", "must be a limit such as"),
        (5, "is 5; must be a limit such as"),
        ("p99<50", "p99 is in us or ms or s"),
        ("errors<1ms", "errors is in % or -"),
        ("rate>5%", "rate is in - or /s"),
        ("other:p99<5ms", "kinds of work: m"),
        ("m:rate>5", "of one kind there are: p50"),
    ],
)
def test_what_is_no_threshold_is_refused(text: object, says: str) -> None:
    with pytest.raises(ValueError, match="is ") as error:
        Threshold.parse(text, ["m"])
    assert says in str(error.value)


def test_an_error_has_no_latency_that_counts() -> None:
    records = even_calls(10, latency=0.1)
    answered(records, 102.95, 5.0, UNAVAILABLE)
    assert Threshold.parse("max<200ms").of(summary(records)).is_kept

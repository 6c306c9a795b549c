"""The search for the greatest rate that is kept."""

from __future__ import annotations

import pytest
from load_results import UNAVAILABLE, answered, even_calls, result, step, summary

from mcts_client._load.records import Records
from mcts_client._load.steps import Steps, rule, why_broken
from mcts_client._load.table import table
from mcts_client._load.thresholds import Threshold


def tried_on(capacity: float, steps: Steps, duration: float = 5.0) -> dict[float, bool]:
    """The rates tried, in order, on a server that keeps what is within its capacity."""
    tried: dict[float, bool] = {}
    while (rate := steps.next_rate(tried, duration)) is not None:
        tried[rate] = rate <= capacity
    return tried


def test_rates_double_until_one_breaks_and_then_close_in() -> None:
    tried = tried_on(100, Steps(first=10, precision=0.1))
    assert list(tried)[:5] == [10, 20, 40, 80, 160]
    kept = max(rate for rate, is_kept in tried.items() if is_kept)
    broken = min(rate for rate, is_kept in tried.items() if not is_kept)
    assert kept <= 100 < broken <= 1.1 * kept
    assert len(tried) <= 9


@pytest.mark.parametrize("capacity", [3, 17, 99.5, 1_234, 54_321])
@pytest.mark.parametrize("precision", [0.5, 0.1, 0.02])
def test_the_search_ends_as_close_as_it_was_told(capacity: float, precision: float) -> None:
    tried = tried_on(capacity, Steps(first=10, precision=precision), duration=100)
    kept = max(rate for rate, is_kept in tried.items() if is_kept)
    assert kept <= capacity < kept * (1 + precision) * 1.001


def test_given_rates_are_tried_in_turn_before_it_closes_in() -> None:
    tried = tried_on(120, Steps(rates=(50, 100, 200, 400)))
    assert list(tried)[:3] == [50, 100, 200]
    assert 400 not in tried
    assert max(rate for rate, is_kept in tried.items() if is_kept) <= 120


def test_given_rates_that_are_all_kept_are_the_whole_search() -> None:
    assert tried_on(1e9, Steps(rates=(50, 100))) == {50: True, 100: True}


def test_a_first_rate_that_breaks_is_halved() -> None:
    tried = tried_on(12, Steps(first=100))
    assert list(tried)[:5] == [100, 50, 25, 12.5, 6.25]
    assert 6.25 <= max(rate for rate, is_kept in tried.items() if is_kept) <= 12


def test_a_server_that_keeps_nothing_ends_the_search_where_calls_get_too_few() -> None:
    tried = tried_on(0, Steps(first=100), duration=2)
    assert list(tried) == [100, 50, 25, 12.5]  # 6.25 for two seconds is no twenty calls


def test_a_server_without_limit_ends_the_search_too() -> None:
    assert len(tried_on(float("inf"), Steps())) == 60


def test_rates_must_ascend() -> None:
    with pytest.raises(ValueError, match="rates are 2, 1; must ascend"):
        Steps(rates=(2, 1))


# ---- what breaks a rate ----------------------------------------------------------------


def why(records: Records, *thresholds: str, first: float = 0.1) -> tuple[str, ...]:
    """What breaks 10 calls a second, after a first rate with that latency."""
    limits = [Threshold.parse(text) for text in thresholds]
    return why_broken(summary(records), summary(even_calls(10, first)), limits)


def test_a_rate_that_is_answered_in_time_is_kept() -> None:
    assert why(even_calls(10, latency=0.1)) == ()


def test_the_first_rate_is_compared_to_no_other() -> None:
    assert why_broken(summary(even_calls(10, latency=0.1)), None, []) == ()


def test_too_few_answers_in_time_break_a_rate() -> None:
    assert why(even_calls(9, latency=0.1)) == ("only 9.0/s were answered in time",)


def test_too_many_errors_break_a_rate() -> None:
    records = even_calls(10, latency=0.1)
    answered(records, 101.5, 0.1, UNAVAILABLE)
    assert why(records) == ("4.8% of the answers were errors",)
    assert why(records, "errors<5%") == ()
    assert len(why(records, "errors<4%")) == 1


def test_a_p99_far_above_the_first_breaks_a_rate() -> None:
    records = even_calls(10, latency=0.05)
    answered(records, 101.5, 1.5)
    assert why(records, first=0.1) == ("p99 1,500.0 ms, over 1,000.0 ms",)
    assert why(records, "p99<2s", first=0.1) == ()
    assert why(records, "p99<1s", first=0.1) == ("p99<1s: BROKEN, 1,500.00 ms",)


def test_a_threshold_on_the_rate_breaks_no_rate() -> None:
    assert why(even_calls(10, latency=0.1), "rate>=1000") == ()


def test_a_late_client_breaks_a_rate_and_says_that_the_server_may_keep_more() -> None:
    slow = even_calls(20, latency=0.1, late=0.05)
    reasons = why_broken(summary(slow, rate=20.0), None, [])
    assert reasons == ("the load test itself was late",)
    both = result(step(even_calls(10, latency=0.1)), step(slow, reasons, rate=20.0))
    assert both.is_bounded_by_client
    assert "greatest rate kept: at least 10/s" in table(both)
    assert "the server may keep more" in both.failures[0]


def test_a_server_that_broke_bounds_the_search_by_itself() -> None:
    both = result(step(even_calls(10, latency=0.1)), step(even_calls(15, 0.1), ("x",), rate=20.0))
    assert not both.is_bounded_by_client
    assert both.failures == ()
    assert "greatest rate kept: 10/s" in table(both)


def test_no_rate_that_is_kept_is_a_failure() -> None:
    none = result(step(Records(), ("x",)), step(Records(), ("x",), rate=20.0))
    assert none.failures == ("no rate was kept",)
    assert "FAILED: no rate was kept" in table(none)


def test_the_rule_says_what_thresholds_replaced() -> None:
    assert "at most 1% errors, p99 at most 10 times" in rule([])
    limits = [Threshold.parse(text) for text in ("p99<50ms", "errors<5%", "rate>=10")]
    assert "p99<50ms, errors<5%" in rule(limits)
    assert "10 times" not in rule(limits)
    assert "rate>=10" not in rule(limits)

import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.service.margin import DeadlineMargin, ReplyClock


def test_a_short_deadline_keeps_the_minimum():
    assert ReplyClock(DeadlineMargin()).margin(0.01) == 0.002


def test_a_long_deadline_keeps_its_share():
    assert ReplyClock(DeadlineMargin()).margin(1.0) == pytest.approx(0.1)


def clock_of(*replies, was_cut=True):
    clock = ReplyClock(DeadlineMargin())
    for seconds in replies:
        clock.observe(seconds, was_cut=was_cut)
    return clock


MANY = ReplyClock.WINDOW


@pytest.mark.parametrize("was_cut", [True, False])
def test_slow_replies_widen_the_margin_and_leave_time_for_the_way(was_cut):
    clock = clock_of(*[0.25] * MANY, was_cut=was_cut)
    assert clock.margin(1.0) == pytest.approx(0.252)


def test_what_replies_took_long_ago_is_forgotten():
    assert clock_of(0.5, *[0.0001] * MANY).margin(0.01) == pytest.approx(0.0021)


def test_one_slow_reply_in_two_hundred_is_no_reason():
    assert clock_of(0.5, *[0.0001] * (MANY - 1)).margin(0.01) == pytest.approx(0.0021)


def test_three_slow_replies_are_one():
    clock = clock_of(*[0.0001] * (MANY - 3), 0.5, 0.5, 0.5)
    assert clock.margin(2.0) == pytest.approx(0.502)


def test_short_searches_do_not_hide_how_late_the_cut_ones_are():
    clock = clock_of(*[0.02] * MANY)
    for _ in range(100 * MANY):
        clock.observe(0.0001, was_cut=False)
    assert clock.margin(0.05) == pytest.approx(0.022)


@pytest.mark.parametrize("wrong", [{"fraction": 1.0}, {"minimum_seconds": -1}])
def test_a_margin_that_leaves_nothing_is_refused(wrong):
    with pytest.raises(InvalidRequest):
        DeadlineMargin(**wrong)


def test_slow_replies_of_the_past_take_no_more_than_half_of_the_time():
    """Else no request would be served any more, and nothing ever show that it could be."""
    clock = clock_of(*[3.0] * MANY)
    assert clock.margin(0.05) == 0.025
    assert clock.margin(10.0) == pytest.approx(3.002)

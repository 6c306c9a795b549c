import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.service.margin import DeadlineMargin, ReplyClock


def test_a_short_deadline_keeps_the_minimum():
    assert ReplyClock(DeadlineMargin()).margin(0.01) == 0.002


def test_a_long_deadline_keeps_its_share():
    assert ReplyClock(DeadlineMargin()).margin(1.0) == pytest.approx(0.1)


def test_slow_replies_widen_the_margin():
    clock = ReplyClock(DeadlineMargin())
    for _ in range(ReplyClock.WINDOW):
        clock.observe(0.5)
    assert clock.margin(1.0) == 0.5


def test_what_replies_took_long_ago_is_forgotten():
    clock = ReplyClock(DeadlineMargin())
    clock.observe(0.5)
    for _ in range(ReplyClock.WINDOW):
        clock.observe(0.001)
    assert clock.margin(0.01) == 0.002


def test_one_slow_reply_in_a_hundred_is_no_reason():
    clock = ReplyClock(DeadlineMargin())
    for index in range(ReplyClock.WINDOW):
        clock.observe(0.5 if index == 0 else 0.001)
    assert clock.margin(0.01) == 0.002


@pytest.mark.parametrize("wrong", [{"fraction": 1.0}, {"minimum_seconds": -1}])
def test_a_margin_that_leaves_nothing_is_refused(wrong):
    with pytest.raises(InvalidRequest):
        DeadlineMargin(**wrong)


def test_slow_replies_of_the_past_take_no_more_than_half_of_the_time():
    """Else no request would be served any more, and nothing ever show that it could be."""
    clock = ReplyClock(DeadlineMargin())
    for _ in range(ReplyClock.WINDOW):
        clock.observe(3.0)
    assert clock.margin(0.05) == 0.025
    assert clock.margin(10.0) == 3.0

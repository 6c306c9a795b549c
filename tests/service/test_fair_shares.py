import pytest

from mcts_service.service.fair_shares import FairShares


def test_who_comes_begins_level_with_the_least_of_those_present():
    shares = FairShares()
    shares.enter("a")
    shares.enter("b")
    shares.charge("a", 5.0)
    shares.charge("b", 3.0)
    assert shares.had("c") == 3.0
    shares.enter("c")
    assert shares.had("c") == 3.0


def test_time_that_was_not_asked_for_is_not_saved_up():
    shares = FairShares()
    shares.enter("idle")
    shares.enter("busy")
    shares.leave("idle")
    shares.charge("busy", 100.0)
    shares.enter("idle")
    assert shares.had("idle") == 100.0


def test_a_debt_stays_until_the_others_have_caught_up():
    shares = FairShares()
    shares.enter("b")
    shares.enter("a")
    shares.charge("a", 5.0)
    shares.leave("a")
    assert shares.had("a") == 5.0
    shares.charge("b", 9.0)
    assert shares.had("a") == 9.0


def test_a_debt_is_forgotten_when_nobody_is_left():
    shares = FairShares()
    shares.enter("a")
    shares.charge("a", 5.0)
    shares.leave("a")
    assert shares.had("a") == 0.0
    shares.charge("a", 5.0)
    assert shares.had("a") == 0.0


def test_what_a_caller_had_before_it_came_counts():
    shares = FairShares()
    shares.enter("b")
    shares.charge("a", 2.0)
    shares.enter("a")
    assert shares.had("a") == 2.0


def test_a_charge_may_be_set_right():
    shares = FairShares()
    shares.enter("a")
    shares.charge("a", 5.0)
    shares.charge("a", -4.0)
    assert shares.had("a") == pytest.approx(1.0)


def test_so_many_callers_are_remembered_and_no_more():
    shares = FairShares()
    shares.enter("stays")
    for number in range(5 * FairShares.MOST):
        shares.enter(str(number))
        shares.charge(str(number), 1.0)
        shares.leave(str(number))
    assert len(shares._accounts) <= FairShares.MOST + 1
    assert shares.had("stays") == 0.0

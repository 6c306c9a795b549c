import pytest

from mcts_service.checks import (
    require_bool,
    require_integer,
    require_number,
    require_text,
    shown,
)
from mcts_service.errors import InvalidRequest


@pytest.mark.parametrize("value", [0, 11, 5.0, True, "5", None])
def test_an_integer_out_of_range_or_of_another_type_is_refused(value):
    with pytest.raises(InvalidRequest, match=r"workers: is .*; must be an integer from 1 to 10"):
        require_integer("workers", value, 1, 10)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), float("inf"), True, "1"])
def test_a_number_out_of_range_or_not_finite_is_refused(value):
    with pytest.raises(InvalidRequest, match=r"share: is .*; must be a number from 0 to 1"):
        require_number("share", value, 0, 1)


def test_an_empty_text_is_refused():
    with pytest.raises(InvalidRequest, match="host: is ''; must be a text"):
        require_text("host", "")


def test_one_is_not_true():
    with pytest.raises(InvalidRequest, match="entry_points: is 1; must be true or false"):
        require_bool("entry_points", 1)


def test_values_within_their_limits_pass():
    require_integer("workers", 10, 1, 10)
    require_number("share", 1, 0, 1)
    require_text("host", "::1")
    require_bool("entry_points", False)


def test_a_huge_value_is_quoted_in_brief():
    assert len(shown("x" * 10**6)) <= 80
    assert len(shown(10**1000)) <= 80

import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.service.violations import Violations


def test_every_wrong_field_is_told_at_once():
    violations = Violations()
    with violations.collected():
        raise InvalidRequest("horizon", "is 0")
    with violations.collected("options."):
        raise InvalidRequest("max_depth", "is 0")
    with pytest.raises(InvalidRequest) as caught:
        violations.raise_if_any()
    assert [violation.field for violation in caught.value.violations] == [
        "horizon",
        "options.max_depth",
    ]


def test_nothing_wrong_raises_nothing():
    violations = Violations()
    with violations.collected():
        pass
    violations.raise_if_any()


def test_other_errors_pass_through():
    with pytest.raises(ZeroDivisionError), Violations().collected():
        raise ZeroDivisionError

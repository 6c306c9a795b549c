import math

import pytest

from mcts_service.errors import BudgetTooLarge, InvalidRequest
from mcts_service.planning import Budget
from mcts_service.service.budgets import BudgetLimits

LIMITS = BudgetLimits(
    default_simulations=50, max_simulations=1_000, max_time_limit_seconds=2.0, max_bytes=2**20
)


def test_no_limit_means_the_default_number_of_simulations():
    assert LIMITS.admit() == Budget(simulations=50, time_limit=2.0, max_bytes=2**20)
    # Bytes alone would not end a search over states that come again.
    assert LIMITS.admit(max_bytes=2**19) == Budget(simulations=50, time_limit=2.0, max_bytes=2**19)


def test_a_time_limit_alone_leaves_the_simulations_open():
    assert LIMITS.admit(time_limit=0.5) == Budget(None, 0.5, 2**20)


def test_what_is_asked_for_is_granted_up_to_the_greatest():
    assert LIMITS.admit(1_000, 2.0, 2**20) == Budget(1_000, 2.0, 2**20)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"simulations": 1_001}, "budget.simulations: is 1001; at most 1000 is allowed"),
        ({"simulations": 2**62}, "at most 1000 is allowed"),
        ({"time_limit": 2.5}, "budget.time_limit: is 2.5 seconds; at most 2 seconds is allowed"),
        ({"time_limit": math.inf}, "at most 2 seconds"),
        ({"max_bytes": 2**21}, "budget.max_bytes: is 2097152; at most 1048576 is allowed"),
    ],
)
def test_more_than_is_allowed_names_the_field_the_value_and_the_greatest(asked, message):
    with pytest.raises(BudgetTooLarge, match=message):
        LIMITS.admit(**asked)


@pytest.mark.parametrize(
    "asked",
    [{"simulations": 0}, {"simulations": -1}, {"time_limit": 0.0}, {"time_limit": math.nan},
     {"max_bytes": 1}],
)  # fmt: skip
def test_a_budget_that_no_search_can_have_is_the_callers_mistake(asked):
    with pytest.raises(InvalidRequest, match=f"budget.{next(iter(asked))}: is "):
        LIMITS.admit(**asked)


def test_the_models_own_default_stands_where_none_is_configured():
    class Model:
        default_simulations = 70

    assert BudgetLimits().of_model(Model()).default_simulations == 70
    assert BudgetLimits().of_model(object()).default_simulations == 1_000
    assert LIMITS.of_model(Model()).default_simulations == 50
    assert BudgetLimits(max_simulations=10).of_model(Model()).default_simulations == 10


def test_a_default_above_the_greatest_is_refused():
    with pytest.raises(InvalidRequest, match=r"default_simulations: is 11; .* from 1 to 10"):
        BudgetLimits(default_simulations=11, max_simulations=10)


def test_the_simulations_of_all_rows_count_together():
    assert LIMITS.admit(250, rows=4) == Budget(250, 2.0, 2**20)
    message = "simulations: is 251 for each of 4 rows, 1004 in all; at most 1000 in all is allowed"
    with pytest.raises(BudgetTooLarge, match=message):
        LIMITS.admit(251, rows=4)
    with pytest.raises(BudgetTooLarge, match="is 50 for each of 21 rows"):
        LIMITS.admit(rows=21)


def test_bytes_and_time_do_not_grow_with_the_rows():
    assert LIMITS.admit(time_limit=2.0, max_bytes=2**20, rows=1_000) == Budget(None, 2.0, 2**20)


def test_a_batch_without_rows_cannot_be_allowed():
    with pytest.raises(InvalidRequest, match=r"max_batch: is 0; must be an integer from 1"):
        BudgetLimits(max_batch=0)

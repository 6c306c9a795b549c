"""Settings that are kept from one request to the next."""

import time

import pytest
from served_models import Corridor, entry_of

from mcts_service.errors import BudgetTooLarge, InvalidRequest
from mcts_service.rpc import convert_settings
from mcts_service.rpc.convert_plan import plan_query
from mcts_service.v1.planner_pb2 import Budget, PlanRequest, SearchOptions, State


def query_of(entry, **fields):
    request = PlanRequest(state=State(discrete=4), **fields)
    return plan_query(request, entry, received=time.monotonic(), time_remaining=None)


def test_each_request_has_its_own_settings_whatever_was_asked_before():
    entry, other = entry_of(Corridor()), entry_of(Corridor(), max_simulations=50)
    for _ in range(2):
        for n in (10, 20):
            query = query_of(entry, budget=Budget(simulations=n), horizon=n)
            assert (query.budget.simulations, query.horizon) == (n, n)
            query = query_of(entry, options=SearchOptions(exploration=n))
            assert (query.config.exploration, query.horizon) == (n, None)
        assert query_of(entry, request_id="a").request_id == "a"
        assert query_of(entry).request_id == ""
        assert query_of(entry, budget=Budget(simulations=60)).budget.simulations == 60
        with pytest.raises(BudgetTooLarge):
            query_of(other, budget=Budget(simulations=60))


def test_what_is_wrong_is_told_every_time():
    entry = entry_of(Corridor())
    for _ in range(2):
        with pytest.raises(InvalidRequest) as caught:
            query_of(
                entry,
                options=SearchOptions(exploration=-1, max_depth=0),
                horizon=0,
                budget=Budget(simulations=0),
                request_id="x" * 1000,
            )
        assert {violation.field for violation in caught.value.violations} == {
            "options.exploration",
            "options.max_depth",
            "horizon",
            "budget.simulations",
            "request_id",
        }


def test_so_many_are_kept_and_no_more():
    entry = entry_of(Corridor())
    kept = convert_settings._kept_settings
    for horizon in range(1, 2 * kept.cache_info().maxsize):
        query_of(entry, horizon=horizon)
    assert kept.cache_info().currsize == kept.cache_info().maxsize


def test_long_ones_are_not_kept():
    entry = entry_of(Corridor())
    kept = convert_settings._kept_settings
    before = kept.cache_info()
    options = SearchOptions.FromString(
        SearchOptions(exploration=2).SerializeToString() + b"\xfa\x7f\x90\x4e" + b"x" * 10_000
    )
    assert query_of(entry, options=options).config.exploration == 2
    assert kept.cache_info()[:2] == before[:2]

"""How far a simulation goes: `max_depth` and `horizon`, at 1, 2 and the greatest depth."""

from __future__ import annotations

from typing import Any

import pytest
from searching import read, run_search
from small_models import StepCounter, ValuedStepCounter

SIMULATIONS = 50


def values(search: Any) -> list[float]:
    return [row.value for row in read(search).actions]


def deepest_state(tree: dict[str, Any]) -> int:
    children = [child for edge in tree["edges"] for _, child in edge["outcomes"]]
    return max([tree["state"], *map(deepest_state, children)])


@pytest.mark.parametrize("bound", [1, 2, 3, 7])
@pytest.mark.parametrize("limit", ["max_depth", "horizon", "both"])
def test_simulation_takes_as_many_steps_as_it_may(limit: str, bound: int) -> None:
    model = StepCounter()
    search = run_search(
        model,
        0,
        SIMULATIONS,
        max_depth=50 if limit == "horizon" else bound,
        horizon=None if limit == "max_depth" else bound,
    )
    assert model.longest == bound
    assert values(search) == [bound, bound]
    assert search.model_steps == bound * SIMULATIONS
    assert deepest_state(search.tree()) == search.depth <= bound
    assert len(read(search).principal_variation) <= bound


@pytest.mark.parametrize(("horizon", "max_depth"), [(2, 1), (3, 2), (1000, 3)])
def test_horizon_beyond_max_depth_does_not_lengthen_the_look(horizon: int, max_depth: int) -> None:
    model = StepCounter()
    search = run_search(model, 0, SIMULATIONS, max_depth=max_depth, horizon=horizon)
    assert model.longest == max_depth
    assert values(search) == [max_depth, max_depth]


@pytest.mark.parametrize("use_value", [False, True])
@pytest.mark.parametrize(
    ("max_depth", "horizon", "worth"),
    [
        (1, None, 1 + 100),
        (2, None, 2 + 100),
        (1, 2, 1 + 100),
        (2, 3, 2 + 100),
        (1, 1, 1),
        (50, 1, 1),
    ],
)
def test_value_counts_at_max_depth_and_not_at_the_horizon(
    max_depth: int, horizon: int | None, worth: int, use_value: bool
) -> None:
    model = ValuedStepCounter()
    search = run_search(model, 0, 1, max_depth=max_depth, horizon=horizon, use_value=use_value)
    # A leaf that is valued at once is one step away.
    expected = 1 + 100 if use_value and max_depth > 1 and horizon != 1 else worth
    assert max(value for value in values(search) if value == value) == expected


def test_value_at_depth_two_is_asked_for_once_the_tree_is_that_deep() -> None:
    search = run_search(ValuedStepCounter(), 0, SIMULATIONS, max_depth=2, use_value=True)
    first_of_each, rest = 2 * (1 + 100), (SIMULATIONS - 2) * (2 + 100)
    [mean] = read(search).player_values
    assert mean == pytest.approx((first_of_each + rest) / SIMULATIONS)


def test_horizon_two_with_values_ends_at_zero_worth() -> None:
    search = run_search(ValuedStepCounter(), 0, SIMULATIONS, horizon=2, use_value=True)
    first_of_each, rest = 2 * (1 + 100), (SIMULATIONS - 2) * 2
    [mean] = read(search).player_values
    assert mean == pytest.approx((first_of_each + rest) / SIMULATIONS)


class Temptation:
    """Action 0 pays 1 now and costs 10 later, action 1 pays nothing now and 5 later."""

    num_actions = 2

    def sample(self, state: str, action: int, rng: Any) -> tuple[str, float, bool]:
        if state == "start":
            return ("tempted", "patient")[action], (1.0, 0.0)[action], False
        return "end", (-10.0 if state == "tempted" else 5.0), True


@pytest.mark.parametrize(("horizon", "best", "value"), [(1, 0, 1.0), (2, 1, 5.0), (3, 1, 5.0)])
def test_horizon_of_one_is_greedy(horizon: int, best: int, value: float) -> None:
    search = run_search(Temptation(), "start", 200, horizon=horizon)
    tried = max(read(search).actions, key=lambda row: row.visits)
    assert (tried.action, tried.value) == (best, value)
    assert tried.visits > 100


class DiscountedStepCounter(StepCounter):
    discount = 0.5


@pytest.mark.parametrize(("depth", "value"), [(1, 1.0), (2, 1.5), (3, 1.75), (4, 1.875)])
def test_discount_is_counted_once_a_step(depth: int, value: float) -> None:
    for simulations in (2, 100):
        search = run_search(DiscountedStepCounter(), 0, simulations, max_depth=depth)
        assert values(search) == [value, value]
        assert read(search).player_values == [value]


def test_greatest_depth_is_reached_in_one_simulation() -> None:
    model = StepCounter()
    search = run_search(model, 0, 1, max_depth=2**16 - 1)
    assert model.longest == 2**16 - 1
    assert read(search).player_values == [2**16 - 1]


class Corridor:
    """One way, without chance, so that every simulation goes one node deeper."""

    num_actions = 1
    deterministic = True

    def __init__(self) -> None:
        self.asked: list[int] = []

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        self.asked.append(state)
        return state + 1, 1.0, False


def test_deterministic_model_is_asked_once_for_each_edge_of_the_tree() -> None:
    model = Corridor()
    search = run_search(model, 0, 20, max_depth=10)
    in_tree = [model.asked.count(state) for state in range(10)]
    # The k-th simulation asks for the edge to its leaf, then rolls out behind it.
    assert in_tree == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert search.depth == 10
    assert search.nodes == 11
    assert values(search) == [10.0]

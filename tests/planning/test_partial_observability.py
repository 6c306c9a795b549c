"""The tiger behind one of two doors: what it is worth to listen first.

The optimal value of the uniform belief with three steps left and a discount of 0.95 is 2.3098: to
listen twice, and then to open where both times nothing was heard, if both agree.
Source: Kaelbling, Littman and Cassandra (1998), section 5.
"""

from __future__ import annotations

from typing import Any

import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.planning import Belief

LISTEN, OPEN_LEFT, OPEN_RIGHT = range(3)
BOTH_DOORS = Belief([0, 1])


class Tiger:
    """A state is the door with the tiger, 0 or 1; once one is opened it is put behind either."""

    num_actions = 3
    discount = 0.95

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        if action == LISTEN:
            return state, -1.0, False
        return int(rng.random() < 0.5), -100.0 if action - 1 == state else 10.0, False

    def observe(self, action: int, following: int, rng: Any) -> int:
        heard_well = rng.random() < (0.85 if action == LISTEN else 0.5)
        return following if heard_well else 1 - following


def optimal_value(belief: float, steps: int) -> float:
    """By Bellman's equation over beliefs; `belief` is the probability of the left door."""
    if steps == 0:
        return 0.0
    listens = -1.0
    for heard_left, heard_right in ((0.85, 0.15), (0.15, 0.85)):
        chance = belief * heard_left + (1 - belief) * heard_right
        listens += chance * 0.95 * optimal_value(belief * heard_left / chance, steps - 1)
    after = 0.95 * optimal_value(0.5, steps - 1)
    left = -100.0 * belief + 10.0 * (1 - belief) + after
    return max(listens, left, 10.0 * belief - 100.0 * (1 - belief) + after)


def test_the_optimal_value_is_the_published_one() -> None:
    assert optimal_value(0.5, 3) == pytest.approx(2.3098, abs=1e-4)


@pytest.mark.parametrize("in_flight", [1, 8])
def test_bellman_backups_over_observations_approach_the_optimal_value(in_flight: int) -> None:
    config = SearchConfig(
        outcome_key="observation", backup="bellman", evaluation="trial", in_flight=in_flight
    )
    plan = MCTS(Tiger(), config).plan(BOTH_DOORS, Budget(simulations=60_000), horizon=3, seed=0)
    assert plan.action == LISTEN
    # Over 15 other seeds the values had a mean of 2.29 and a standard deviation of 0.072: with 0.4
    # the chance of a false alarm, were the seed not fixed, is below 1e-6.
    assert plan.value == pytest.approx(2.3098, abs=0.4)


@pytest.mark.parametrize("seed", range(5))
def test_pomcp_listens_where_both_doors_are_as_likely(seed: int) -> None:
    plan = MCTS(Tiger(), SearchConfig.preset("pomcp")).plan(
        BOTH_DOORS, Budget(simulations=5_000), horizon=3, seed=seed
    )
    assert plan.action == LISTEN
    listens, *opens = plan.actions
    assert all(listens.value > action.value + 10 for action in opens)


def test_pomcp_opens_the_other_door_when_it_is_almost_certain() -> None:
    sure = Belief([0] * 99 + [1])
    plan = MCTS(Tiger(), SearchConfig.preset("pomcp")).plan(
        sure, Budget(simulations=5_000), horizon=1, seed=1
    )
    assert plan.action == OPEN_RIGHT


def test_who_sees_the_state_in_the_tree_is_too_sure() -> None:
    """With nodes that stand for states the tiger is seen after the first step."""
    plan = MCTS(Tiger(), SearchConfig.preset("dp_uct")).plan(
        0, Budget(simulations=2_000), horizon=3, seed=0
    )
    assert plan.action == OPEN_RIGHT
    assert plan.value > 10.0

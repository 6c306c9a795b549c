"""The same seed, the same plan; a planner's own seeds follow one from another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from searching import plan_numbers
from small_models import Chain, NoisyRewards, SlipperyGrid

from mcts_service import MCTS, Budget

SMALL = Budget(simulations=200)


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1, np.int64(5), np.uint64(2**64 - 1)])
def test_same_seed_gives_the_same_plan(seed: Any) -> None:
    planner = MCTS(SlipperyGrid())
    first = planner.plan((0, 0), SMALL, seed=seed)
    planner.plan((1, 1), SMALL, seed=3)
    again = planner.plan((0, 0), SMALL, seed=seed)
    elsewhere = MCTS(SlipperyGrid(), seed=99).plan((0, 0), SMALL, seed=seed)
    assert plan_numbers(first) == plan_numbers(again) == plan_numbers(elsewhere)
    assert first.seed == seed
    assert first.deterministic


def test_different_seeds_give_different_plans() -> None:
    planner = MCTS(NoisyRewards())
    assert len({planner.plan(0, SMALL, seed=seed).value for seed in range(20)}) == 20


def test_planner_s_seed_is_the_seed_of_its_first_plan() -> None:
    first = MCTS(NoisyRewards(), seed=7).plan(0, SMALL)
    assert first.seed == 7
    assert plan_numbers(first) == plan_numbers(MCTS(NoisyRewards()).plan(0, SMALL, seed=7))


def test_later_plans_differ_and_repeat_in_a_new_planner() -> None:
    one, other = (MCTS(NoisyRewards(), seed=7) for _ in range(2))
    plans = [one.plan(0, SMALL) for _ in range(5)]
    assert len({plan.seed for plan in plans}) == len({plan.value for plan in plans}) == 5
    repeated = [other.plan(0, SMALL) for _ in range(5)]
    assert list(map(plan_numbers, repeated)) == list(map(plan_numbers, plans))


def test_plans_with_a_seed_of_their_own_do_not_move_the_planner_s() -> None:
    one, other = (MCTS(NoisyRewards(), seed=7) for _ in range(2))
    other.plan(0, SMALL, seed=1)
    assert one.plan(0, SMALL).seed == other.plan(0, SMALL).seed == 7
    other.plan(0, SMALL, seed=1)
    assert one.plan(0, SMALL).seed == other.plan(0, SMALL).seed


def test_only_a_plan_stopped_by_its_count_is_deterministic() -> None:
    planner = MCTS(Chain())
    assert planner.plan(0, Budget(simulations=10, time_limit=1000.0)).deterministic
    assert not planner.plan(0, Budget(time_limit=0.2)).deterministic

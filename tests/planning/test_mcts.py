"""How a planner evaluates by default, and how it stands in for a policy."""

from __future__ import annotations

import numpy as np
from searching import plan_numbers
from small_models import Chain, NoisyRewards, ValuedChain

from mcts_service import MCTS, Budget, SearchConfig

SMALL = Budget(simulations=200)


def test_auto_values_leaves_where_the_model_can() -> None:
    auto = MCTS(ValuedChain()).plan(0, SMALL, seed=1)
    value = MCTS(ValuedChain(), SearchConfig(evaluation="value")).plan(0, SMALL, seed=1)
    rollout = MCTS(ValuedChain(), SearchConfig(evaluation="rollout")).plan(0, SMALL, seed=1)
    assert plan_numbers(auto) == plan_numbers(value) != plan_numbers(rollout)
    chain = MCTS(Chain(), SearchConfig(backup="mean")).plan(0, SMALL, seed=1)
    assert plan_numbers(chain) == plan_numbers(
        MCTS(Chain(), SearchConfig(evaluation="rollout")).plan(0, SMALL, seed=1)
    )


def test_action_is_that_of_a_plan_with_the_default_budget() -> None:
    class Brief(Chain):
        default_simulations = 20

    assert MCTS(Brief(), seed=3).action(0) == MCTS(Brief()).plan(0, seed=3).action
    assert MCTS(Brief()).plan(0).simulations == 20
    assert MCTS(Chain()).plan(0).simulations == 1000


def test_action_draws_its_seed_from_the_generator() -> None:
    class Brief(NoisyRewards):
        default_simulations = 2

    planner = MCTS(Brief())
    draws = [
        [planner.action(0, rng) for _ in range(20)]
        for rng in (np.random.default_rng(1), np.random.default_rng(1))
    ]
    assert draws[0] == draws[1]
    assert set(draws[0]) > {draws[0][0]}

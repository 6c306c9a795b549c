"""The pole is balanced: Gymnasium's own environment, our native model of it."""

from __future__ import annotations

import gymnasium
import numpy as np

from mcts_service import MCTS, Budget
from mcts_service.models import make

EPISODES = 20


def test_cart_pole_stays_up_for_500_steps() -> None:
    planner = MCTS(make("cart_pole"))
    steps = [play(planner, seed) for seed in range(EPISODES)]
    assert steps == [500] * EPISODES


def play(planner: MCTS, seed: int) -> int:
    environment = gymnasium.make("CartPole-v1")
    observation, _ = environment.reset(seed=seed)
    for step in range(1, 501):
        plan = planner.plan(observation.astype(np.float64), Budget(simulations=200), seed=step)
        observation, _, terminated, truncated, _ = environment.step(plan.action)
        if terminated or truncated:
            break
    environment.close()
    return step

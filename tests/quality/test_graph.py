"""Shared nodes with Bellman backups where plain UCT is weak: Gymnasium steps, we plan.

Seeds are fixed and plans repeat bit for bit, so a run gives the same returns every time; the
standard error says how far another choice of seeds could have moved them.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.models import make

GRAPH = SearchConfig.preset("graph", max_depth=100)


class Sampled:
    """A table of which the planner may see samples only."""

    def __init__(self, name: str) -> None:
        self.table = make(name)
        self.num_actions, self.discount = self.table.num_actions, self.table.discount

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        outcomes = self.table.transitions(state, action)
        drawn = rng.random() if len(outcomes) > 1 else 0.0
        for outcome in outcomes:
            drawn -= outcome[0]
            if drawn < 0:
                break
        return outcome[1:]


def returns(
    model: Any, environment_id: str, simulations: int, episodes: int, limit: int
) -> np.ndarray:
    planner = MCTS(model, GRAPH)
    environment = gymnasium.make(environment_id, max_episode_steps=limit)
    budget, found = Budget(simulations=simulations), []
    for episode in range(episodes):
        state, _ = environment.reset(seed=episode)
        total, over = 0.0, False
        while not over:
            action = planner.plan(int(state), budget, seed=episode).action
            state, reward, terminated, truncated, _ = environment.step(action)
            total += float(reward)
            over = terminated or truncated
        found.append(total)
    environment.close()
    return np.array(found)


@pytest.mark.parametrize(("simulations", "least"), [(100, 0.65), (300, 0.72)])
def test_frozen_lake_from_its_table(simulations: int, least: float) -> None:
    """The best possible is 0.744; standard error 0.013."""
    found = returns(make("frozen_lake_4x4"), "FrozenLake-v1", simulations, 1_200, 100)
    assert found.mean() >= least, found.mean()


def test_frozen_lake_from_samples() -> None:
    """The aim is 0.68 at 300 simulations; over so few episodes the standard error is 0.05."""
    found = returns(Sampled("frozen_lake_4x4"), "FrozenLake-v1", 300, 80, 100)
    assert found.mean() >= 0.68 - 2 * 0.05, found.mean()


def test_cliff_walking_is_walked_perfectly() -> None:
    assert returns(make("cliff_walking"), "CliffWalking-v1", 1_000, 1, 100) == [-13]


def test_taxi_drives_within_half_a_point_of_the_best() -> None:
    """The best return of every start is what the table's exact values say."""
    model, episodes = make("taxi"), 40
    found = returns(model, "Taxi-v4", 3_000, episodes, 200)
    best = best_returns(model)
    environment = gymnasium.make("Taxi-v4")
    starts = [int(environment.reset(seed=episode)[0]) for episode in range(episodes)]
    environment.close()
    assert found.mean() >= best[starts].mean() - 0.5


def best_returns(model: Any) -> np.ndarray:
    """Undiscounted, by value iteration over a deterministic table: a taxi's trip ends."""
    values = np.zeros(model.num_states)
    for _ in range(200):
        values = np.array(
            [
                0.0 if model.is_terminal(state) else max(worth(model, values, state, action)
                for action in range(model.num_actions))
                for state in range(model.num_states)
            ]
        )  # fmt: skip
    return values


def worth(model: Any, values: np.ndarray, state: int, action: int) -> float:
    [(_, following, reward, terminated)] = model.transitions(state, action)
    return float(reward + (0.0 if terminated else values[following]))

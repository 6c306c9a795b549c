"""Values are scaled to the range seen: the unit of the rewards changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from searching import plan_numbers, scaled_numbers
from small_models import NoisyRewards

from mcts_service import MCTS, Budget
from mcts_service.models import TabularModel


@pytest.mark.parametrize("factor", [1024.0, 2.0**-40, 2.0**80])
@pytest.mark.parametrize("seed", range(3))
def test_unit_of_the_rewards_does_not_matter(seed: int, factor: float) -> None:
    class InOtherUnits(NoisyRewards):
        def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
            following, reward, terminated = super().sample(state, action, rng)
            return following, reward * factor, terminated

    budget = Budget(simulations=2000)
    plain = MCTS(NoisyRewards()).plan(0, budget, seed=seed)
    other = MCTS(InOtherUnits()).plan(0, budget, seed=seed)
    assert plan_numbers(other) == scaled_numbers(plain, factor)


def test_unit_of_a_table_s_rewards_does_not_matter() -> None:
    def table(factor: float) -> TabularModel:
        return TabularModel.from_transitions(
            [
                [[(0.5, 1, 0.3 * factor, False), (0.5, 0, 0.1 * factor, False)]] * 2,
                [[(1.0, 0, -0.7 * factor, False)], [(1.0, 1, 0.2 * factor, True)]],
            ],
            discount=0.9,
        )

    plain = MCTS(table(1.0)).plan(0, Budget(simulations=2000), seed=1)
    other = MCTS(table(1024.0)).plan(0, Budget(simulations=2000), seed=1)
    assert plan_numbers(other) == scaled_numbers(plain, 1024.0)

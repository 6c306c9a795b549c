"""Models that plan: a planner is a policy, and a model may ask one."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from small_models import Chain, ValuedChain

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import ModelFault
from mcts_service.planning import Plan

BRIEF = Budget(simulations=5)


class PlanningOpponent(Chain):
    """A chain in which every step is answered by another planner's."""

    def __init__(self, opponent: MCTS) -> None:
        self.opponent = opponent

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        following, reward, terminated = super().sample(state, action, rng)
        if terminated:
            return following, reward, terminated
        answer = self.opponent.plan(-following, BRIEF, seed=int(rng.integers(100))).action
        following -= answer
        return following, float(following == 5), following in (5, -5)


def test_model_may_plan_with_another_planner() -> None:
    planner = MCTS(
        PlanningOpponent(MCTS(Chain(), SearchConfig.preset("uct"))), SearchConfig(max_depth=5)
    )
    first = planner.plan(0, Budget(simulations=50), seed=1)
    again = planner.plan(0, Budget(simulations=50), seed=1)
    assert first.actions == again.actions
    assert first.simulations == 50


def test_models_may_plan_three_deep() -> None:
    inner = MCTS(
        PlanningOpponent(MCTS(ValuedChain(), SearchConfig.preset("uct"))), SearchConfig(max_depth=3)
    )
    outer = MCTS(PlanningOpponent(inner), SearchConfig(max_depth=3))
    assert outer.plan(0, Budget(simulations=10)).simulations == 10


class SelfPlaying(Chain):
    """A chain whose rollouts are played by short plans of the very planner that searches it."""

    planner: MCTS
    inside = 0

    def rollout_action(self, state: int, rng: Any) -> int:
        if self.inside:
            return int(rng.integers(2))
        self.inside += 1
        try:
            return int(self.planner.plan(state, BRIEF, seed=int(rng.integers(100))).action)
        finally:
            self.inside -= 1


def test_model_may_plan_with_its_own_planner() -> None:
    model = SelfPlaying()
    model.planner = MCTS(model, SearchConfig(max_depth=4))
    plans: list[Plan] = []

    def plan_twice() -> None:
        for _ in range(2):
            plans.append(model.planner.plan(0, Budget(simulations=50), seed=1))

    # In a thread of its own, so that a planner which waits for itself fails and does not hang.
    thread = threading.Thread(target=plan_twice, daemon=True)
    thread.start()
    thread.join(timeout=30)
    first, again = plans
    assert first.actions == again.actions
    assert first.simulations == 50


def test_fault_of_the_inner_model_is_a_fault_of_the_outer() -> None:
    class Broken(Chain):
        def sample(self, state: int, action: int, rng: Any) -> Any:
            raise ValueError("deep inside")

    planner = MCTS(
        PlanningOpponent(MCTS(Broken(), SearchConfig.preset("uct"))), SearchConfig(max_depth=5)
    )
    with pytest.raises(ModelFault, match="sample raised ValueError: deep inside") as caught:
        planner.plan(0)
    assert isinstance(caught.value.__cause__, ModelFault)
    assert isinstance(caught.value.__cause__.__cause__, ValueError)

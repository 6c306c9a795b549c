"""Asserts that grid10 in C and in Python are one model: the same seed, the same plan."""

from __future__ import annotations

from models.grid10 import START, Grid10
from models.native_grid10 import NativeGrid10
from programs import Programs

from mcts_service.planning import MCTS, Budget, SearchConfig

__all__ = ["check_same_model"]

SIMULATIONS, HORIZON = 2_000, 50


def check_same_model(programs: Programs) -> None:
    """Raises AssertionError where a plan differs, whoever plays the rollouts."""
    plans = [
        MCTS(model, SearchConfig.preset("uct", prove=False)).plan(
            START, Budget(simulations=SIMULATIONS), horizon=HORIZON, seed=1
        )
        for model in (
            Grid10(),
            NativeGrid10(programs.grid10, own_rollout=True),
            NativeGrid10(programs.grid10, own_rollout=False),
        )
    ]
    for plan in plans[1:]:
        assert plan.actions == plans[0].actions, (plan.actions, plans[0].actions)

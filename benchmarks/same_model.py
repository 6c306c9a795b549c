"""Asserts that models which exist several times are one: the same seed, the same plan."""

from __future__ import annotations

from typing import Any

import numpy as np
from models.grid10 import FORMS
from models.latent import NumpyLatent, native_latent
from models.native_grids import native_grid10
from programs import Programs

from mcts_service.planning import MCTS, Budget, Plan, SearchConfig

__all__ = ["check_same_models"]

SIMULATIONS, HORIZON = 2_000, 50
ROWS, ROW_SIMULATIONS = 8, 50


def check_same_models(programs: Programs) -> None:
    """Raises AssertionError where a plan differs."""
    _check_grid10(programs)
    _check_latent(programs)


def _check_grid10(programs: Programs) -> None:
    """In C and in Python, whoever plays the rollouts and whatever the states are."""
    models = [FORMS[form]() for form in ("int", "tuple", "array")]
    models += [native_grid10(programs.grid10, own_rollout=own) for own in (True, False)]
    plans = [
        MCTS(model, SearchConfig.preset("uct", prove=False)).plan(
            model.initial_state(), Budget(simulations=SIMULATIONS), horizon=HORIZON, seed=1
        )
        for model in models
    ]
    for plan in plans[1:]:
        assert plan.actions == plans[0].actions, (plan.actions, plans[0].actions)


def _check_latent(programs: Programs) -> None:
    """In C and in NumPy, by each recipe that weighs priors."""
    models: tuple[Any, ...] = (native_latent(programs.latent), NumpyLatent(programs.latent))
    for preset in ("puct", "gumbel"):
        in_c, in_numpy = (
            MCTS(model, SearchConfig.preset(preset, early_stop=False)).plan_batch(
                np.arange(ROWS), Budget(simulations=ROW_SIMULATIONS), seeds=range(ROWS)
            )
            for model in models
        )
        for one, other in zip(in_c, in_numpy, strict=True):
            assert isinstance(one, Plan)
            assert isinstance(other, Plan)
            assert one.actions == other.actions, (one.actions, other.actions)

"""Functions that numba compiles, good ones and bad ones."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numba import types

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import ModelFault
from mcts_service.models import NativeModel

STATE, REWARDS = types.CPointer(types.int64), types.CPointer(types.float64)
SAMPLE = types.int32(
    *(types.voidptr, STATE, types.int64, types.voidptr, STATE, REWARDS),
    *(types.CPointer(types.int32), types.voidptr),
)


def good(ctx, state, action, rng, following, rewards, ended, seen):
    following[0] = state[0] + 1
    rewards[0] = 1.0
    ended[0] = 0
    return 0


def fails(ctx, state, action, rng, following, rewards, ended, seen):
    return -7


def leaves_reward_unset(ctx, state, action, rng, following, rewards, ended, seen):
    ended[0] = 0
    return 0


def leaves_terminated_unset(ctx, state, action, rng, following, rewards, ended, seen):
    rewards[0] = 1.0
    return 0


def raises(ctx, state, action, rng, following, rewards, ended, seen):
    if state[0] >= 0:
        raise ValueError("on purpose")
    return 0


def model_of(sample: Any, **more: Any) -> NativeModel[Any]:
    return NativeModel.from_functions(
        sample=numba.cfunc(SAMPLE)(sample), num_actions=2, state_dtype=np.int64, **more
    )


def test_a_cfunc_lives_as_long_as_its_model() -> None:
    config = SearchConfig.preset("uct")
    plan = MCTS(model_of(good), config).plan(0, Budget(simulations=20), horizon=10)
    assert plan.value == 10.0


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (fails, "^sample returned status -7$"),
        (leaves_reward_unset, "^sample: a reward .* or was not set"),
        (leaves_terminated_unset, "^sample: terminated is neither 0 nor 1, or was not set"),
        # What a cfunc that raised gives back is whatever lay there.
        (raises, "^sample"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_bad_cfunc_is_a_fault_of_the_model(sample: Any, message: str) -> None:
    model = model_of(sample)
    with pytest.raises(ModelFault, match=message):
        MCTS(model).plan(0, Budget(simulations=5))
    with pytest.raises(ModelFault, match=message):
        model.sample(0, 0, np.random.default_rng(0))

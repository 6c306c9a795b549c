"""The inventory of plain_python.py, compiled from Python by numba."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types

from mcts_service.models import NativeModel

__all__ = ["model"]

# `int sample(ctx, state, action, rng, next_state, rewards, terminated, observation)`. A stream
# begins with the address of its counter, so that rng[0][0] is the counter.
STREAM = types.CPointer(types.CPointer(types.uint64))
STOCK, REWARDS = types.CPointer(types.int64), types.CPointer(types.float64)
SAMPLE = types.int32(
    *(types.voidptr, STOCK, types.int64, STREAM, STOCK, REWARDS),
    *(types.CPointer(types.int32), types.voidptr),
)

# All of one type: numba makes a float64 of a uint64 and an int.
GAMMA, MIX_1, MIX_2 = map(np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
B11, B27, B30, B31 = map(np.uint64, (11, 27, 30, 31))


def random_double(rng: Any) -> float:
    """mcts_random_double of mcts_model.h: uniform in [0, 1)."""
    counter = rng[0]
    counter[0] += GAMMA
    z = counter[0]
    z = (z ^ (z >> B30)) * MIX_1
    z = (z ^ (z >> B27)) * MIX_2
    return float((z ^ (z >> B31)) >> B11) * 2.0**-53


draw = numba.njit(random_double)


def day(
    ctx: Any, state: Any, action: int, rng: Any, following: Any, rewards: Any, ended: Any, seen: Any
) -> int:
    stock = min(state[0] + action, 20)
    sold = min(int(draw(rng) * 10.0), stock)
    following[0] = stock - sold
    rewards[0] = 3.0 * sold - 1.0 * action - 0.25 * (stock - sold)
    ended[0] = 0
    return 0


def model() -> NativeModel[int]:
    """The model, as a planner takes it."""
    sample = numba.cfunc(SAMPLE)(day)
    return NativeModel.from_functions(
        sample=sample, num_actions=11, discount=0.95, state_dtype=np.int64, thread_safe=True
    )

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcts_service._core import ModelHandle, SplitMix64


@pytest.fixture
def assert_rolls_out_step_by_step() -> Callable[[ModelHandle, bytes, int, int], None]:
    """The model's own rollout draws and returns what one by `sample` alone does."""

    def check(handle: ModelHandle, state: bytes, max_steps: int, seed: int) -> None:
        def play(rollout: Callable[..., Any]) -> tuple[Any, int]:
            stream: Any = SplitMix64(seed)
            return rollout(state, max_steps, np.random.Generator(stream)), stream.counter

        assert play(handle.rollout) == play(handle.rollout_by_steps)

    return check

"""The search's own random streams, outside of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from mcts_service._core import RowGenerator, SeededRows, SplitMix64

__all__ = ["generator_of", "generator_of_rows"]


def generator_of(seed: int) -> np.random.Generator:
    """A generator that draws from the stream of that seed, as `sample` is handed one."""
    return np.random.Generator(cast("Any", SplitMix64(seed)))


def generator_of_rows(seeds: Sequence[int]) -> RowGenerator:
    """One whose row i draws from the stream of seeds[i], as `sample_batch` is handed one."""
    return SeededRows(seeds)

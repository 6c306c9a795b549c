"""Features of vectors by name, so that a file can name them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest

__all__ = ["FeatureFunction", "feature_function"]

#: states float64[N, D] -> float64[N, F], each row by itself.
FeatureFunction: TypeAlias = Callable[[np.ndarray], np.ndarray]


def _none(states: np.ndarray) -> np.ndarray:
    return states[:, :0]


def _quadratic(states: np.ndarray) -> np.ndarray:
    first, second = _pairs(states.shape[1])
    products: np.ndarray = states[:, first] * states[:, second]
    return products


@lru_cache(64)
def _pairs(size: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of components, each once. Kept, as making them takes longer than their products."""
    first, second = np.triu_indices(size)
    return first, second


def _trigonometric(states: np.ndarray) -> np.ndarray:
    return np.concatenate([np.sin(states), np.cos(states)], axis=1)


_BY_NAME: dict[str, FeatureFunction] = {
    "linear": _none,
    "quadratic": _quadratic,
    "trigonometric": _trigonometric,
}


def feature_function(features: str | FeatureFunction) -> FeatureFunction:
    """The function of a name, or the function itself.

    Args:
      features: "linear" (none beside the state), "quadratic" (products of two components, squares
        included), "trigonometric" (sine and cosine of each), or a function.
    Raises:
      InvalidRequest: there is none of that name.
    """
    if callable(features):
        return features
    if features not in _BY_NAME:
        raise InvalidRequest(
            "features", f"is {shown(features)}; must be a function or one of {', '.join(_BY_NAME)}"
        )
    return _BY_NAME[features]

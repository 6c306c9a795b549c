"""States that are no numbers, as JSON: texts, numbers, tuples of them, and arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest

__all__ = ["names_as_json", "names_of_json"]


def names_as_json(states: Iterable[Any]) -> list[Any]:
    """The states, with tuples as lists and arrays as {"dtype", "shape", "data"}.

    Raises:
      InvalidRequest: a state is something else.
    """
    return [_as_json(state, state) for state in states]


def names_of_json(values: Iterable[Any]) -> list[Any]:
    """The states of `names_as_json`."""
    return [_of_json(value) for value in values]


def _as_json(value: Any, state: Any) -> Any:
    if isinstance(value, tuple):
        return [_as_json(item, state) for item in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {
            "dtype": value.dtype.str,
            "shape": list(value.shape),
            "data": value.ravel().tolist(),
        }
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InvalidRequest(
        "model",
        f"has the state {shown(state)}; to be saved, states must be numbers, texts, tuples of them "
        "or arrays",
    )


def _of_json(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_of_json(item) for item in value)
    if isinstance(value, dict):
        return np.array(value["data"], np.dtype(value["dtype"])).reshape(value["shape"])
    return value

"""Checks of the arrays that a file holds, before a model is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["held", "require"]


def held(
    arrays: Mapping[str, np.ndarray], name: str, dtype: Any, shape: Sequence[int | None]
) -> np.ndarray:
    """An array of that name, type and shape, with finite numbers only.

    Args:
      arrays: of a file.
      shape: with None for a length that may be any from 1 on.
    Raises:
      KeyError: there is none of that name.
      ValueError: it is of another type or shape, or a number is not finite.
    """
    array = arrays[name]
    fits = len(array.shape) == len(shape) and all(
        found >= 1 if right is None else found == right
        for found, right in zip(array.shape, shape, strict=True)
    )
    expected = ", ".join("any" if length is None else str(length) for length in shape)
    require(
        array.dtype == dtype and fits,
        name,
        f"is {array.dtype}{list(array.shape)}; must be {np.dtype(dtype)}[{expected}]",
    )
    require(bool(np.isfinite(array).all()), name, "has a number that is not finite")
    return array


def require(holds: bool | np.bool_, name: str, problem: str) -> None:
    """Raises ValueError, with the problem of what has that name, unless it holds."""
    if not holds:
        raise ValueError(f"{name} {problem}")

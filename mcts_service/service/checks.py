"""Checks of single values, each with the one wording of what would be right."""

from __future__ import annotations

import math
import reprlib
from typing import Any

from mcts_service.errors import InvalidRequest

__all__ = ["require_bool", "require_integer", "require_number", "require_text", "shown"]

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 80


def shown(value: Any) -> str:
    """The value as an error message quotes it: its repr, cut to a readable length."""
    return _repr.repr(value)


def require_integer(field: str, value: Any, low: int, high: int) -> None:
    """Raises InvalidRequest unless `value` is an int (not a bool) from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidRequest(field, f"is {shown(value)}; must be an integer from {low} to {high}")


def require_number(field: str, value: Any, low: float, high: float) -> None:
    """Raises InvalidRequest unless `value` is a finite number from `low` to `high`."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        raise InvalidRequest(
            field, f"is {shown(value)}; must be a number from {low:.15g} to {high:.15g}"
        )


def require_text(field: str, value: Any) -> None:
    """Raises InvalidRequest unless `value` is a str that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidRequest(field, f"is {shown(value)}; must be a text that is not empty")


def require_bool(field: str, value: Any) -> None:
    """Raises InvalidRequest unless `value` is True or False."""
    if not isinstance(value, bool):
        raise InvalidRequest(field, f"is {shown(value)}; must be true or false")

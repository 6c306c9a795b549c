"""Checks of single values, each with the one wording of what would be right."""

from __future__ import annotations

import math
import reprlib
from numbers import Integral, Real
from typing import Any

from mcts_service.errors import InvalidRequest

__all__ = [
    "require_bool",
    "require_bounds",
    "require_integer",
    "require_number",
    "require_text",
    "shown",
]

#: The core takes no larger numbers.
MAX_RETURN = 1e140


class _Repr(reprlib.Repr):
    def repr_int(self, value: int, level: int) -> str:
        # Python refuses to write out integers of thousands of digits.
        if abs(value) >= 10**self.maxlong:
            return f"an integer of {value.bit_length()} bits"
        return super().repr_int(value, level)


_repr = _Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 80


def shown(value: Any) -> str:
    """The value as an error message quotes it: its repr, cut to a readable length."""
    return _repr.repr(value)


def require_integer(field: str, value: Any, low: int, high: int) -> int:
    """The value as an int.

    Raises:
      InvalidRequest: it is not an integer (NumPy's included, bools not) from `low` to `high`.
    """
    # First what nearly every value is: to ask an abstract class takes ten times as long.
    if type(value) is int and low <= value <= high:
        return value
    if isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) <= high:
        return int(value)
    raise InvalidRequest(field, f"is {shown(value)}; must be an integer from {low} to {high}")


def require_number(field: str, value: Any, low: float, high: float) -> float:
    """The value as a float.

    Raises:
      InvalidRequest: it is not a finite number (NumPy's included, bools not) from `low` to
        `high`.
    """
    number = _as_float(value)
    if math.isfinite(number) and low <= number <= high:
        return number
    if high == math.inf:
        right = f"a finite number >= {low:.15g}"
    else:
        right = f"a number from {low:.15g} to {high:.15g}"
    raise InvalidRequest(field, f"is {shown(value)}; must be {right}")


def _as_float(value: Any) -> float:
    """NaN for what is no number, and for an int beyond every float."""
    if type(value) is float:
        return value
    if not isinstance(value, Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def require_text(field: str, value: Any) -> None:
    """Raises InvalidRequest unless `value` is a str that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidRequest(field, f"is {shown(value)}; must be a text that is not empty")


def require_bounds(field: str, value: Any) -> tuple[float, float]:
    """The least and the greatest return; both 0 where `value` is None: not known.

    Raises:
      InvalidRequest: it is no pair of finite numbers, the lesser first.
    """
    if value is None:
        return 0.0, 0.0
    try:
        low, high = value
    except (TypeError, ValueError):
        raise InvalidRequest(
            field, f"is {shown(value)}; must be the least and the greatest return"
        ) from None
    least = require_number(f"{field}[0]", low, -MAX_RETURN, MAX_RETURN)
    return least, require_number(f"{field}[1]", high, least, MAX_RETURN)


def require_bool(field: str, value: Any) -> None:
    """Raises InvalidRequest unless `value` is True or False."""
    if not isinstance(value, bool):
        raise InvalidRequest(field, f"is {shown(value)}; must be true or false")

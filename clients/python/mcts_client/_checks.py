"""Checks of single arguments: that a message can hold them. The server judges the rest."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from mcts_client.errors import InvalidRequest

__all__ = [
    "INT32",
    "INT64",
    "MAX_SECONDS",
    "UINT64",
    "boolean",
    "integer",
    "integer_from",
    "number",
    "shown",
    "text",
    "timeout",
]

INT32 = np.iinfo(np.int32)
INT64 = np.iinfo(np.int64)
UINT64 = np.iinfo(np.uint64)
#: The greatest duration that protobuf has: 10,000 years.
MAX_SECONDS = 315_576_000_000.0


class _BriefRepr(reprlib.Repr):
    """Cuts long values; Python itself refuses to spell out integers of thousands of digits."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 80

    def repr_int(self, value: int, level: int) -> str:
        bits = value.bit_length()
        return repr(value) if bits <= 256 else f"an integer of {bits} bits"


_repr = _BriefRepr()


def shown(value: Any) -> str:
    """The value as an error message quotes it: its repr, cut to a readable length."""
    return _repr.repr(value)


def text(field: str, value: Any) -> str:
    """`value`, a str of Unicode text.

    Raises:
      InvalidRequest: it is something else.
    """
    if not isinstance(value, str):
        raise InvalidRequest.of_field(field, f"is {shown(value)}; must be a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest.of_field(field, f"is {shown(value)}; must be Unicode text") from error
    return value


def integer(field: str, value: Any, limits: np.iinfo[Any]) -> int | None:
    """`value` as an int within the limits of its field, or None.

    Raises:
      InvalidRequest: it is something else.
    """
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise InvalidRequest.of_field(field, f"is {shown(value)}; must be an integer")
    if not limits.min <= value <= limits.max:
        raise InvalidRequest.of_field(
            field, f"is {shown(value)}; must be an integer from {limits.min} to {limits.max}"
        )
    return int(value)


def integer_from(field: str, value: Any, low: int, high: int) -> int:
    """`value` as an int from `low` to `high`.

    Raises:
      InvalidRequest: it is something else.
    """
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_integer or not low <= value <= high:
        raise InvalidRequest.of_field(
            field, f"is {shown(value)}; must be an integer from {low} to {high}"
        )
    return int(value)


def boolean(field: str, value: Any) -> bool | None:
    """`value` as a bool, or None.

    Raises:
      InvalidRequest: it is something else.
    """
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    raise InvalidRequest.of_field(field, f"is {shown(value)}; must be True or False")


def number(field: str, value: Any) -> float | None:
    """`value` as a float, or None.

    Raises:
      InvalidRequest: it is something else.
    """
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise InvalidRequest.of_field(field, f"is {shown(value)}; must be a number")
    try:
        return float(value)
    except OverflowError as error:
        raise InvalidRequest.of_field(field, f"is {shown(value)}; is too large") from error


def timeout(value: Any) -> float | None:
    """`value` as seconds above zero, or None.

    Raises:
      InvalidRequest: it is something else.
    """
    seconds = number("timeout", value)
    if seconds is not None and not 0 < seconds <= MAX_SECONDS:
        raise InvalidRequest.of_field("timeout", f"is {shown(value)}; must be seconds above 0")
    return seconds

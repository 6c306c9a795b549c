"""Reads a value of JSON by an example: a state of the same form, in Python's types."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest

__all__ = ["like_example"]


def like_example(example: Any, value: Any, field: str) -> Any:
    """The value with the types that the example has where JSON has only one.

    An example asks for its own form, part by part:

        None             anything; lists become tuples, which are hashable
        bool, str        the same
        int              a number; an int where it has no fraction
        float            a number, as a float
        tuple            a list of that length, as a tuple; of any length if it is empty
        list             a list of any length, each element like the first
        dict             an object with any keys, values like those of the same key

    Args:
      example: a state of the model.
      value: None, bool, int, float, str, list or dict, as json.loads gives them.
      field: where the value stands in the request.
    Raises:
      InvalidRequest: the value has another form.
    """
    form = _form(example)
    if form is not None and _form(value) != form:
        raise InvalidRequest(field, f"is {shown(value)}; must be {form}, such as {shown(example)}")
    if isinstance(value, list):
        return _sequence(example, value, field)
    if isinstance(value, dict):
        known = example if isinstance(example, dict) else {}
        return {
            key: like_example(known.get(key), item, f"{field}.{key}") for key, item in value.items()
        }
    if form == "a number" and isinstance(example, (float, np.floating)):
        return float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _sequence(example: Any, value: list[Any], field: str) -> list[Any] | tuple[Any, ...]:
    if isinstance(example, tuple) and example:
        if len(value) != len(example):
            raise InvalidRequest(
                field,
                f"has {len(value)} elements; must have {len(example)}, such as {shown(example)}",
            )
        examples = list(example)
    else:
        examples = [example[0] if example else None] * len(value)
    items = [
        like_example(one, item, f"{field}[{position}]")
        for position, (one, item) in enumerate(zip(examples, value, strict=True))
    ]
    return items if isinstance(example, list) else tuple(items)


def _form(value: Any) -> str | None:
    """What JSON would call it; None for null, which asks for nothing."""
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "an object" if isinstance(value, dict) else "a number"

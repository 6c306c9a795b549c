"""The labels of a model's actions as they travel: as JSON, or as bytes by the model's own codec."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest

__all__ = ["LABEL_FORM", "label_encoder", "label_from_json", "label_kind"]

#: What JSON can hold, and a label be.
LABEL_FORM = "a string, a finite number, true, false, null or a list of those"

#: Integers beyond this have no exact double, which is what a number of JSON is on the wire.
_MAX_EXACT_INTEGER = 2**53
#: Protobuf's parsers stop at 100 messages inside each other; a list takes two.
_MAX_DEPTH = 32


def label_kind(model: Any) -> Literal["json", "opaque"]:
    """How the labels of a model travel."""
    own = (getattr(model, name, None) for name in ("encode_action", "decode_action"))
    return "opaque" if all(callable(function) for function in own) else "json"


def label_encoder(model: Any, kind: str) -> Callable[[Any], Any]:
    """A function from a label to what travels: bytes, or what JSON holds, its tuples as lists.

    It raises ValueError, with the reason, for a label that cannot travel; the model's own
    `encode_action` may raise anything.

    Args:
      kind: "json" or "opaque".
    """
    return _to_json if kind == "json" else lambda label: _to_bytes(model, label)


def label_from_json(value: Any, field: str) -> Any:
    """The label that a value of JSON means; a list means a tuple.

    Args:
      value: None, bool, int, float, str, list or dict, as json.loads gives them.
    Raises:
      InvalidRequest: it is an object, which is no label.
    """
    if isinstance(value, dict):
        raise InvalidRequest(field, f"is {shown(value)}; a label is {LABEL_FORM}")
    if isinstance(value, list):
        return tuple(label_from_json(item, f"{field}[{i}]") for i, item in enumerate(value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _to_json(label: Any, depth: int = _MAX_DEPTH) -> Any:
    if isinstance(label, np.generic):
        label = label.item()
    if isinstance(label, tuple):
        if depth == 0:
            raise ValueError(f"{shown(label)} has tuples in more than {_MAX_DEPTH} levels")
        return [_to_json(item, depth - 1) for item in label]
    if label is None or isinstance(label, bool):
        return label
    if isinstance(label, int):
        if abs(label) > _MAX_EXACT_INTEGER:
            raise ValueError(f"{shown(label)} is beyond ±2**53, where JSON is not exact")
        return int(label)
    if isinstance(label, float):
        if not math.isfinite(label):
            raise ValueError(f"{label} is no number of JSON")
        return float(label)
    if isinstance(label, str):
        try:
            return label.encode().decode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{shown(label)} is not Unicode text") from error
    raise ValueError(f"{shown(label)} is of type {type(label).__name__}, which JSON has not")


def _to_bytes(model: Any, label: Any) -> bytes:
    data = model.encode_action(label)
    if not isinstance(data, bytes):
        raise ValueError(f"encode_action gives {shown(data)} for {shown(label)}; must be bytes")
    return data

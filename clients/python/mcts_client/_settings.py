"""Limits and settings of a search, from Python arguments to messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration

from mcts_client import _checks
from mcts_client._checks import INT32, INT64, MAX_SECONDS, shown
from mcts_client._enums import wire_name
from mcts_client.errors import InvalidRequest
from mcts_client.settings import SearchSettings
from mcts_service.v1 import planner_pb2

__all__ = ["budget", "duration", "own_timeout", "search_options"]

_FIELDS: Any = planner_pb2.SearchOptions.DESCRIPTOR.fields_by_name
#: What checks a setting, by the type of its field.
_CHECKS: dict[int, Callable[[str, Any], Any]] = {
    FieldDescriptor.TYPE_BOOL: _checks.boolean,
    FieldDescriptor.TYPE_DOUBLE: _checks.number,
    FieldDescriptor.TYPE_ENUM: wire_name,
    FieldDescriptor.TYPE_INT32: partial(_checks.integer, limits=INT32),
    FieldDescriptor.TYPE_STRING: _checks.text,
}


def budget(
    simulations: int | None, time_limit: float | None, max_bytes: int | None
) -> planner_pb2.Budget:
    """The limits of a plan; None leaves one absent."""
    return planner_pb2.Budget(
        simulations=_checks.integer("simulations", simulations, INT64),
        time_limit=duration("time_limit", time_limit),
        max_bytes=_checks.integer("max_bytes", max_bytes, INT64),
    )


def search_options(settings: SearchSettings) -> planner_pb2.SearchOptions:
    """How to search; None leaves a setting absent.

    Raises:
      InvalidRequest: a setting is of the wrong type, or no word that it may be.
      TypeError: there is no such setting.
    """
    unknown = settings.keys() - _FIELDS.keys()
    if unknown:
        raise TypeError(f"got an unexpected keyword argument {min(unknown)!r}")
    return planner_pb2.SearchOptions(
        **{
            field: _CHECKS[_FIELDS[field].type](field, value)
            for field, value in settings.items()
            if value is not None
        }
    )


def own_timeout(time_limit: float | None) -> float | None:
    """The deadline that never cuts a search of that time limit, in seconds; None: none."""
    return 1.25 * time_limit + 1 if time_limit is not None and time_limit > 0 else None


def duration(name: str, value: Any) -> Duration | None:
    """A length of time of that name, from seconds; None leaves it absent.

    Raises:
      InvalidRequest: it is no number, or no message can hold it.
    """
    seconds = _checks.number(name, value)
    if seconds is None:
        return None
    if not abs(seconds) <= MAX_SECONDS:
        raise InvalidRequest.of_field(name, f"is {shown(value)}; must be seconds above 0")
    message = Duration()
    # Rounded up: a limit above zero must not become zero, which the server refuses.
    message.FromNanoseconds(math.ceil(seconds * 1e9))
    return message

"""The settings of a search: messages of the wire and `SearchConfig`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mcts_service.errors import InvalidRequest
from mcts_service.planning import SearchConfig
from mcts_service.planning.config import CHOICES
from mcts_service.service.search_changes import changed_search
from mcts_service.service.violations import Violations
from mcts_service.v1 import planner_pb2

__all__ = ["options_message", "search_config"]

_FIELDS: Any = planner_pb2.SearchOptions.DESCRIPTOR.fields_by_name
#: For each setting that is one of a few words, the wire's names by number. Without the one of 0,
#: which means that a request sets none.
_NAMES: dict[str, dict[int, str]] = {
    field: {value.number: value.name for value in _FIELDS[field].enum_type.values[1:]}
    for field in CHOICES
}


def options_message(config: SearchConfig) -> planner_pb2.SearchOptions:
    """All settings of a search, as the wire has them; what is None is absent."""
    settings = {field.name: getattr(config, field.name) for field in fields(config)}
    for field in CHOICES:
        settings[field] = _prefix(field) + settings[field].upper()
    return planner_pb2.SearchOptions(**settings)


def search_config(options: planner_pb2.SearchOptions, default: SearchConfig) -> SearchConfig:
    """The model's default search with the changes that a request asks for.

    The preset comes first, what is set beside it after.

    Raises:
      InvalidRequest: with every wrong field.
    """
    violations = Violations()
    changes: dict[str, Any] = {}
    for descriptor, value in options.ListFields():
        with violations.collected():
            field = descriptor.name
            changes[field] = _word(field, value) if field in CHOICES else value
    preset = changes.pop("preset", None)
    config = default
    with violations.collected():
        config = changed_search(default, preset, changes)
    violations.raise_if_any()
    return config


def _word(field: str, number: int) -> str:
    """What `SearchConfig` calls a member of an enum, which may be of a later contract."""
    names = _NAMES[field]
    if number not in names:
        raise InvalidRequest(field, f"is {number}; must be one of {', '.join(names.values())}")
    return names[number].removeprefix(_prefix(field)).lower()


def _prefix(field: str) -> str:
    """What the names of an enum start with: "EVALUATION_"."""
    return f"{field.upper()}_"

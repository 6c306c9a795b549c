"""The settings of a search: messages of the wire and `SearchConfig`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mcts_service.errors import InvalidRequest
from mcts_service.planning import SearchConfig
from mcts_service.service.violations import Violations
from mcts_service.v1 import planner_pb2

__all__ = ["options_message", "search_config"]

_NUMBERS = ("exploration", "max_depth", "in_flight", "discount", "prove")
#: The settings that are one of a few words, with the wire's names of them.
_ENUMS: dict[str, Any] = {
    "evaluation": planner_pb2.Evaluation,
    "backup": planner_pb2.Backup,
    "sharing": planner_pb2.Sharing,
    "outcome_key": planner_pb2.OutcomeKey,
}


def options_message(config: SearchConfig) -> planner_pb2.SearchOptions:
    """All settings of a search, as the wire has them."""
    options = planner_pb2.SearchOptions()
    for field in _NUMBERS:
        if getattr(config, field) is not None:
            setattr(options, field, getattr(config, field))
    for field, enum in _ENUMS.items():
        setattr(options, field, enum.Value(_prefix(field) + getattr(config, field).upper()))
    return options


def search_config(options: planner_pb2.SearchOptions, default: SearchConfig) -> SearchConfig:
    """The model's default search with the changes that a request asks for.

    The preset comes first, what is set beside it after.

    Raises:
      InvalidRequest: with every wrong field.
    """
    violations = Violations()
    config = default
    with violations.collected():
        config = _algorithm(options, default)
    for field in _NUMBERS:
        with violations.collected():
            if options.HasField(field):
                config = replace(config, **{field: getattr(options, field)})
    violations.raise_if_any()
    return config


def _algorithm(options: planner_pb2.SearchOptions, config: SearchConfig) -> SearchConfig:
    """The settings that only some combinations of go together, all changed at once."""
    violations = Violations()
    words: dict[str, Any] = {}
    with violations.collected():
        if options.preset:
            config = config.with_preset(options.preset)
    for field in _ENUMS:
        with violations.collected():
            # The unspecified one.
            if getattr(options, field) != 0:
                words[field] = _word(field, getattr(options, field))
    violations.raise_if_any()
    return replace(config, **words)


def _word(field: str, number: int) -> str:
    """What `SearchConfig` calls a member of an enum, which may be of a later contract."""
    names: dict[int, str] = {known: name for name, known in _ENUMS[field].items() if known != 0}
    if number not in names:
        raise InvalidRequest(field, f"is {number}; must be one of {', '.join(names.values())}")
    return names[number].removeprefix(_prefix(field)).lower()


def _prefix(field: str) -> str:
    """What the names of an enum start with: "EVALUATION_"."""
    return f"{field.upper()}_"

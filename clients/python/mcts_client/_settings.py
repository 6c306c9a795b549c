"""Limits and settings of a search, from Python arguments to messages."""

from __future__ import annotations

import math
from typing import Any

from google.protobuf.duration_pb2 import Duration

from mcts_client import _checks
from mcts_client._checks import INT32, INT64, MAX_SECONDS, shown
from mcts_client._enums import wire_name
from mcts_client.errors import InvalidRequest
from mcts_service.v1 import planner_pb2

__all__ = ["budget", "own_timeout", "search_options"]


def budget(
    simulations: int | None, time_limit: float | None, max_bytes: int | None
) -> planner_pb2.Budget:
    """The limits of a plan; None leaves one absent."""
    return planner_pb2.Budget(
        simulations=_checks.integer("simulations", simulations, INT64),
        time_limit=_duration("time_limit", time_limit),
        max_bytes=_checks.integer("max_bytes", max_bytes, INT64),
    )


def search_options(
    exploration: float | None,
    max_depth: int | None,
    evaluation: str | None,
    backup: str | None,
    sharing: str | None,
    outcome_key: str | None,
    prove: bool | None,
    in_flight: int | None,
    discount: float | None,
    preset: str | None,
) -> planner_pb2.SearchOptions:
    """How to search; None leaves a setting absent."""
    options = planner_pb2.SearchOptions(
        exploration=_checks.number("exploration", exploration),
        max_depth=_checks.integer("max_depth", max_depth, INT32),
        evaluation=wire_name("evaluation", evaluation),
        backup=wire_name("backup", backup),
        sharing=wire_name("sharing", sharing),
        outcome_key=wire_name("outcome_key", outcome_key),
        in_flight=_checks.integer("in_flight", in_flight, INT32),
        discount=_checks.number("discount", discount),
        preset=None if preset is None else _checks.text("preset", preset),
    )
    checked = _checks.boolean("prove", prove)
    if checked is not None:
        options.prove = checked
    return options


def own_timeout(time_limit: float | None) -> float | None:
    """The deadline that never cuts a search of that time limit, in seconds; None: none."""
    return 1.25 * time_limit + 1 if time_limit is not None and time_limit > 0 else None


def _duration(name: str, value: Any) -> Duration | None:
    seconds = _checks.number(name, value)
    if seconds is None:
        return None
    if not abs(seconds) <= MAX_SECONDS:
        raise InvalidRequest.of_field(name, f"is {shown(value)}; must be seconds above 0")
    duration = Duration()
    # Rounded up: a limit above zero must not become zero, which the server refuses.
    duration.FromNanoseconds(math.ceil(seconds * 1e9))
    return duration

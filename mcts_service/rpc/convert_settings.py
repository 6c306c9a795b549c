"""What a request for one plan and one for many have in common: everything but the states."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mcts_service.checks import require_integer
from mcts_service.errors import InvalidRequest
from mcts_service.rpc.convert_options import search_config
from mcts_service.rpc.durations import seconds
from mcts_service.service.admission import GREATEST_PRIORITY
from mcts_service.service.entry import ModelEntry
from mcts_service.service.violations import Violations
from mcts_service.v1 import planner_pb2

__all__ = ["read_name", "read_settings"]

#: Of a caller's own names. They are kept, and one goes into the response and the log, so a megabyte
#: is refused.
MAX_NAME = 256
MAX_HORIZON = 2**31 - 1

#: Settings that are kept, and the longest of them.
_MAX_KEPT, _MAX_KEPT_BYTES = 256, 1024


def read_settings(
    request: planner_pb2.PlanRequest | planner_pb2.PlanBatchRequest,
    entry: ModelEntry,
    violations: Violations,
    *,
    received: float,
    time_remaining: float | None,
    caller: str = "",
    rows: int = 1,
) -> dict[str, Any]:
    """The fields of a `Query`.

    Args:
      entry: the model that the request names.
      violations: takes what is wrong with them; what is read is then not complete.
      received: when the request came, in seconds of time.monotonic().
      time_remaining: seconds until the caller's deadline, None without one.
      caller: who asks.
      rows: states to plan.
    Raises:
      BudgetTooLarge: the budget exceeds what the model allows.
    """
    fields: dict[str, Any] = {
        "model": entry,
        "caller": caller,
        "received": received,
        "reply_by": None if time_remaining is None else received + time_remaining,
    }
    options, budget = request.options.SerializeToString(), request.budget.SerializeToString()
    horizon = request.horizon if request.HasField("horizon") else None
    is_short = len(options) + len(budget) <= _MAX_KEPT_BYTES
    read = _kept_settings if is_short else _kept_settings.__wrapped__
    with violations.collected():
        fields |= read(entry, options, budget, horizon, rows)
    if request.priority:
        with violations.collected():
            fields["priority"] = require_integer(
                "priority", request.priority, -GREATEST_PRIORITY, GREATEST_PRIORITY
            )
    if request.request_id:
        with violations.collected():
            fields["request_id"] = read_name("request_id", request.request_id)
    return fields


# Most requests say the same as one before, and to read it again would take longer than a short
# search.
@lru_cache(_MAX_KEPT)
def _kept_settings(
    entry: ModelEntry, options: bytes, budget: bytes, horizon: int | None, rows: int
) -> dict[str, Any]:
    """The fields of a `Query` that follow from these alone; not to be changed.

    Args:
      options, budget: messages, as bytes.
    Raises:
      InvalidRequest: with every wrong field.
      BudgetTooLarge: as `read_settings`.
    """
    violations = Violations()
    fields: dict[str, Any] = {}
    with violations.collected("options."):
        message = planner_pb2.SearchOptions.FromString(options)
        fields["config"] = search_config(message, entry.config)
    if horizon is not None:
        with violations.collected():
            fields["horizon"] = require_integer("horizon", horizon, 1, MAX_HORIZON)
    with violations.collected():
        limits = _budget(planner_pb2.Budget.FromString(budget))
        fields["budget"] = entry.limits.admit(**limits, rows=rows)
    violations.raise_if_any()
    return fields


def _budget(budget: planner_pb2.Budget) -> dict[str, Any]:
    """The fields that a budget sets, as the arguments of `BudgetLimits.admit`."""
    fields: dict[str, Any] = {}
    if budget.HasField("simulations"):
        fields["simulations"] = budget.simulations
    if budget.HasField("time_limit"):
        fields["time_limit"] = seconds(budget.time_limit, "budget.time_limit")
    if budget.HasField("max_bytes"):
        fields["max_bytes"] = budget.max_bytes
    return fields


def read_name(field: str, text: str) -> str:
    """A name that a caller has given to something of its own.

    Raises:
      InvalidRequest: it is too long.
    """
    if len(text) > MAX_NAME:
        raise InvalidRequest(field, f"has {len(text)} characters; at most {MAX_NAME} are kept")
    return text

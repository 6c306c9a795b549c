"""A request for a plan, and its answer: messages of the wire and the service's own types."""

from __future__ import annotations

import math
from typing import Any

from google.protobuf.duration_pb2 import Duration

from mcts_service.checks import require_integer
from mcts_service.errors import InvalidRequest
from mcts_service.planning import (
    ActionStatistics,
    PrincipalVariationStep,
    StopReason,
)
from mcts_service.rpc.convert_options import search_config
from mcts_service.rpc.convert_state import action_message, read_allowed_actions, state_reader
from mcts_service.service.entry import ModelEntry
from mcts_service.service.query import PlanOutcome, PlanQuery
from mcts_service.service.violations import Violations
from mcts_service.v1 import planner_pb2

__all__ = ["duration_message", "plan_query", "plan_response"]

#: It goes into the response and the log, so a megabyte is refused.
MAX_REQUEST_ID = 256
MAX_HORIZON = 2**31 - 1

_STOP_REASONS = {
    StopReason.SIMULATIONS: planner_pb2.STOP_REASON_SIMULATIONS,
    StopReason.TIME_LIMIT: planner_pb2.STOP_REASON_TIME_LIMIT,
    StopReason.MAX_BYTES: planner_pb2.STOP_REASON_MAX_BYTES,
    StopReason.CANCELLED: planner_pb2.STOP_REASON_CANCELLED,
    StopReason.SOLVED: planner_pb2.STOP_REASON_SOLVED,
}


def plan_query(
    request: planner_pb2.PlanRequest,
    entry: ModelEntry,
    *,
    received: float,
    time_remaining: float | None,
) -> PlanQuery:
    """Reads a request, as far as it can be without running code of the model.

    Args:
      entry: the model that the request names.
      received: when it came, in seconds of time.monotonic().
      time_remaining: seconds until the caller's deadline, None without one.
    Raises:
      InvalidRequest: with every wrong field.
      BudgetTooLarge: the budget exceeds what the model allows.
    """
    violations = Violations()
    query: dict[str, Any] = {}
    with violations.collected():
        query["read_state"] = state_reader(entry, request.state)
    with violations.collected("options."):
        query["config"] = search_config(request.options, entry.config)
    with violations.collected():
        if request.HasField("horizon"):
            require_integer("horizon", request.horizon, 1, MAX_HORIZON)
            query["horizon"] = request.horizon
    with violations.collected():
        if request.HasField("allowed_actions"):
            query["allowed_actions"] = read_allowed_actions(entry, request.allowed_actions)
    with violations.collected():
        query["request_id"] = _request_id(request.request_id)
    with violations.collected():
        query["budget"] = entry.limits.admit(**_budget(request.budget))
    violations.raise_if_any()
    return PlanQuery(
        model=entry,
        received=received,
        reply_by=None if time_remaining is None else received + time_remaining,
        seed=request.seed if request.HasField("seed") else None,
        **query,
    )


def plan_response(query: PlanQuery, outcome: PlanOutcome) -> planner_pb2.PlanResponse:
    """The answer to a request."""
    plan = outcome.plan
    return planner_pb2.PlanResponse(
        action=action_message(plan.action),
        value=plan.value,
        player_values=plan.player_values,
        actions=[_statistics(action) for action in plan.actions],
        principal_variation=[_step(step) for step in plan.principal_variation],
        simulations=plan.simulations,
        nodes=plan.nodes,
        depth=plan.depth,
        bytes=plan.bytes,
        recipe=plan.recipe,
        stop_reason=_STOP_REASONS[plan.stop_reason],
        queue_time=duration_message(outcome.queue_time),
        search_time=duration_message(plan.search_time),
        model=planner_pb2.ModelId(name=query.model.name, version=query.model.version),
        seed=plan.seed,
        deterministic=plan.deterministic,
        request_id=query.request_id,
        reused_simulations=plan.reused_simulations,
    )


def duration_message(seconds: float) -> Duration:
    """A length of time as the wire has it."""
    whole, fraction = divmod(round(seconds * 1e9), 1_000_000_000)
    return Duration(seconds=whole, nanos=fraction)


def _budget(budget: planner_pb2.Budget) -> dict[str, Any]:
    """The fields that a budget sets, as the arguments of `BudgetLimits.admit`."""
    fields: dict[str, Any] = {}
    if budget.HasField("simulations"):
        fields["simulations"] = budget.simulations
    if budget.HasField("time_limit"):
        fields["time_limit"] = _seconds(budget.time_limit, "budget.time_limit")
    if budget.HasField("max_bytes"):
        fields["max_bytes"] = budget.max_bytes
    return fields


def _seconds(duration: Duration, field: str) -> float:
    """A length of time that is above zero.

    Raises:
      InvalidRequest: it is not, or its two parts contradict each other.
    """
    if not -1_000_000_000 < duration.nanos < 1_000_000_000:
        raise InvalidRequest(
            field, f"has {duration.nanos} nanos; must be from -999999999 to 999999999"
        )
    if duration.seconds * duration.nanos < 0:
        raise InvalidRequest(
            field,
            f"has {duration.seconds} seconds and {duration.nanos} nanos; must have one sign",
        )
    if duration.seconds <= 0 and duration.nanos <= 0:
        raise InvalidRequest(
            field, f"is {duration.seconds + duration.nanos * 1e-9:g} seconds; must be above zero"
        )
    return duration.seconds + duration.nanos * 1e-9


def _request_id(text: str) -> str:
    if len(text) > MAX_REQUEST_ID:
        raise InvalidRequest(
            "request_id", f"has {len(text)} characters; at most {MAX_REQUEST_ID} are kept"
        )
    return text


def _statistics(action: ActionStatistics) -> planner_pb2.ActionStatistics:
    return planner_pb2.ActionStatistics(
        action=action_message(action.action),
        visits=action.visits,
        value=_known(action.value),
        standard_error=_known(action.standard_error),
    )


def _known(value: float) -> float | None:
    """None, which leaves the field absent, for what is not known."""
    return None if math.isnan(value) else value


def _step(step: PrincipalVariationStep) -> planner_pb2.PrincipalVariationStep:
    return planner_pb2.PrincipalVariationStep(
        action=action_message(step.action), visits=step.visits, value=step.value
    )

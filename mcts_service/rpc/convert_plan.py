"""A request for a plan, and its answer: messages of the wire and the service's own types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from mcts_service.models.spec import ValueKind
from mcts_service.planning import (
    ActionStatistics,
    PrincipalVariationStep,
    StopReason,
)
from mcts_service.rpc.convert_action import action_message, allowed_actions_reader
from mcts_service.rpc.convert_settings import read_settings
from mcts_service.rpc.convert_state import state_reader
from mcts_service.rpc.durations import duration_message
from mcts_service.service.entry import ModelEntry
from mcts_service.service.query import PlanOutcome, PlanQuery
from mcts_service.service.violations import Violations
from mcts_service.v1 import planner_pb2

__all__ = ["STOP_REASONS", "plan_query", "plan_response", "statistics_rows", "write_statistics"]

STOP_REASONS = {
    StopReason.SIMULATIONS: planner_pb2.STOP_REASON_SIMULATIONS,
    StopReason.TIME_LIMIT: planner_pb2.STOP_REASON_TIME_LIMIT,
    StopReason.MAX_BYTES: planner_pb2.STOP_REASON_MAX_BYTES,
    StopReason.CANCELLED: planner_pb2.STOP_REASON_CANCELLED,
    StopReason.SOLVED: planner_pb2.STOP_REASON_SOLVED,
    StopReason.DECIDED: planner_pb2.STOP_REASON_DECIDED,
}


#: The fields of an `ActionStatistics`.
_fields_of = attrgetter(*(field.name for field in fields(ActionStatistics)))

#: Kinds of states that are read before a search.
_READ_AT_ONCE = ("tensor", "discrete")


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
    query: dict[str, Any] = {"is_read": request.state.WhichOneof("kind") in _READ_AT_ONCE}
    with violations.collected():
        query["read_state"] = state_reader(entry, request.state)
    if request.HasField("allowed_actions"):
        with violations.collected():
            query["read_allowed_actions"] = allowed_actions_reader(entry, request.allowed_actions)
        query["is_read"] &= entry.action_spec.kind != "opaque"
    query |= read_settings(
        request, entry, violations, received=received, time_remaining=time_remaining
    )
    violations.raise_if_any()
    return PlanQuery(seed=request.seed if request.HasField("seed") else None, **query)


def plan_response(query: PlanQuery, outcome: PlanOutcome) -> planner_pb2.PlanResponse:
    """The answer to a request."""
    plan = outcome.plan
    kind = query.model.action_spec.kind
    response = planner_pb2.PlanResponse(
        action=action_message(kind, plan.action),
        value=plan.value,
        player_values=plan.player_values,
        principal_variation=[_step(kind, step) for step in plan.principal_variation],
        simulations=plan.simulations,
        nodes=plan.nodes,
        depth=plan.depth,
        bytes=plan.bytes,
        recipe=plan.recipe,
        recipe_reason=plan.recipe_reason,
        discount=plan.discount,
        stop_reason=STOP_REASONS[plan.stop_reason],
        queue_time=duration_message(outcome.queue_time),
        search_time=duration_message(plan.search_time),
        model={"name": query.model.name, "version": query.model.version},
        seed=plan.seed,
        deterministic=plan.deterministic,
        request_id=query.request_id,
        reused_simulations=plan.reused_simulations,
    )
    write_statistics(response.actions, kind, plan.actions)
    return response


def statistics_rows(actions: Sequence[ActionStatistics]) -> Iterable[tuple[Any, ...]]:
    """The fields of each, in their order."""
    return map(_fields_of, actions)


def write_statistics(messages: Any, kind: ValueKind, actions: Sequence[ActionStatistics]) -> None:
    """Adds what is known of each action.

    Field by field, which takes a quarter of the time of messages that are made one by one.

    Args:
      messages: a field of repeated ActionStatistics.
      kind: as of `action_message`.
    """
    for row in statistics_rows(actions):
        action, visits, value, standard_error, lower, upper, prior, proven = row
        message = messages.add(visits=visits, proven=proven)
        if kind == "discrete":
            message.action.discrete = action
        else:
            message.action.CopyFrom(action_message(kind, action))
        # NaN, which alone differs from itself, is what is not known: the field stays absent.
        if value == value:
            message.value = value
        if standard_error == standard_error:
            message.standard_error = standard_error
        if lower == lower:
            message.lower = lower
        if upper == upper:
            message.upper = upper
        if prior == prior:
            message.prior = prior


def _step(kind: ValueKind, step: PrincipalVariationStep) -> planner_pb2.PrincipalVariationStep:
    return planner_pb2.PrincipalVariationStep(
        action=action_message(kind, step.action), visits=step.visits, value=step.value
    )

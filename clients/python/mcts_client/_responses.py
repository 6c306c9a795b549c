"""Responses, read into Python values: what the two clients share after the call."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from google.protobuf.duration_pb2 import Duration

from mcts_client._enums import word
from mcts_client._values import dtype_of, read_value
from mcts_client.results import (
    ActionSpec,
    ActionStatistics,
    Budget,
    ModelId,
    ModelInfo,
    ModelSummary,
    Plan,
    PrincipalVariationStep,
    SearchOptions,
    StateSpec,
    StopReason,
    ValueKind,
)
from mcts_service.v1 import planner_pb2

__all__ = ["action_statistics", "model_info", "model_list", "plan", "seconds", "stop_reason"]

_STOP_REASONS: dict[int, StopReason] = {
    planner_pb2.STOP_REASON_SIMULATIONS: StopReason.SIMULATIONS,
    planner_pb2.STOP_REASON_TIME_LIMIT: StopReason.TIME_LIMIT,
    planner_pb2.STOP_REASON_MAX_BYTES: StopReason.MAX_BYTES,
    planner_pb2.STOP_REASON_CANCELLED: StopReason.CANCELLED,
    planner_pb2.STOP_REASON_SOLVED: StopReason.SOLVED,
    planner_pb2.STOP_REASON_DECIDED: StopReason.DECIDED,
    planner_pb2.STOP_REASON_UNFINISHED: StopReason.UNFINISHED,
}
_KINDS: dict[int, ValueKind] = {
    planner_pb2.VALUE_KIND_DISCRETE: "discrete",
    planner_pb2.VALUE_KIND_TENSOR: "tensor",
    planner_pb2.VALUE_KIND_OPAQUE: "opaque",
    planner_pb2.VALUE_KIND_JSON: "json",
}


def plan(response: planner_pb2.PlanResponse) -> Plan:
    """A `PlanResponse` as a `Plan`."""
    return Plan(
        action=read_value(response.action),
        value=response.value,
        player_values=tuple(response.player_values),
        actions=tuple(action_statistics(action) for action in response.actions),
        principal_variation=tuple(_step(step) for step in response.principal_variation),
        simulations=response.simulations,
        nodes=response.nodes,
        depth=response.depth,
        bytes=response.bytes,
        recipe=response.recipe,
        recipe_reason=response.recipe_reason,
        discount=response.discount,
        stop_reason=stop_reason(response.stop_reason),
        queue_time=seconds(response.queue_time),
        search_time=seconds(response.search_time),
        model=ModelId(response.model.name, response.model.version),
        seed=response.seed,
        deterministic=response.deterministic,
        reused_simulations=response.reused_simulations,
        request_id=response.request_id,
        warnings=tuple(response.warnings),
    )


def model_list(response: planner_pb2.ListModelsResponse) -> tuple[ModelSummary, ...]:
    """A `ListModelsResponse` as its models, in the server's order."""
    return tuple(
        ModelSummary(summary.model.name, summary.model.version, summary.description)
        for summary in response.models
    )


def model_info(response: planner_pb2.GetModelResponse) -> ModelInfo:
    """A `GetModelResponse` as a `ModelInfo`."""
    return ModelInfo(
        name=response.model.name,
        version=response.model.version,
        description=response.description,
        state_spec=_state_spec(response.state_spec),
        action_spec=ActionSpec(
            kind=_KINDS.get(response.action_spec.kind, "unknown"),
            num_actions=response.action_spec.num_actions,
            description=response.action_spec.description,
        ),
        num_players=response.num_players,
        discount=response.discount,
        capabilities=tuple(response.capabilities),
        default_budget=_budget(response.default_budget),
        max_budget=_budget(response.max_budget),
        default_options=_options(response.default_options),
        max_batch=response.max_batch,
    )


def action_statistics(message: planner_pb2.ActionStatistics) -> ActionStatistics:
    """What is known of an action; NaN for what is absent."""
    return ActionStatistics(
        action=read_value(message.action),
        visits=message.visits,
        value=_known(message, "value"),
        standard_error=_known(message, "standard_error"),
        lower=_known(message, "lower"),
        upper=_known(message, "upper"),
        prior=_known(message, "prior"),
        proven=message.proven,
    )


def _known(message: planner_pb2.ActionStatistics, field: str) -> float:
    value: float = getattr(message, field) if message.HasField(field) else math.nan
    return value


def _step(message: planner_pb2.PrincipalVariationStep) -> PrincipalVariationStep:
    return PrincipalVariationStep(read_value(message.action), message.visits, message.value)


def _state_spec(message: planner_pb2.StateSpec) -> StateSpec:
    return StateSpec(
        kind=_KINDS.get(message.kind, "unknown"),
        dtype=dtype_of(message.dtype),
        shape=tuple(message.shape),
        num_values=message.num_values,
        example=read_value(message.example) if message.HasField("example") else None,
        description=message.description,
    )


def _budget(message: planner_pb2.Budget) -> Budget:
    return Budget(
        simulations=message.simulations if message.HasField("simulations") else None,
        time_limit=seconds(message.time_limit) if message.HasField("time_limit") else None,
        max_bytes=message.max_bytes if message.HasField("max_bytes") else None,
    )


def _options(message: planner_pb2.SearchOptions) -> SearchOptions:
    told: dict[str, Any] = {
        field.name: value if field.enum_type is None else word(field.name, value)
        for field, value in message.ListFields()
    }
    settings = [field.name for field in dataclasses.fields(SearchOptions)]
    return SearchOptions(**{setting: told.get(setting) for setting in settings})


def stop_reason(number: int) -> StopReason:
    """Which rule ended the search, by the wire's number."""
    return _STOP_REASONS.get(number, StopReason.UNKNOWN)


def seconds(duration: Duration) -> float:
    """A length of time."""
    return duration.ToNanoseconds() / 1e9

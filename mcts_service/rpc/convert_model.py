"""What a caller may ask about a model, as messages of the wire."""

from __future__ import annotations

from mcts_service.models.spec import StateSpec, ValueKind
from mcts_service.rpc.convert_options import options_message
from mcts_service.rpc.convert_state import sent_state_message
from mcts_service.rpc.durations import write_duration
from mcts_service.rpc.tensors import dtype_number
from mcts_service.service.entry import ModelEntry
from mcts_service.v1 import planner_pb2

__all__ = ["model_response", "model_summary"]

_KINDS: dict[ValueKind, planner_pb2.ValueKind] = {
    "discrete": planner_pb2.VALUE_KIND_DISCRETE,
    "tensor": planner_pb2.VALUE_KIND_TENSOR,
    "opaque": planner_pb2.VALUE_KIND_OPAQUE,
    "json": planner_pb2.VALUE_KIND_JSON,
}


def model_summary(entry: ModelEntry) -> planner_pb2.ModelSummary:
    """A line about the model."""
    return planner_pb2.ModelSummary(model=_identity(entry), description=entry.description)


def model_response(entry: ModelEntry) -> planner_pb2.GetModelResponse:
    """All about the model."""
    limits = entry.limits
    response = planner_pb2.GetModelResponse(
        model=_identity(entry),
        description=entry.description,
        state_spec=_state_spec(entry),
        action_spec=planner_pb2.ActionSpec(
            kind=_KINDS[entry.action_spec.kind],
            num_actions=entry.action_spec.num_actions,
            description=entry.action_spec.description,
        ),
        num_players=entry.num_players,
        discount=entry.discount,
        capabilities=entry.capabilities,
        default_budget=planner_pb2.Budget(simulations=limits.default_simulations),
        max_budget=planner_pb2.Budget(
            simulations=limits.max_simulations, max_bytes=limits.max_bytes
        ),
        default_options=options_message(entry.config),
        max_batch=entry.max_batch,
    )
    write_duration(response.max_budget.time_limit, limits.max_time_limit_seconds)
    return response


def _identity(entry: ModelEntry) -> planner_pb2.ModelId:
    return planner_pb2.ModelId(name=entry.name, version=entry.version)


def _state_spec(entry: ModelEntry) -> planner_pb2.StateSpec:
    spec: StateSpec = entry.state_spec
    message = planner_pb2.StateSpec(
        kind=_KINDS[spec.kind],
        shape=spec.shape,
        num_values=spec.num_values,
        description=spec.description,
    )
    if spec.dtype is not None:
        message.dtype = dtype_number(spec.dtype)
    if entry.sent_example is not None:
        message.example.CopyFrom(sent_state_message(spec.kind, entry.sent_example))
    return message

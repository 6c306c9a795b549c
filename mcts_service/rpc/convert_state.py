"""States: messages of the wire and what models take."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from google.protobuf import struct_pb2

from mcts_service.errors import InvalidRequest
from mcts_service.models.spec import ValueKind
from mcts_service.rpc.tensors import array_from_tensor, tensor_from_array
from mcts_service.service.entry import ModelEntry
from mcts_service.service.states import (
    discrete_state,
    expected,
    given,
    json_state,
    opaque_state,
    require_finite,
)
from mcts_service.v1 import planner_pb2

__all__ = [
    "JsonState",
    "json_message",
    "read_json",
    "sent_state_message",
    "state_message",
    "state_reader",
]


def state_reader(
    entry: ModelEntry, state: planner_pb2.State, field: str = "state"
) -> Callable[[], Any]:
    """Checks what can be checked of a state in no time, and leaves the rest for later.

    Args:
      field: where the state stands in the request.
    Returns:
      A function that gives the model's own state, or raises InvalidRequest or ModelFault. It
      may run the model's own code, or read much JSON: it belongs where the searches run, and
      can be pickled, so that this may be another process.
    Raises:
      InvalidRequest: the state is missing, of another kind, or not one of the model.
    """
    kind = state.WhichOneof("kind")
    spec = entry.state_spec
    if kind is None:
        raise InvalidRequest(field, f"is missing; {expected(entry)}")
    if kind == "json":
        return JsonState(entry, state.json, f"{field}.json")
    if kind != spec.kind:
        raise InvalidRequest(field, f"is {kind}; {expected(entry)}")
    if kind == "opaque":
        return partial(opaque_state, entry, state.opaque, f"{field}.opaque")
    if kind == "tensor":
        array = array_from_tensor(state.tensor, spec, f"{field}.tensor")
        require_finite(array, f"{field}.tensor.data")
        return partial(given, array)
    return partial(given, discrete_state(entry, state.discrete, f"{field}.discrete"))


def state_message(entry: ModelEntry, state: Any) -> planner_pb2.State:
    """The state as the wire has it, in the kind of the model's StateSpec."""
    kind = entry.state_spec.kind
    return sent_state_message(kind, entry.model.encode_state(state) if kind == "opaque" else state)


def sent_state_message(kind: ValueKind, state: Any) -> planner_pb2.State:
    """The same of a state that is bytes already where its kind is opaque."""
    if kind == "discrete":
        return planner_pb2.State(discrete=int(state))
    if kind == "tensor":
        return planner_pb2.State(tensor=tensor_from_array(np.asarray(state)))
    if kind == "opaque":
        return planner_pb2.State(opaque=state)
    return planner_pb2.State(json=json_message(state))


def read_json(value: struct_pb2.Value, field: str) -> Any:
    """A google.protobuf.Value as json.loads would give it.

    Raises:
      InvalidRequest: a value is missing, or a number is not finite, which JSON has not.
    """
    kind = value.WhichOneof("kind")
    if kind is None:
        raise InvalidRequest(field, "is empty; must be a value of JSON")
    if kind == "null_value":
        return None
    if kind == "list_value":
        items = value.list_value.values
        return [read_json(item, f"{field}[{i}]") for i, item in enumerate(items)]
    if kind == "struct_value":
        fields = value.struct_value.fields
        return {key: read_json(fields[key], f"{field}.{key}") for key in fields}
    if kind == "number_value" and not math.isfinite(value.number_value):
        raise InvalidRequest(field, f"is {value.number_value}; must be a finite number")
    return getattr(value, kind)


def json_message(value: Any) -> struct_pb2.Value:
    """A value of JSON, tuples and NumPy's numbers included, as a google.protobuf.Value."""
    if isinstance(value, Mapping):
        fields = {key: json_message(item) for key, item in value.items()}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Sequence):
        items = [json_message(item) for item in value]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, (bool, np.bool_)):
        return struct_pb2.Value(bool_value=bool(value))
    return struct_pb2.Value(number_value=float(value))


@dataclass(frozen=True)
class JsonState:
    """Reads a state from JSON; see `state_reader`."""

    entry: ModelEntry
    value: struct_pb2.Value
    field: str

    def __call__(self) -> Any:
        """The model's own state.

        Raises:
          InvalidRequest: as `read_json` and `json_state`.
        """
        return self.without_messages()()

    def without_messages(self) -> Callable[[], Any]:
        """The same, read as far as it can be without the model: for what does not know the wire.

        Raises:
          InvalidRequest: as `read_json`.
        """
        return partial(json_state, self.entry, read_json(self.value, self.field), self.field)

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, where nothing knows the messages of the wire."""
        return given, (self.without_messages(),)

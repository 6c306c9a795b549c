"""Python values to and from the wire's `State` and `Action`, which have the same four forms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from google.protobuf import struct_pb2

from mcts_client._checks import INT64, shown, text
from mcts_client.errors import InvalidRequest, MCTSServiceError
from mcts_service.v1 import planner_pb2

__all__ = ["Value", "array_of", "dtype_of", "read_value", "tensor", "write_value"]

#: What a state or an action may be in Python.
Value = (
    bool | int | float | str | bytes | np.generic | np.ndarray | Sequence[Any] | Mapping[str, Any]
) | None
_Message = TypeVar("_Message", planner_pb2.State, planner_pb2.Action)

#: The wire's number of each dtype, by NumPy's name: {"bool": 1, "int8": 2, ...}.
_DTYPE_NUMBERS = {
    name.removeprefix("DTYPE_").lower(): number
    for name, number in planner_pb2.Dtype.items()
    if number != planner_pb2.DTYPE_UNSPECIFIED
}
_DTYPES = {number: np.dtype(name) for name, number in _DTYPE_NUMBERS.items()}
#: Integers beyond this have no exact double, which is what a JSON number is on the wire.
_MAX_EXACT_INTEGER = 2**53
#: Protobuf's parsers stop at 100 messages inside each other; an object takes three.
_MAX_JSON_DEPTH = 32


def write_value(message: _Message, field: str, value: Value) -> _Message:
    """Puts a Python value into a `State` or an `Action`.

    Integers become `discrete`; arrays `tensor`, in C order and little-endian, whatever their
    layout was; bytes `opaque`; None, bools, floats, strings, sequences and mappings `json`.

    Args:
      message: an empty message.
      field: what to call it in an error.

    Returns:
      `message`.

    Raises:
      InvalidRequest: no form holds this value.
    """
    if isinstance(value, (bool, np.bool_)):
        message.json.bool_value = bool(value)
    elif isinstance(value, (int, np.integer)):
        message.discrete = _discrete(field, int(value))
    elif isinstance(value, np.ndarray):
        message.tensor.CopyFrom(tensor(field, value))
    elif isinstance(value, (bytes, bytearray, memoryview)):
        message.opaque = bytes(value)
    else:
        message.json.CopyFrom(_json(field, value, _MAX_JSON_DEPTH))
    return message


def read_value(message: planner_pb2.State | planner_pb2.Action) -> Any:
    """The Python value of a `State` or an `Action`.

    Returns:
      An int, a writable array in the machine's byte order, bytes, or a JSON value, whose
      numbers are floats.

    Raises:
      MCTSServiceError: the server sent a form that this client does not know.
    """
    kind = message.WhichOneof("kind")
    if kind == "discrete":
        return message.discrete
    if kind == "tensor":
        return array_of(message.tensor)
    if kind == "opaque":
        return message.opaque
    if kind == "json":
        return _python(message.json)
    raise MCTSServiceError(
        "the server sent a state or an action of a form this client is too old for"
    )


def dtype_of(number: int) -> np.dtype[Any] | None:
    """NumPy's dtype for the wire's number, or None if there is none."""
    return _DTYPES.get(number)


def _discrete(field: str, value: int) -> int:
    if not INT64.min <= value <= INT64.max:
        raise InvalidRequest.of_field(field, f"is {shown(value)}; an integer must fit 64 bits")
    return value


def tensor(field: str, array: np.ndarray[Any, Any]) -> planner_pb2.Tensor:
    """An array as the wire has it: in C order, little-endian.

    Raises:
      InvalidRequest: its dtype has no name there.
    """
    number = _DTYPE_NUMBERS.get(array.dtype.name)
    if number is None:
        raise InvalidRequest.of_field(
            field,
            f"is an array of {array.dtype}; its dtype must be one of {', '.join(_DTYPE_NUMBERS)}",
        )
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return planner_pb2.Tensor(
        dtype=planner_pb2.Dtype.Name(number), shape=array.shape, data=little_endian.tobytes("C")
    )


def array_of(tensor: planner_pb2.Tensor) -> np.ndarray[Any, Any]:
    """The array of a message: writable, in the machine's byte order.

    Raises:
      MCTSServiceError: its parts contradict each other.
    """
    dtype = dtype_of(tensor.dtype)
    if dtype is None:
        raise MCTSServiceError(
            f"the server sent a tensor of dtype {tensor.dtype}, unknown to this client"
        )
    try:
        array = np.frombuffer(tensor.data, dtype.newbyteorder("<")).reshape(tuple(tensor.shape))
    except ValueError as error:
        raise MCTSServiceError(
            f"the server sent a tensor that does not hold together: {error}"
        ) from error
    return array.astype(dtype)  # a copy: the message's own bytes are read-only


def _json(field: str, value: Any, depth: int) -> struct_pb2.Value:
    if depth < 0:
        raise InvalidRequest.of_field(field, f"is nested deeper than {_MAX_JSON_DEPTH} levels")
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, (bool, np.bool_)):
        return struct_pb2.Value(bool_value=bool(value))
    if isinstance(value, (int, float, np.integer, np.floating)):
        return struct_pb2.Value(number_value=_json_number(field, value))
    if isinstance(value, str):
        return struct_pb2.Value(string_value=text(field, value))
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=_json_object(field, value, depth))
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        elements = [_json(f"{field}[{i}]", element, depth - 1) for i, element in enumerate(value)]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=elements))
    raise InvalidRequest.of_field(
        field,
        f"is of type {type(value).__name__}; must be an int, a NumPy array, bytes, "
        "or what JSON holds: None, a bool, a float, a string, a list or a dict",
    )


def _json_object(field: str, value: Mapping[Any, Any], depth: int) -> struct_pb2.Struct:
    for key in value:
        if not isinstance(key, str):
            raise InvalidRequest.of_field(field, f"has the key {shown(key)}; keys must be strings")
    return struct_pb2.Struct(
        fields={
            text(field, key): _json(f"{field}.{key}", element, depth - 1)
            for key, element in value.items()
        }
    )


def _json_number(field: str, value: Any) -> float:
    if isinstance(value, (int, np.integer)) and abs(int(value)) > _MAX_EXACT_INTEGER:
        raise InvalidRequest.of_field(
            field, f"is {shown(value)}; an integer in JSON must be within ±2**53"
        )
    number = float(value)
    if not math.isfinite(number):
        raise InvalidRequest.of_field(field, f"is {number}; JSON has no such number")
    return number


def _python(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {key: _python(element) for key, element in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_python(element) for element in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)

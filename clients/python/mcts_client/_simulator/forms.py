"""States of a model that is served: Python's own, and messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from mcts_client._values import array_of, dtype_of, tensor
from mcts_client.errors import InvalidRequest
from mcts_service.v1 import model_pb2, planner_pb2

__all__ = ["Form", "form_of", "write_spec"]


class Form(Protocol):
    """How states of one kind are read and written.

    Attributes:
      validates: reading may find that a state is none.
    """

    validates: bool

    def read(self, message: model_pb2.StateRows) -> tuple[Any, dict[int, Exception]]:
        """The states of a message, and the errors of those that are none.

        Returns:
          (an array [N, ...] or a list, {row: exception}).
        """
        ...

    def write(self, states: Sequence[Any], rows: Sequence[int], count: int) -> model_pb2.StateRows:
        """A message of so many states: these in those rows, blanks elsewhere."""
        ...

    def describe(self, told: model_pb2.DescribeResponse) -> None:
        """Says what the states are."""
        ...


class _Discrete:
    validates = False

    def __init__(self, num_values: int) -> None:
        self._num_values = num_values

    def read(self, message: model_pb2.StateRows) -> tuple[Any, dict[int, Exception]]:
        return np.array(message.discrete.values, np.int64), {}

    def write(self, states: Sequence[Any], rows: Sequence[int], count: int) -> model_pb2.StateRows:
        given = np.asarray(states)
        if given.ndim != 1 or (given.dtype.kind not in "iu" and len(given)):
            raise TypeError(f"states are {given.dtype}{list(given.shape)}; must be integers [N]")
        values = np.zeros(count, np.int64)
        values[list(rows)] = given
        return model_pb2.StateRows(discrete=planner_pb2.DiscreteStates(values=values.tolist()))

    def describe(self, told: model_pb2.DescribeResponse) -> None:
        told.state_spec.kind = planner_pb2.VALUE_KIND_DISCRETE
        told.state_spec.num_values = self._num_values


class _Tensor:
    validates = False

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self._dtype, self._shape = dtype, shape

    def read(self, message: model_pb2.StateRows) -> tuple[Any, dict[int, Exception]]:
        array = array_of(message.tensor)
        if array.dtype != self._dtype or array.ndim == 0 or array.shape[1:] != self._shape:
            raise ValueError(f"states are {array.dtype}{list(array.shape)}; must be {self._due()}")
        return array, {}

    def write(self, states: Sequence[Any], rows: Sequence[int], count: int) -> model_pb2.StateRows:
        array = np.zeros((count, *self._shape), self._dtype)
        if len(rows):
            given = np.asarray(states)
            fits = np.can_cast(given.dtype, self._dtype, "same_kind")
            if given.shape != (len(rows), *self._shape) or not fits:
                raise TypeError(
                    f"states are {given.dtype}{list(given.shape)}; must be {self._due()}"
                )
            array[list(rows)] = given
        return model_pb2.StateRows(tensor=tensor("states", array))

    def describe(self, told: model_pb2.DescribeResponse) -> None:
        told.state_spec.kind = planner_pb2.VALUE_KIND_TENSOR
        told.state_spec.dtype = tensor("state_spec", np.zeros(0, self._dtype)).dtype
        told.state_spec.shape.extend(self._shape)

    def _due(self) -> str:
        return f"{self._dtype}[{', '.join(['N', *map(str, self._shape)])}]"


class _Opaque:
    validates = True

    def __init__(self, model: Any, max_state_bytes: int) -> None:
        self._encode, self._decode = model.encode_state, model.decode_state
        self._most = max_state_bytes

    def read(self, message: model_pb2.StateRows) -> tuple[Any, dict[int, Exception]]:
        states: list[Any] = []
        errors: dict[int, Exception] = {}
        for row, data in enumerate(message.opaque.values):
            try:
                states.append(self._decode(data))
            except Exception as error:
                states.append(None)
                errors[row] = error
        return states, errors

    def write(self, states: Sequence[Any], rows: Sequence[int], count: int) -> model_pb2.StateRows:
        values = [b""] * count
        for row, state in zip(rows, states, strict=True):
            values[row] = bytes(self._encode(state))
            if len(values[row]) > self._most:
                raise ValueError(
                    f"encode_state gives {len(values[row])} bytes; max_state_bytes must be as "
                    f"much, and is {self._most}"
                )
        return model_pb2.StateRows(opaque=model_pb2.OpaqueStates(values=values))

    def describe(self, told: model_pb2.DescribeResponse) -> None:
        told.state_spec.kind = planner_pb2.VALUE_KIND_OPAQUE
        told.max_state_bytes = self._most


def form_of(model: Any, example: Any, max_state_bytes: int) -> Form:
    """The form of a model's states: what its `state_spec` says, else that of an initial state.

    Args:
      example: an initial state, or None.
      max_state_bytes: of a state by the model's own encoding.
    Raises:
      InvalidRequest: nothing says what its states are, or they cannot travel.
    """
    spec = getattr(model, "state_spec", None)
    kind = getattr(spec, "kind", None)
    if spec is not None and kind == "discrete":
        return _Discrete(int(getattr(spec, "num_values", 0)))
    if spec is not None and kind == "tensor":
        return _Tensor(_known(np.dtype(spec.dtype)), tuple(spec.shape))
    if kind is None and isinstance(example, (int, np.integer)) and not isinstance(example, bool):
        return _Discrete(0)
    is_array = isinstance(example, (np.ndarray, np.generic)) and example.dtype.kind in "biuf"
    if kind is None and is_array:
        return _Tensor(_known(example.dtype), example.shape)
    if all(callable(getattr(model, name, None)) for name in ("encode_state", "decode_state")):
        return _Opaque(model, max_state_bytes)
    what = "gives none" if example is None else f"gives a {type(example).__name__}"
    raise InvalidRequest.of_field(
        "model",
        f"says not what its states are on the wire: initial_state {what}; it must give an integer "
        "or an array, or the model must have encode_state and decode_state, or a state_spec",
    )


def _known(dtype: np.dtype[Any]) -> np.dtype[Any]:
    native = dtype.newbyteorder("=")
    number = tensor("model.state_spec.dtype", np.zeros((0,), native)).dtype
    known = dtype_of(number)
    assert known is not None
    return known


def write_spec(told: model_pb2.DescribeResponse, form: Form, example: Any, words: str) -> None:
    """Says what states are, and gives an example where there is one."""
    form.describe(told)
    told.state_spec.description = words
    if example is None:
        return
    rows = form.write([example], [0], 1)
    state = told.state_spec.example
    if rows.HasField("discrete"):
        state.discrete = rows.discrete.values[0]
    elif rows.HasField("opaque"):
        state.opaque = rows.opaque.values[0]
    else:
        state.tensor.CopyFrom(rows.tensor)
        del state.tensor.shape[0]

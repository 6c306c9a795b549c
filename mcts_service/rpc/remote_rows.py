"""States of a remote model: rows of an array here, messages on the wire.

kind        a row of the array
discrete    int64
tensor      dtype[shape]
opaque      uint8[4 + max_state_bytes]: how many bytes (little-endian), those bytes, zeros
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.models.spec import StateSpec
from mcts_service.rpc.tensors import array_from_tensor, tensor_from_array
from mcts_service.v1 import model_pb2, planner_pb2

__all__ = ["DiscreteRows", "OpaqueRows", "StateForm", "TensorRows"]

_LENGTH = np.dtype("<u4")


class StateForm(Protocol):
    """How the states of one kind are written and read.

    Attributes:
      dtype, shape: of a row.
    """

    dtype: np.dtype
    shape: tuple[int, ...]

    def write(self, rows: np.ndarray) -> model_pb2.StateRows:
        """Some rows as a message."""
        ...

    def read(self, message: model_pb2.StateRows, count: int) -> np.ndarray:
        """So many rows of a message.

        Raises:
          InvalidRequest: it has others; names the field.
        """
        ...

    def identities(self, rows: np.ndarray) -> list[bytes]:
        """What is equal for two rows exactly where they are the same state."""
        ...


def _require_kind(message: model_pb2.StateRows, kind: str) -> None:
    given = message.WhichOneof("kind")
    if given != kind:
        raise InvalidRequest("states", f"are {given or 'missing'}; must be {kind}")


def _require_count(count: int, due: int) -> None:
    if count != due:
        raise InvalidRequest("states", f"has {count} rows; must have {due}")


class DiscreteRows:
    """States that are integers."""

    def __init__(self) -> None:
        self.dtype: np.dtype = np.dtype(np.int64)
        self.shape: tuple[int, ...] = ()

    def write(self, rows: np.ndarray) -> model_pb2.StateRows:
        """As of `StateForm`."""
        values = planner_pb2.DiscreteStates(values=rows.tolist())
        return model_pb2.StateRows(discrete=values)

    def read(self, message: model_pb2.StateRows, count: int) -> np.ndarray:
        """As of `StateForm`."""
        _require_kind(message, "discrete")
        _require_count(len(message.discrete.values), count)
        return np.array(message.discrete.values, np.int64)

    def identities(self, rows: np.ndarray) -> list[bytes]:
        """As of `StateForm`."""
        return [row.tobytes() for row in np.asarray(rows, np.int64)]


class TensorRows:
    """States that are arrays."""

    def __init__(self, dtype: np.dtype, shape: tuple[int, ...]) -> None:
        self.dtype: np.dtype = dtype
        self.shape = shape

    def write(self, rows: np.ndarray) -> model_pb2.StateRows:
        """As of `StateForm`."""
        return model_pb2.StateRows(tensor=tensor_from_array(np.asarray(rows, self.dtype)))

    def read(self, message: model_pb2.StateRows, count: int) -> np.ndarray:
        """As of `StateForm`."""
        _require_kind(message, "tensor")
        spec = StateSpec("tensor", self.dtype, (count, *self.shape))
        return array_from_tensor(message.tensor, spec, "states.tensor")

    def identities(self, rows: np.ndarray) -> list[bytes]:
        """As of `StateForm`."""
        # Adding zero turns -0.0 into 0.0, as the search does.
        rows = np.asarray(rows, self.dtype)
        return [row.tobytes() for row in (rows + 0 if self.dtype.kind == "f" else rows)]


class OpaqueRows:
    """States that are bytes of the simulator's own."""

    def __init__(self, max_state_bytes: int) -> None:
        self.dtype: np.dtype = np.dtype(np.uint8)
        self.shape: tuple[int, ...] = (_LENGTH.itemsize + max_state_bytes,)
        self._most = max_state_bytes

    def row(self, data: bytes, field: str = "state") -> np.ndarray:
        """The row of one state.

        Raises:
          InvalidRequest: it is too long.
        """
        if len(data) > self._most:
            raise InvalidRequest(field, f"has {len(data)} bytes; must have {self._most} at most")
        row = np.zeros(self.shape, np.uint8)
        row[: _LENGTH.itemsize] = np.frombuffer(np.array(len(data), _LENGTH).tobytes(), np.uint8)
        row[_LENGTH.itemsize : _LENGTH.itemsize + len(data)] = np.frombuffer(data, np.uint8)
        return row

    def data(self, row: np.ndarray) -> bytes:
        """The state of one row."""
        raw = row.tobytes()
        size = int.from_bytes(raw[: _LENGTH.itemsize], "little")
        return raw[_LENGTH.itemsize : _LENGTH.itemsize + size]

    def write(self, rows: np.ndarray) -> model_pb2.StateRows:
        """As of `StateForm`."""
        states = model_pb2.OpaqueStates(values=[self.data(row) for row in rows])
        return model_pb2.StateRows(opaque=states)

    def read(self, message: model_pb2.StateRows, count: int) -> np.ndarray:
        """As of `StateForm`."""
        _require_kind(message, "opaque")
        values = message.opaque.values
        _require_count(len(values), count)
        return np.array([self.row(data, "states.opaque") for data in values], np.uint8)

    def identities(self, rows: np.ndarray) -> list[bytes]:
        """As of `StateForm`."""
        return [self.data(row) for row in rows]

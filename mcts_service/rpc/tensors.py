"""Tensors of the wire and NumPy arrays."""

from __future__ import annotations

import math

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.models.spec import StateSpec
from mcts_service.service.entry import WIRE_DTYPES
from mcts_service.v1 import planner_pb2

__all__ = ["array_from_tensor", "dtype_number", "tensor_from_array"]

_NUMBERS: dict[np.dtype, planner_pb2.Dtype] = {
    np.dtype(name): getattr(planner_pb2, f"DTYPE_{name.upper()}") for name in WIRE_DTYPES
}


def dtype_number(dtype: np.dtype) -> planner_pb2.Dtype:
    """The wire's number of a dtype of `WIRE_DTYPES`."""
    return _NUMBERS[dtype]


def array_from_tensor(tensor: planner_pb2.Tensor, spec: StateSpec, field: str) -> np.ndarray:
    """An array of exactly the dtype and shape that a model takes.

    Args:
      spec: of a model whose states are tensors.
      field: the path of the tensor in the request: "state.tensor".
    Returns:
      A copy in the machine's byte order.
    Raises:
      InvalidRequest: dtype, shape or the length of the data differ, or an element is not one
        of its dtype.
    """
    assert spec.dtype is not None
    number = dtype_number(spec.dtype)
    if tensor.dtype != number:
        raise InvalidRequest(
            f"{field}.dtype", f"is {_dtype_name(tensor.dtype)}; must be {_dtype_name(number)}"
        )
    # One more than belongs there tells that it is wrong; a million need not be looked at.
    shape = tuple(tensor.shape[: len(spec.shape) + 1])
    if shape != spec.shape:
        raise InvalidRequest(
            f"{field}.shape", f"is {shown(list(shape))}; must be {list(spec.shape)}"
        )
    size = math.prod(shape) * spec.dtype.itemsize
    data = tensor.data
    if len(data) != size:
        raise InvalidRequest(
            f"{field}.data",
            f"has {len(data)} bytes; {_dtype_name(number)} of shape {list(shape)} has {size}",
        )
    if spec.dtype.kind == "b" and data.strip(b"\x00\x01"):
        raise InvalidRequest(f"{field}.data", "has a byte above 1; DTYPE_BOOL is 0 or 1")
    array: np.ndarray = np.ndarray(shape, spec.dtype.newbyteorder("<"), data)
    return array.astype(spec.dtype)


def tensor_from_array(array: np.ndarray) -> planner_pb2.Tensor:
    """An array as the wire has it: C order, little-endian."""
    little_endian = array.astype(array.dtype.newbyteorder("<"), order="C")
    return planner_pb2.Tensor(
        dtype=dtype_number(array.dtype), shape=array.shape, data=little_endian.tobytes()
    )


def _dtype_name(number: int) -> str:
    """The name of an enum number, which may be one of a later version of the contract."""
    if number in planner_pb2.Dtype.values():
        return planner_pb2.Dtype.Name(number)
    return str(number)

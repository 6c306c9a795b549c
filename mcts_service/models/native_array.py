"""Compiled models of one's own, whose states are the bytes of an array."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest
from mcts_service.models.arrays import state_array
from mcts_service.models.native import NativeModel
from mcts_service.models.spec import StateSpec

__all__ = ["NativeArrayModel", "array_spec"]

_MOST_STATE_BYTES = 2**24
_MOST_DIMENSIONS = 32


def array_spec(
    dtype: Any, shape: Any, spec: StateSpec | None = None, description: str = ""
) -> tuple[StateSpec, np.dtype]:
    """The form of states that are arrays or, where the shape is (), integers; and their dtype.

    Args:
      dtype: bool, integers or floats, in the machine's byte order.
      shape: a sequence of lengths, or one length.
      spec: in place of `shape` and `description`, and of the dtype of a tensor; a discrete state
        without a `dtype` is an int64.
      description: what the numbers mean.
    Raises:
      InvalidRequest: names "state_dtype", "state_shape" or "state_spec".
    """
    if spec is None:
        return _spec_of(_dtype(dtype), _lengths(shape), description)
    if spec.kind == "discrete":
        return spec, _spec_of(_dtype(np.int64 if dtype is None else dtype), (), "")[1]
    if spec.kind != "tensor" or dtype is not None:
        raise InvalidRequest(
            "state_spec", f"is {shown(spec)}; must be discrete, or a tensor without state_dtype"
        )
    kind = _dtype(spec.dtype)
    return StateSpec("tensor", kind, _lengths(spec.shape), description=spec.description), kind


def _spec_of(
    kind: np.dtype, lengths: tuple[int, ...], description: str
) -> tuple[StateSpec, np.dtype]:
    if lengths:
        return StateSpec("tensor", kind, lengths, description=description), kind
    if kind.kind not in "iu":
        raise InvalidRequest(
            "state_shape", f"is () with the dtype {kind}; must be (1,), or the dtype an integer's"
        )
    return StateSpec("discrete", description=description), kind


def _lengths(shape: Any) -> tuple[int, ...]:
    right = f"must be at most {_MOST_DIMENSIONS} lengths"
    try:
        lengths = (shape,) if isinstance(shape, int) else tuple(shape)
    except TypeError as error:
        raise InvalidRequest("state_shape", f"is {shown(shape)}; {right}") from error
    if len(lengths) > _MOST_DIMENSIONS:
        raise InvalidRequest("state_shape", f"is {shown(shape)}; {right}")
    for length in lengths:
        require_integer("state_shape", length, 1, _MOST_STATE_BYTES)
    return lengths


def _dtype(dtype: Any) -> np.dtype:
    right = "must be a dtype of bool, integers or floats in the machine's byte order"
    if dtype is None:
        raise InvalidRequest("state_dtype", f"is missing; {right}")
    try:
        kind: np.dtype = np.dtype(dtype)
    except TypeError as error:
        raise InvalidRequest("state_dtype", f"is {shown(dtype)}; {right}") from error
    if kind.kind not in "biuf" or not kind.isnative:
        raise InvalidRequest("state_dtype", f"is {kind}; {right}")
    return kind


def _number_range(kind: np.dtype, spec: StateSpec) -> tuple[int, int]:
    """The least and the greatest state, of states that are integers."""
    if spec.shape:
        return 0, 0
    limits = np.iinfo(kind)
    if spec.num_values > 0:
        return 0, min(int(limits.max), spec.num_values - 1)
    return int(limits.min), int(limits.max)


class NativeArrayModel(NativeModel[Any]):
    """A compiled model whose states are arrays of one dtype and shape, or integers.

    `NativeModel.from_capsule` and `NativeModel.from_functions` build it.
    """

    def __init__(
        self,
        capsule: Any,
        *,
        state_spec: StateSpec,
        dtype: np.dtype,
        initial_state: Any = None,
        action_description: str = "",
        description: str = "",
    ) -> None:
        """The model in a capsule.

        Args:
          capsule: keeps alive what the struct needs.
          state_spec, dtype: of `array_spec`.
          initial_state: a state, or a function of a generator (or None) that gives one; None
            where no episode has a start of its own.
          action_description: what the numbers of the actions mean.
          description: the model in a line.
        Raises:
          InvalidRequest: the capsule holds no such model, or its states have other bytes.
        """
        super().__init__(
            capsule,
            state_spec=state_spec,
            action_description=action_description,
            description=description,
        )
        self._dtype = dtype
        self._number_range = _number_range(dtype, state_spec)
        size = dtype.itemsize * math.prod(state_spec.shape)
        if size != self.handle.state_bytes:
            raise InvalidRequest(
                "state_shape",
                f"with the dtype makes {size} bytes; the model's states have "
                f"{self.handle.state_bytes}",
            )
        self._initial = initial_state
        if initial_state is not None and not callable(initial_state):
            self._initial = self.unpack_state(self.pack_state(initial_state))

    def pack_state(self, state: Any) -> bytes:
        """The bytes of a state.

        Args:
          state: an integer, or an array or nested lists of the shape. Floats are rounded to the
            model's own; nothing else is converted that would change.
        Raises:
          InvalidRequest: the form is wrong, a number does not fit the dtype or is NaN, or the
            model refuses the state.
        """
        packed = self._number(state) if not self.state_spec.shape else self._array(state)
        self.handle.validate(packed)
        return packed

    def unpack_state(self, data: bytes) -> Any:
        """The state of its bytes: an int, or a new array."""
        flat = np.frombuffer(data, dtype=self._dtype)
        return flat.reshape(self.state_spec.shape).copy() if self.state_spec.shape else int(flat[0])

    def unpack_states(self, rows: np.ndarray) -> np.ndarray:
        """The states of the bytes of many, uint8[N, state_bytes]: an array [N, *shape]."""
        states: np.ndarray = rows.view(self._dtype)
        return states.reshape(len(rows), *self.state_spec.shape)

    def initial_state(self, rng: np.random.Generator | None = None) -> Any:
        """Where an episode starts.

        Raises:
          InvalidRequest: the model was built without one.
        """
        if self._initial is None:
            raise InvalidRequest("initial_state", "the model was built without one")
        if not callable(self._initial):
            return self._initial.copy() if self.state_spec.shape else self._initial
        draw: Callable[[np.random.Generator | None], Any] = self._initial
        return self.unpack_state(self.pack_state(draw(rng)))

    def _number(self, state: Any) -> bytes:
        value = state.item() if isinstance(state, np.ndarray) and state.shape == () else state
        low, high = self._number_range
        number = require_integer("state", value, low, high)
        return number.to_bytes(self._dtype.itemsize, sys.byteorder, signed=low < 0)

    def _array(self, state: Any) -> bytes:
        shape = self.state_spec.shape
        right = f"must be {self._dtype}{list(shape)}"
        if self.state_spec.description:
            right += f": {self.state_spec.description}"
        array = state_array(state, shape, right)
        allowed = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}[self._dtype.kind]
        if array.dtype.kind not in allowed:
            raise InvalidRequest("state", f"has the dtype {array.dtype}; {right}")
        with np.errstate(over="ignore"):
            packed = array.astype(self._dtype)
        wrong = np.isnan(packed) | (np.isinf(packed) != np.isinf(array))
        if self._dtype.kind in "iu":
            wrong = packed != array
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise InvalidRequest("state", f"has {array[place]} at {list(place)}; {right}")
        data: bytes = packed.tobytes()
        return data

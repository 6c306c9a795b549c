"""States as people and wires write them, read into what the model takes.

Every message names the field, the value and what would be right. What a model's own code
must read (`decode_state`, `state_from_json`) is read by `opaque_state` and `json_state`,
which therefore run where the model's searches run: in this process, or in another one that
has an entry of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest, MCTSServiceError
from mcts_service.models.spec import StateSpec
from mcts_service.service.entry import ModelEntry
from mcts_service.service.examples import like_example

__all__ = [
    "discrete_state",
    "expected",
    "form",
    "given",
    "json_state",
    "opaque_state",
    "read_by_model",
    "refused",
    "require_finite",
    "tensor_row",
]

logger = logging.getLogger("mcts_service")


def form(spec: StateSpec) -> str:
    """The form of a state, in a few words: "an integer from 0 to 499", "int8[3,3]"."""
    if spec.kind == "discrete":
        return "an integer" + (f" from 0 to {spec.num_values - 1}" if spec.num_values else "")
    if spec.kind == "tensor":
        return f"{spec.dtype}[{','.join(map(str, spec.shape))}]"
    return "bytes" if spec.kind == "opaque" else "a value of JSON"


def expected(entry: ModelEntry) -> str:
    """What a state of the model looks like: "model taxi takes discrete, an integer ..."."""
    spec = entry.state_spec
    description = f" ({spec.description})" if spec.description else ""
    if spec.kind == "json" and entry.example is not None:
        description += f", such as {shown(entry.example)}"
    return f"model {entry.name} takes {spec.kind}, {form(spec)}{description}"


def given(value: Any) -> Any:
    """What has been read already."""
    return value


def refused(error: MCTSServiceError) -> NoReturn:
    """Raises what is wrong with a state that could not be read."""
    raise error


def tensor_row(stacked: np.ndarray, row: int, field: str) -> np.ndarray:
    """One of many states: a copy, so that no model sees another's.

    Raises:
      InvalidRequest: it is not finite.
    """
    state: np.ndarray = stacked[row, ...].copy()
    require_finite(state, field)
    return state


def discrete_state(entry: ModelEntry, value: int, field: str) -> int:
    """The state of that number, checked against the model's range.

    Raises:
      InvalidRequest: there is no such state.
    """
    num_values = entry.state_spec.num_values
    if value < 0 or (num_values and value >= num_values):
        raise InvalidRequest(field, f"is {shown(value)}; {expected(entry)}")
    return value


def opaque_state(entry: ModelEntry, data: bytes, field: str) -> Any:
    """The state that the model's `decode_state` reads from bytes.

    Raises:
      InvalidRequest: the model cannot read them.
    """
    return read_by_model(entry.model.decode_state, data, field)


def json_state(entry: ModelEntry, value: Any, field: str) -> Any:
    """The state that a value of JSON means.

    A number for a discrete state, nested lists for an array, and for all else what the
    model's `state_from_json` makes of it. Without that, a "json" state is the value itself
    in the form of the model's initial state, see `like_example`.

    Args:
      value: None, bool, int, float, str, list or dict, as json.loads gives them.
    Raises:
      InvalidRequest: it does not mean a state of the model.
    """
    spec = entry.state_spec
    own_reader = getattr(entry.model, "state_from_json", None)
    if spec.kind == "discrete" and _is_number(value):
        return discrete_state(entry, _integer(entry, value, field), field)
    if spec.kind == "tensor" and (
        isinstance(value, list) or (not spec.shape and _is_number(value))
    ):
        return _array(entry, spec, value, field)
    if own_reader is not None:
        return read_by_model(own_reader, value, field)
    if spec.kind == "json":
        return like_example(entry.example, value, field)
    raise InvalidRequest(field, f"is {shown(value)}; {expected(entry)}")


def require_finite(array: np.ndarray, field: str) -> None:
    """Raises InvalidRequest that names the first element that is NaN or infinite."""
    if array.dtype.kind in "biu":
        return
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise InvalidRequest(
            field, f"has {array[index]} at {list(index)}; every element must be finite"
        )


def read_by_model(reader: Callable[[Any], Any], value: Any, field: str) -> Any:
    """What a reader of the model's own makes of a caller's value.

    Raises:
      InvalidRequest: the reader raises anything at all.
    """
    try:
        return reader(value)
    except InvalidRequest as error:
        raise InvalidRequest(field, error.violations[0].description) from error
    # The protocol's way to refuse: the text is written for the caller.
    except ValueError as error:
        raise InvalidRequest(field, f"is {shown(value)}; {error}") from error
    # A value of another form than the reader expects trips it in any way at all.
    except Exception as error:
        logger.warning("%s cannot read %s", reader.__qualname__, shown(value), exc_info=error)
        raise InvalidRequest(field, f"is {shown(value)}; the model cannot read it") from error


def _array(entry: ModelEntry, spec: StateSpec, value: Any, field: str) -> np.ndarray:
    """An array of the model's dtype and shape from nested lists."""
    assert spec.dtype is not None
    flat: list[Any] = []
    _flatten(entry, value, spec.shape, field, flat)
    if spec.dtype.kind != "f":
        low, high = (0, 1) if spec.dtype.kind == "b" else _integer_range(spec.dtype)
        flat = [_integer(entry, item, field) for item in flat]
        for item in flat:
            if not low <= item <= high:
                raise InvalidRequest(
                    field, f"has {shown(item)}; {spec.dtype} is from {low} to {high}"
                )
    try:
        # What is too large for the dtype becomes infinite, which is refused by name.
        with np.errstate(over="ignore"):
            array = np.array(flat, dtype=spec.dtype).reshape(spec.shape)
    except OverflowError as error:
        raise InvalidRequest(field, f"has a number that {spec.dtype} cannot hold") from error
    require_finite(array, field)
    return array


def _integer_range(dtype: np.dtype) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def _flatten(
    entry: ModelEntry, value: Any, shape: tuple[int, ...], field: str, flat: list[Any]
) -> None:
    """Appends the numbers of nested lists of exactly that shape, in C order."""
    if not shape:
        if not (_is_number(value) or isinstance(value, bool)):
            raise InvalidRequest(field, f"has {shown(value)}; {expected(entry)}")
        flat.append(value)
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        count = f"a list of {len(value)}" if isinstance(value, list) else shown(value)
        raise InvalidRequest(field, f"has {count} where {shape[0]} belong; {expected(entry)}")
    for item in value:
        _flatten(entry, item, shape[1:], field, flat)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _integer(entry: ModelEntry, value: float, field: str) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise InvalidRequest(field, f"has {value}, which is not an integer; {expected(entry)}")
    return int(value)

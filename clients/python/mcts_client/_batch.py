"""The request for many plans at once, built from Python arguments; see `_calls`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcts_client import _batch_response, _checks, _settings
from mcts_client._calls import Call
from mcts_client._checks import INT32, INT64, UINT64, shown
from mcts_client._values import Value, tensor, write_value
from mcts_client.errors import InvalidRequest
from mcts_client.results import BatchPlan
from mcts_client.settings import SearchSettings
from mcts_service.v1 import planner_pb2

if sys.version_info >= (3, 11):
    from typing import Unpack
else:
    from typing_extensions import Unpack

__all__ = ["plan_batch"]


def plan_batch(
    model: str,
    states: np.ndarray | Sequence[Value],
    *,
    simulations: int | None = None,
    time_limit: float | None = None,
    max_bytes: int | None = None,
    horizon: int | None = None,
    seeds: np.ndarray | Sequence[int] | None = None,
    action_mask: np.ndarray | Sequence[Sequence[bool]] | None = None,
    model_version: str = "",
    request_id: str = "",
    priority: int = 0,
    timeout: float | None = None,
    **settings: Unpack[SearchSettings],
) -> Call[planner_pb2.PlanBatchRequest, BatchPlan]:
    """Asks for the best action in each of many states: each row as `plan` with its seed.

    An array of two or more axes, or a sequence of arrays of one shape, travels as one `tensor`;
    integers as `discrete`; all else as a list of states, each as `plan` would send it.

    Args:
      model: a name from `list_models`.
      states: N of them, 1 or more, at most the model's `max_batch`.
      simulations: of each row, 1 or more; N times that may be no more than the simulations of
        the model's `max_budget`. With no limit set, the model's default counts.
      time_limit: seconds from the receipt of the request, waiting included, for all rows.
      max_bytes: memory of the search tree of each row.
      horizon: steps left in every row, where the problem has an end.
      seeds: N of them: the same seed and a budget of simulations alone give the same plan.
        Default: drawn, and told in the result.
      action_mask: bool[N, A]: each row's plan chooses among its true actions only.
      model_version, request_id, priority, timeout, settings: as of `plan`.

    Returns:
      Columns of one entry a row; what is wrong with one row is in their `errors`.

    Raises:
      InvalidRequest, UnknownModel, BudgetTooLarge, Overloaded, DeadlineExpired, ModelFault,
      ReplicaLost: of the call as a whole; see `mcts_client.errors`.
    """
    request = planner_pb2.PlanBatchRequest(
        model=_checks.text("model", model),
        model_version=_checks.text("model_version", model_version),
        request_id=_checks.text("request_id", request_id),
        priority=_checks.integer("priority", priority, INT32),
        budget=_settings.budget(simulations, time_limit, max_bytes),
        options=_settings.search_options(settings),
        horizon=_checks.integer("horizon", horizon, INT32),
        seeds=None if seeds is None else _integers("seeds", _rows("seeds", seeds), UINT64),
        action_mask=_mask(action_mask),
    )
    _write_states(request, _rows("states", states))
    return Call(
        "PlanBatch",
        request,
        _batch_response.batch_plan,
        model=model,
        timeout=_checks.timeout(timeout),
        own_timeout=_settings.own_timeout(time_limit),
    )


def _rows(field: str, value: Any) -> Any:
    """The value if it has rows: false also for what iterates over something else, as letters."""
    is_array = isinstance(value, np.ndarray) and value.ndim > 0
    is_other = isinstance(value, (str, bytes, bytearray, memoryview, Mapping))
    if is_array or (isinstance(value, Sequence) and not is_other):
        return value
    raise InvalidRequest.of_field(
        field, f"is {shown(value)}; must be a sequence or an array, one entry a row"
    )


def _write_states(request: planner_pb2.PlanBatchRequest, states: Any) -> None:
    """Puts the states into the most compact of the forms that hold them."""
    if isinstance(states, np.ndarray) and (states.ndim > 1 or states.dtype.kind not in "iu"):
        request.tensor.CopyFrom(tensor("states", states))
    elif len(states) and all(_is_integer(state) for state in states):
        request.discrete.values.extend(_integers("states", states, INT64))
    elif _can_be_stacked(states):
        request.tensor.CopyFrom(tensor("states", np.stack(states)))
    else:
        request.list.SetInParent()
        for row, state in enumerate(states):
            write_value(request.list.states.add(), f"states[{row}]", state)


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _can_be_stacked(states: Sequence[Any]) -> bool:
    """True for arrays of one shape and dtype."""
    forms = {
        (state.shape, state.dtype) if isinstance(state, np.ndarray) else None for state in states
    }
    return len(forms) == 1 and None not in forms


def _integers(field: str, values: Any, limits: np.iinfo[Any]) -> list[int]:
    """All of them as ints within the limits."""
    numbers = [_checks.integer(f"{field}[{i}]", value, limits) for i, value in enumerate(values)]
    for i, number in enumerate(numbers):
        if number is None:
            raise InvalidRequest.of_field(f"{field}[{i}]", "is None; must be an integer")
    return [number for number in numbers if number is not None]


def _mask(mask: Any) -> planner_pb2.Tensor | None:
    if mask is None:
        return None
    try:
        array = np.asarray(mask)
    except ValueError as error:  # rows of different lengths
        raise InvalidRequest.of_field("action_mask", f"is no array: {error}") from error
    if array.dtype != bool:
        raise InvalidRequest.of_field(
            "action_mask", f"is an array of {array.dtype}; must be one of bool, [rows, actions]"
        )
    return tensor("action_mask", array)

"""A request for many plans at once: its columns into rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.models.spec import StateSpec
from mcts_service.rpc.convert_settings import read_settings
from mcts_service.rpc.convert_state import JsonState, state_reader
from mcts_service.rpc.tensors import array_from_tensor
from mcts_service.service.entry import ModelEntry
from mcts_service.service.query import BatchQuery, BatchRow
from mcts_service.service.states import discrete_state, expected, given, refused, tensor_row
from mcts_service.service.violations import Violations
from mcts_service.v1 import planner_pb2

__all__ = ["batch_query"]


def batch_query(
    request: planner_pb2.PlanBatchRequest,
    entry: ModelEntry,
    *,
    received: float,
    time_remaining: float | None,
    caller: str = "",
) -> BatchQuery:
    """Reads a request as far as it concerns all rows; what is wrong with one is found later.

    Args:
      entry: the model that the request names.
      received: when it came, in seconds of time.monotonic().
      time_remaining: seconds until the caller's deadline, None without one.
      caller: who asks.
    Raises:
      InvalidRequest: with every wrong field.
      BudgetTooLarge: the budget exceeds what the model allows.
    """
    violations = Violations()
    query: dict[str, Any] = {"rows": []}
    with violations.collected():
        query["rows"] = _rows(request, entry)
    # Without them nothing can be said of what has one entry a row.
    count = len(query["rows"])
    with violations.collected():
        if request.seeds and count:
            query["seeds"] = _seeds(request.seeds, count)
    with violations.collected():
        if request.HasField("action_mask") and count:
            query["action_mask"] = _action_mask(request.action_mask, entry, count)
    query |= read_settings(
        request,
        entry,
        violations,
        received=received,
        time_remaining=time_remaining,
        caller=caller,
        rows=max(count, 1),
    )
    violations.raise_if_any()
    return BatchQuery(**query)


def _rows(request: planner_pb2.PlanBatchRequest, entry: ModelEntry) -> list[BatchRow]:
    """The states, each to be read where the searches run."""
    form = request.WhichOneof("states")
    kind = entry.state_spec.kind
    if form is None:
        raise InvalidRequest(
            "states", f"is missing; must be tensor, discrete or list; {expected(entry)}"
        )
    if form != "list" and form != kind:
        raise InvalidRequest(
            form,
            f"has states of another kind; {expected(entry)}"
            + ("" if kind in ("tensor", "discrete") else ", a state a row in list"),
        )
    if form == "tensor":
        return _tensor_rows(request.tensor, entry)
    if form == "discrete":
        values: Sequence[int] = request.discrete.values
        _require_count("discrete.values", len(values), entry)
        fields = [f"discrete.values[{row}]" for row in range(len(values))]
        return [
            BatchRow(field, partial(discrete_state, entry, value, field))
            for field, value in zip(fields, values, strict=True)
        ]
    states: Sequence[planner_pb2.State] = request.list.states
    _require_count("list.states", len(states), entry)
    return [
        BatchRow(field, _ListedState(entry, state, field))
        for field, state in ((f"list.states[{row}]", s) for row, s in enumerate(states))
    ]


def _tensor_rows(tensor: planner_pb2.Tensor, entry: ModelEntry) -> list[BatchRow]:
    spec = entry.state_spec
    if not tensor.shape:
        raise InvalidRequest("tensor.shape", f"is []; must be {['rows', *spec.shape]}")
    count = tensor.shape[0]
    _require_count("tensor.shape", count, entry)
    stacked = array_from_tensor(tensor, replace(spec, shape=(count, *spec.shape)), "tensor")
    fields = [f"tensor[{row}]" for row in range(count)]
    return [
        BatchRow(field, partial(tensor_row, stacked, row, field))
        for row, field in enumerate(fields)
    ]


@dataclass(frozen=True)
class _ListedState:
    """Reads a row; for another process, what is wrong with it without the model is found first."""

    entry: ModelEntry
    state: planner_pb2.State
    field: str

    def __call__(self) -> Any:
        return state_reader(self.entry, self.state, self.field)()

    def __reduce__(self) -> tuple[Any, ...]:
        try:
            reader = state_reader(self.entry, self.state, self.field)
            if isinstance(reader, JsonState):
                reader = reader.without_messages()
        except InvalidRequest as error:
            reader = partial(refused, error)
        return given, (reader,)


def _require_count(field: str, count: int, entry: ModelEntry) -> None:
    """Raises InvalidRequest unless a batch of the model may have that many rows."""
    if not 1 <= count <= entry.max_batch:
        raise InvalidRequest(
            field, f"has {count} rows; model {entry.name} takes 1 to {entry.max_batch}"
        )


def _seeds(seeds: Sequence[int], count: int) -> list[int]:
    if len(seeds) != count:
        raise InvalidRequest(
            "seeds", f"has {len(seeds)} entries; must have {count}, one a row, or be empty"
        )
    return list(seeds)


def _action_mask(mask: planner_pb2.Tensor, entry: ModelEntry, count: int) -> np.ndarray:
    if entry.action_spec.kind != "discrete":
        raise InvalidRequest(
            "action_mask",
            f"is set, and model {entry.name} labels its actions; must be absent "
            "(allowed_actions of Plan takes labels)",
        )
    shape = (count, entry.action_spec.num_actions)
    return array_from_tensor(mask, StateSpec("tensor", np.dtype(bool), shape), "action_mask")

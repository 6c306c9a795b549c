"""What a simulator says of itself, checked before anything is built on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.checks import require_bounds, require_integer, require_number
from mcts_service.errors import InvalidRequest
from mcts_service.models.spec import ActionSpec, StateSpec
from mcts_service.rpc.remote_rows import DiscreteRows, OpaqueRows, StateForm, TensorRows
from mcts_service.service.entry import WIRE_DTYPES
from mcts_service.v1 import model_pb2, planner_pb2

__all__ = ["PROTOCOL_VERSION", "Description", "read_description"]

PROTOCOL_VERSION = 1

#: What the core numbers actions and players with.
_MAX_ACTIONS, _MAX_PLAYERS = 2**24, 255
_MAX_STATE_BYTES = 2**20
#: Rows of one question of the search.
_MAX_ROWS = 1024
_DTYPES: dict[int, np.dtype] = {
    getattr(planner_pb2, f"DTYPE_{name.upper()}"): np.dtype(name) for name in WIRE_DTYPES
}
#: Columns that InspectBatch gives, by what announces them; values and priors, where it likes.
_INSPECTED = {"legal", "terminal", "players", "keys"}


@dataclass(frozen=True, eq=False)
class Description:
    """A simulator, as `DescribeResponse` describes it, with every default filled in.

    Attributes:
      form: how its states are written and read.
      state_spec, action_spec: for the planner's callers.
      example: an initial state, as a row; None: it gives none.
      facts: the columns of `StateFacts` that it announces.
      inspects: it can be asked about states.
    The others: as there; `horizon` and `default_simulations` are None where it does not say.
    """

    form: StateForm
    state_spec: StateSpec
    action_spec: ActionSpec
    example: np.ndarray | None
    facts: frozenset[str]
    inspects: bool
    model_version: str
    description: str
    num_players: int
    discount: float
    deterministic: bool
    continuing: bool
    return_bounds: tuple[float, float] | None
    horizon: int | None
    default_simulations: int | None
    calls_at_once: int
    max_rows: int
    continues_streams: bool

    @property
    def num_actions(self) -> int:
        """Actions are 0 .. num_actions - 1."""
        return self.action_spec.num_actions

    @property
    def widths(self) -> dict[str, int]:
        """How many entries a row of a column has."""
        return {"actions": self.num_actions, "players": self.num_players}


def read_description(told: model_pb2.DescribeResponse) -> Description:
    """The description of a simulator.

    Raises:
      InvalidRequest: it says what cannot be; names the field.
    """
    if told.protocol_version != PROTOCOL_VERSION:
        raise InvalidRequest(
            "protocol_version",
            f"is {told.protocol_version}; this planner speaks {PROTOCOL_VERSION}",
        )
    form, spec = _form(told)
    players = require_integer("num_players", told.num_players or 1, 1, _MAX_PLAYERS)
    if players > 1 and not told.has_players:
        raise InvalidRequest("has_players", f"is false; must be true with {players} players")
    actions = require_integer("num_actions", told.num_actions, 1, _MAX_ACTIONS)
    names = ("legal", "terminal", "players", "values", "priors", "keys")
    facts = frozenset(name for name in names if getattr(told, f"has_{name}"))
    bounds = told.return_bounds
    return Description(
        form=form,
        state_spec=spec,
        action_spec=ActionSpec("discrete", actions, told.action_description),
        example=_example(told, form),
        facts=facts,
        inspects=told.validates_states or bool(facts & _INSPECTED),
        model_version=told.model_version or "1",
        description=told.description,
        num_players=players,
        discount=_discount(told),
        deterministic=told.deterministic,
        continuing=told.continuing,
        return_bounds=require_bounds("return_bounds", (bounds.least, bounds.greatest))
        if told.HasField("return_bounds")
        else None,
        horizon=_optional("horizon", told.horizon, 2**31 - 1),
        default_simulations=_optional("default_simulations", told.default_simulations, 2**31 - 1),
        calls_at_once=require_integer("calls_at_once", told.calls_at_once or 1, 1, 256),
        max_rows=min(
            require_integer("max_rows", told.max_rows or _MAX_ROWS, 1, 2**31 - 1), _MAX_ROWS
        ),
        continues_streams=told.continues_streams,
    )


def _optional(field: str, value: int, most: int) -> int | None:
    return require_integer(field, value, 1, most) if value else None


def _discount(told: model_pb2.DescribeResponse) -> float:
    if not told.HasField("discount"):
        return 1.0
    discount = require_number("discount", told.discount, 0, 1)
    if discount == 0:
        raise InvalidRequest("discount", "is 0; must be above 0")
    return discount


def _form(told: model_pb2.DescribeResponse) -> tuple[StateForm, StateSpec]:
    spec = told.state_spec
    words: dict[str, Any] = {"description": spec.description}
    if spec.kind == planner_pb2.VALUE_KIND_DISCRETE:
        values = require_integer("state_spec.num_values", spec.num_values, 0, 2**63 - 1)
        return DiscreteRows(), StateSpec("discrete", num_values=values, **words)
    if spec.kind == planner_pb2.VALUE_KIND_TENSOR:
        dtype = _DTYPES.get(spec.dtype)
        if dtype is None:
            raise InvalidRequest("state_spec.dtype", f"is {spec.dtype}; must be a Dtype")
        shape = tuple(
            require_integer("state_spec.shape", size, 0, _MAX_STATE_BYTES) for size in spec.shape
        )
        if math.prod(shape) * dtype.itemsize > _MAX_STATE_BYTES:
            raise InvalidRequest(
                "state_spec.shape",
                f"is {list(shape)}; a state must have {_MAX_STATE_BYTES} bytes at most",
            )
        return TensorRows(dtype, shape), StateSpec("tensor", dtype, shape, **words)
    if spec.kind == planner_pb2.VALUE_KIND_OPAQUE:
        most = require_integer("max_state_bytes", told.max_state_bytes, 1, _MAX_STATE_BYTES)
        return OpaqueRows(most), StateSpec("opaque", **words)
    raise InvalidRequest(
        "state_spec.kind",
        f"is {spec.kind}; must be VALUE_KIND_DISCRETE, VALUE_KIND_TENSOR or VALUE_KIND_OPAQUE",
    )


def _example(told: model_pb2.DescribeResponse, form: StateForm) -> np.ndarray | None:
    """The example as a row, by the way that all states go."""
    if not told.state_spec.HasField("example"):
        return None
    state = told.state_spec.example
    rows = model_pb2.StateRows()
    if state.HasField("discrete"):
        rows.discrete.values.append(state.discrete)
    elif state.HasField("tensor"):
        rows.tensor.CopyFrom(state.tensor)
        rows.tensor.shape.insert(0, 1)
    elif state.HasField("opaque"):
        rows.opaque.values.append(state.opaque)
    try:
        row: np.ndarray = form.read(rows, 1)[0]
    except InvalidRequest as error:
        raise InvalidRequest("state_spec.example", f"is no state: {error}") from error
    return row

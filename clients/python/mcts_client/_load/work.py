"""What a load test asks for: one kind of call, or a mixture of kinds by weight."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from mcts_client._checks import shown
from mcts_client.errors import InvalidRequest

__all__ = ["Mode", "Work"]

#: How a call travels: `Plan`, `PlanBatch`, or on a stream of `PlanMany`.
Mode = Literal["unary", "batch", "stream"]

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Work:
    """One kind of call.

    Attributes:
      name: in tables and thresholds: letters, digits, dots, dashes, underscores.
      model: the model's name.
      model_version: empty for the newest.
      weight: > 0; a kind has its weight's share of the calls.
      mode: how a call travels.
      rows: states of a call whose mode is "batch", >= 1.
      states: where plans start, as `PlannerClient.plan` takes them; each call draws one.
        Empty: the model's own example.
      simulations: of each plan; None: not limited.
      time_limit: of each call, in seconds; None: not limited.
      max_bytes: of each search tree; None: not limited.
      horizon: steps left in every plan, or None.
      priority: of each call before others that wait; 0 is the usual one.
      search: how to search, by the names of `SearchSettings`. `early_stop` is False where this
        does not say otherwise: the load is what was asked for, whatever a search finds.

    Raises:
      InvalidRequest: a value is not as described.
    """

    name: str
    model: str
    model_version: str = ""
    weight: float = 1.0
    mode: Mode = "unary"
    rows: int = 16
    states: tuple[Any, ...] = ()
    simulations: int | None = None
    time_limit: float | None = None
    max_bytes: int | None = None
    horizon: int | None = None
    priority: int = 0
    search: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.model, str) or not self.model:
            _refuse("model", self.model, "the name of a model")
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            _refuse("name", self.name, "1 to 64 letters, digits, dots, dashes or underscores")
        if not _is_number(self.weight) or not 0 < self.weight < math.inf:
            _refuse("weight", self.weight, "a number above 0")
        if self.mode not in get_args(Mode):
            _refuse("mode", self.mode, ", ".join(get_args(Mode)))
        if not _is_integer(self.rows) or self.rows < 1:
            _refuse("rows", self.rows, "a whole number from 1 on")
        if not _is_integer(self.priority):
            _refuse("priority", self.priority, "an integer")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _refuse(field_name: str, value: Any, right: str) -> None:
    raise InvalidRequest.of_field(field_name, f"is {shown(value)}; must be {right}")

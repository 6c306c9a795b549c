"""What a model's states and actions look like, for people and for the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["ActionSpec", "StateSpec", "ValueKind"]

ValueKind = Literal["discrete", "tensor", "opaque", "json"]


@dataclass(frozen=True)
class StateSpec:
    """The form of a model's states.

    Attributes:
      kind: "discrete" (an int), "tensor" (an array), "opaque" (bytes by the model's codec)
        or "json" (numbers, strings and nested sequences of them).
      dtype: of a tensor, else None.
      shape: of a tensor, else ().
      num_values: a discrete state is from 0 to num_values - 1; 0 if that is not known.
      description: what the numbers mean.
    """

    kind: ValueKind
    dtype: np.dtype | None = None
    shape: tuple[int, ...] = ()
    num_values: int = 0
    description: str = ""


@dataclass(frozen=True)
class ActionSpec:
    """The form of a model's actions.

    Attributes:
      kind: "discrete" (a number), or, of labels, "json" (what JSON holds, tuples as lists) or
        "opaque" (bytes by the model's encode_action and decode_action).
      num_actions: a discrete action is from 0 to num_actions - 1; of labels 0.
      description: what the numbers mean.
    """

    kind: ValueKind
    num_actions: int
    description: str = ""

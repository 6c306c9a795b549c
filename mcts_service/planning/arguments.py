"""The arguments of a planner, checked: each error names one and says what would be right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from mcts_service.checks import require_bounds, require_integer, require_number, shown
from mcts_service.errors import InvalidRequest
from mcts_service.labels import is_labelled
from mcts_service.planning.budget import DEFAULT_SIMULATIONS, MAX_SIMULATIONS

__all__ = [
    "MAX_HORIZON",
    "MAX_SEED",
    "check_allowed",
    "check_model",
    "count_rows",
    "of_type",
    "rows_of",
]

MAX_SEED = 2**64 - 1
MAX_HORIZON = 2**31 - 1
MAX_STATE_BYTES = 2**63 - 1
#: What the core numbers actions and players with.
MAX_ACTIONS, MAX_PLAYERS = 2**24, 255

T = TypeVar("T")


def of_type(field: str, value: T | None, kind: type[T]) -> T:
    """The value, or one with every default where it is None.

    Raises:
      InvalidRequest: it is of another type.
    """
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise InvalidRequest(field, f"is {shown(value)}; must be a {kind.__name__}")
    return value


def count_rows(states: Any) -> int:
    """How many states there are, at least one.

    Raises:
      InvalidRequest: there is none, or `states` is no sequence.
    """
    if not isinstance(states, (Sequence, np.ndarray)) or isinstance(states, (str, bytes)):
        raise InvalidRequest("states", f"is {shown(states)}; must be a sequence of states")
    if isinstance(states, np.ndarray) and states.ndim == 0:
        raise InvalidRequest("states", "is an array without rows; must have one a state")
    if not len(states):
        raise InvalidRequest("states", "is empty; must have at least one state")
    return len(states)


def rows_of(field: str, values: Any, count: int) -> Sequence[Any]:
    """One value a row; None for each where there are none.

    Raises:
      InvalidRequest: `values` is no sequence of that length.
    """
    if values is None:
        return [None] * count
    if isinstance(values, np.ndarray):
        values = list(values)
    if not isinstance(values, Sequence):
        raise InvalidRequest(field, f"is {shown(values)}; must be a sequence, one entry a state")
    if len(values) != count:
        raise InvalidRequest(field, f"has {len(values)} entries; must have {count}, one a state")
    return values


def check_allowed(allowed: Any, check_action: Callable[[str, Any], Any]) -> list[Any] | None:
    """The actions that a request allows, in its order; None: all.

    Args:
      allowed: what the request says.
      check_action: gives an action of that field, or raises InvalidRequest.
    Raises:
      InvalidRequest: it is empty, or one is no action, or is there twice.
    """
    if allowed is None:
        return None
    if not isinstance(allowed, Iterable):
        raise InvalidRequest(
            "allowed_actions", f"is {shown(allowed)}; must be a sequence of actions"
        )
    actions: list[Any] = []
    for index, action in enumerate(allowed):
        actions.append(check_action(f"allowed_actions[{index}]", action))
        if action in actions[:index]:
            raise InvalidRequest(f"allowed_actions[{index}]", f"repeats action {action}")
    if not actions:
        raise InvalidRequest("allowed_actions", "is empty; must name at least one action")
    return actions


def check_model(model: Any, is_native: bool) -> None:
    """What the core would find out later, or not tell by its name.

    Raises:
      InvalidRequest: names what is missing or wrong.
    """
    if not is_native:
        _check_python_model(model)
    states = getattr(model, "state_size_bytes", 0)
    require_integer("model.state_size_bytes", states, 0, MAX_STATE_BYTES)
    if getattr(model, "horizon", None) is not None:
        require_integer("model.horizon", model.horizon, 1, MAX_HORIZON)
    simulations = getattr(model, "default_simulations", DEFAULT_SIMULATIONS)
    require_integer("model.default_simulations", simulations, 1, MAX_SIMULATIONS)


def _check_python_model(model: Any) -> None:
    if not any(callable(getattr(model, name, None)) for name in ("sample", "sample_batch")):
        raise InvalidRequest(
            "model",
            f"{type(model).__name__} has no sample(state, action, rng) and no sample_batch; a "
            "distribution model becomes a sample model by mcts_service.models.SampledModel",
        )
    if is_labelled(model):
        require_integer("model.max_actions", getattr(model, "max_actions", 1), 1, MAX_ACTIONS)
    else:
        num_actions = getattr(model, "num_actions", None)
        require_integer("model.num_actions", num_actions, 1, MAX_ACTIONS)
    require_integer("model.num_players", getattr(model, "num_players", 1), 1, MAX_PLAYERS)
    require_bounds("model.return_bounds", getattr(model, "return_bounds", None))
    discount = require_number("model.discount", getattr(model, "discount", 1.0), 0, 1)
    if discount == 0:
        raise InvalidRequest("model.discount", "is 0; must be above 0")

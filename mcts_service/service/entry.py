"""A model that is served under a name, with all that a caller may ask about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.labels import MAX_LABELS, is_labelled
from mcts_service.models.spec import ActionSpec, StateSpec
from mcts_service.planning import SearchConfig
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.label_codec import LABEL_FORM, label_encoder, label_kind

__all__ = ["WIRE_DTYPES", "ModelEntry", "describe_model", "require_name"]

_NAME = re.compile(r"[a-z0-9_-]{1,64}")

#: Element types of the tensors that travel.
WIRE_DTYPES = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
)

#: A batch answers with columns of rows times actions: with no more entries than this, a few
#: megabytes.
_MAX_BATCH_ENTRIES = 2**20

#: What a model may have beyond `sample`, as GetModel lists it.
_OPTIONAL = (
    "legal_actions",
    "is_terminal",
    "initial_state",
    "value",
    "rollout_action",
    "state_key",
    "state_from_json",
    "transitions",
    "validate_state",
)


@dataclass(frozen=True, eq=False)
class ModelEntry:
    """A model under its name.

    Attributes:
      name: `[a-z0-9_-]{1,64}`.
      version: which model of that name.
      model: a sample model.
      description: a line about it.
      state_spec, action_spec: the form of its states and actions.
      example: a state to try, or None where the model gives none.
      capabilities: what it can do beyond sampling, sorted.
      limits: what a request may ask for.
      config: how it is searched where a request does not say.
    """

    name: str
    version: str
    model: Any
    description: str
    state_spec: StateSpec
    action_spec: ActionSpec
    example: Any
    capabilities: tuple[str, ...]
    limits: BudgetLimits
    config: SearchConfig

    @property
    def num_players(self) -> int:
        """Players; rewards and values have one entry each."""
        return int(getattr(self.model, "num_players", 1))

    @property
    def discount(self) -> float:
        """Discount per step."""
        return float(getattr(self.model, "discount", 1.0))

    @property
    def max_actions(self) -> int:
        """Actions of one state at most."""
        if self.action_spec.kind == "discrete":
            return self.action_spec.num_actions
        return int(getattr(self.model, "max_actions", MAX_LABELS))

    @property
    def max_batch(self) -> int:
        """Rows of one batch at most: the limit's, or fewer where there are very many actions."""
        fitting = _MAX_BATCH_ENTRIES // self.max_actions
        return max(1, min(self.limits.max_batch, fitting))

    @property
    def is_thread_safe(self) -> bool:
        """True if searches of this model may run at the same time.

        A Python object is not asked to be: its searches run one by one.
        """
        handle = getattr(self.model, "handle", None)
        return handle is not None and bool(handle.thread_safe)

    @property
    def plans_at_once(self) -> int:
        """Searches of a model that is not thread-safe that run at once, by a planner each.

        One, but for a model that says more.
        """
        return int(getattr(self.model, "plans_at_once", 1))

    @cached_property
    def is_prompt(self) -> bool:
        """True if a search of few simulations may run where nothing else runs meanwhile.

        What answers in batches may take long for one answer, and labels are read by the model.
        """
        if not self.is_thread_safe or self.action_spec.kind != "discrete":
            return False
        return not self.model.handle.answers_in_batches


def require_name(field: str, name: str) -> None:
    """Raises InvalidRequest unless a model may be served under `name`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequest(
            field, f"is {shown(name)}; must be 1 to 64 characters of a-z, 0-9, _ and -"
        )


def describe_model(
    name: str,
    model: Any,
    *,
    limits: BudgetLimits,
    version: str = "1",
    description: str = "",
    config: SearchConfig | None = None,
) -> ModelEntry:
    """Takes a model into service.

    What the model does not declare is derived from its initial state.

    Args:
      name: what callers ask for.
      model: a sample model, see `mcts_service.protocols`.
      limits: what a request may ask for.
      version: which model of that name.
      description: a line about it; empty: the model's own, or that of its class.
      config: its default search.
    Raises:
      InvalidRequest: the name is not allowed, or states or actions of this model cannot travel.
    """
    require_name("name", name)
    example = _example(model)
    state_spec = getattr(model, "state_spec", None) or _derived_state_spec(model, example)
    action_spec = getattr(model, "action_spec", None) or _derived_action_spec(model)
    _require_servable(state_spec, action_spec, model)
    if is_labelled(model) and example is not None:
        _require_labels_that_travel(model, action_spec, example)
    return ModelEntry(
        name=name,
        version=version,
        model=model,
        description=description or _own_description(model),
        state_spec=state_spec,
        action_spec=action_spec,
        example=example if state_spec.kind != "json" or _is_plain(example) else None,
        capabilities=_capabilities(model),
        limits=limits.of_model(model),
        config=config or SearchConfig(),
    )


def _example(model: Any) -> Any:
    """An initial state, the same at every start of the server; None without one."""
    if not callable(getattr(model, "initial_state", None)):
        return None
    return model.initial_state(np.random.default_rng(0))


def _own_description(model: Any) -> str:
    documentation = getattr(model, "description", "") or type(model).__doc__ or ""
    return documentation.strip().partition("\n")[0]


def _capabilities(model: Any) -> tuple[str, ...]:
    names = {name for name in _OPTIONAL if callable(getattr(model, name, None))}
    if getattr(model, "deterministic", False):
        names.add("deterministic")
    return tuple(sorted(names))


def _derived_state_spec(model: Any, example: Any) -> StateSpec:
    """The form of the states of a model that does not say.

    The example decides; a codec is for states that are neither integers nor arrays.
    """
    if isinstance(example, (int, np.integer)) and not isinstance(example, bool):
        return StateSpec("discrete")
    if isinstance(example, np.ndarray) and example.dtype.kind in "biuf":
        return StateSpec("tensor", dtype=example.dtype.newbyteorder("="), shape=example.shape)
    if callable(getattr(model, "encode_state", None)):
        return StateSpec("opaque", description="bytes of the model's own encoding")
    if example is None or _is_plain(example) or callable(getattr(model, "state_from_json", None)):
        return StateSpec("json")
    raise InvalidRequest(
        "initial_state",
        f"gives a {type(example).__name__}, which cannot travel; "
        "the model must have encode_state and decode_state, or state_from_json",
    )


def _derived_action_spec(model: Any) -> ActionSpec:
    """The form of the actions of a model that does not say."""
    if not is_labelled(model):
        return ActionSpec("discrete", model.num_actions)
    kind = label_kind(model)
    description = "bytes of the model's own encoding" if kind == "opaque" else LABEL_FORM
    return ActionSpec(kind, 0, description)


def _require_labels_that_travel(model: Any, action_spec: ActionSpec, example: Any) -> None:
    """Looks at the labels of the example, so that most models are refused at the start."""
    encode = label_encoder(model, action_spec.kind)
    for label in model.actions(example):
        try:
            data = encode(label)
        except ValueError as error:
            raise InvalidRequest(
                "actions",
                f"gives a label that cannot travel: {error}; labels must be {LABEL_FORM} (here "
                "as tuples), or the model must have encode_action and decode_action",
            ) from error
        if action_spec.kind == "opaque" and model.decode_action(data) != label:
            raise InvalidRequest(
                "decode_action",
                f"gives {shown(model.decode_action(data))} for what encode_action makes of "
                f"{shown(label)}; must give that label again",
            )


def _require_servable(state_spec: StateSpec, action_spec: ActionSpec, model: Any) -> None:
    if state_spec.kind == "tensor" and str(state_spec.dtype) not in WIRE_DTYPES:
        raise InvalidRequest(
            "state_spec.dtype", f"is {state_spec.dtype}; must be one of {', '.join(WIRE_DTYPES)}"
        )
    right = label_kind(model) if is_labelled(model) else "discrete"
    if action_spec.kind != right:
        raise InvalidRequest("action_spec.kind", f'is "{action_spec.kind}"; must be "{right}"')


def _is_plain(value: Any) -> bool:
    """True if JSON can hold the value."""
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, (bool, int, float, str, np.number, np.bool_))

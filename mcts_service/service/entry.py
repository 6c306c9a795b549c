"""A model that is served under a name, with all that a caller may ask about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.labels import MAX_LABELS, is_labelled
from mcts_service.models.spec import ActionSpec, StateSpec, ValueKind
from mcts_service.planning import SearchConfig
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.label_codec import LABEL_FORM, label_encoder, label_kind

if TYPE_CHECKING:
    from mcts_service.service.search_host import SearchHost

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
      model: a sample model; None where it is in other processes.
      description: a line about it.
      state_spec, action_spec: the form of its states and actions.
      example: a state to try, or None where the model gives none; as it travels where the model is
        in other processes.
      sent_example: the same as it travels: the model's own bytes, or plain numbers and texts.
      capabilities: what it can do beyond sampling, sorted.
      limits: what a request may ask for.
      config: how it is searched where a request does not say.
      num_players: rewards and values have one entry each.
      discount: per step.
      max_actions: of one state at most.
      is_thread_safe: True if searches of this model may run at the same time. A Python object is
        not asked to be: its searches run one by one.
      answers_in_batches: True if the rows of a batch are planned together.
      plans_together: True if plans that are asked for at the same time may be made together, by
        the process that has the model.
      is_prompt: True if a search of few simulations may run where nothing else runs meanwhile.
        What answers in batches may take long for one answer, and labels are read by the model.
      plans_at_once: searches of a model that is not thread-safe that run at once, by a planner
        each: one, but for a model that says more.
      host: what runs its searches; None: the threads of this process.
    """

    name: str
    version: str
    model: Any
    description: str
    state_spec: StateSpec
    action_spec: ActionSpec
    example: Any
    sent_example: Any
    capabilities: tuple[str, ...]
    limits: BudgetLimits
    config: SearchConfig
    num_players: int
    discount: float
    max_actions: int
    is_thread_safe: bool
    answers_in_batches: bool
    plans_together: bool
    is_prompt: bool
    plans_at_once: int = 1
    host: SearchHost | None = None

    @property
    def max_batch(self) -> int:
        """Rows of one batch at most: the limit's, or fewer where there are very many actions."""
        fitting = _MAX_BATCH_ENTRIES // self.max_actions
        return max(1, min(self.limits.max_batch, fitting))


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
    if state_spec.kind == "json" and not _is_plain(example):
        example = None
    handle: Any = getattr(model, "handle", None)
    is_thread_safe = handle is not None and bool(handle.thread_safe)
    in_batches = callable(getattr(model, "sample_batch", None))
    if handle is not None:
        in_batches = bool(handle.answers_in_batches)
    is_numbered = action_spec.kind == "discrete"
    return ModelEntry(
        name=name,
        version=version,
        model=model,
        description=description or _own_description(model),
        state_spec=state_spec,
        action_spec=action_spec,
        example=example,
        sent_example=None if example is None else _as_sent(model, state_spec.kind, example),
        capabilities=_capabilities(model),
        limits=limits.of_model(model),
        config=config or SearchConfig(),
        num_players=int(getattr(model, "num_players", 1)),
        discount=float(getattr(model, "discount", 1.0)),
        max_actions=action_spec.num_actions
        if is_numbered
        else int(getattr(model, "max_actions", MAX_LABELS)),
        is_thread_safe=is_thread_safe,
        answers_in_batches=in_batches,
        plans_together=in_batches and not is_thread_safe and not _waits(model),
        is_prompt=is_thread_safe and is_numbered and not in_batches,
        plans_at_once=int(getattr(model, "plans_at_once", 1)),
    )


def _waits(model: Any) -> bool:
    """Whether a model waits for its answers, by the time of the plan that asks."""
    return getattr(model, "answer_within", None) is not None


def _example(model: Any) -> Any:
    """An initial state, the same at every start of the server; None without one."""
    if not callable(getattr(model, "initial_state", None)):
        return None
    return model.initial_state(np.random.default_rng(0))


def _as_sent(model: Any, kind: ValueKind, state: Any) -> Any:
    """The state as it travels, free of the model's own types."""
    if kind == "opaque":
        return bytes(model.encode_state(state))
    if kind == "tensor":
        return np.asarray(state)
    return int(state) if kind == "discrete" else _plain(state)


def _plain(value: Any) -> Any:
    """What `_is_plain`, in types that Python itself has."""
    if isinstance(value, dict):
        return {str.__str__(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_plain(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, (np.number, np.bool_)):
        return value.item()
    if isinstance(value, str):
        return str.__str__(value)
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return None


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

"""Actions: messages of the wire and what models take."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.models.spec import ValueKind
from mcts_service.rpc.convert_state import json_message, read_json
from mcts_service.service.actions import each_action, opaque_action
from mcts_service.service.entry import ModelEntry
from mcts_service.service.label_codec import LABEL_FORM, label_from_json
from mcts_service.service.states import given
from mcts_service.v1 import planner_pb2

__all__ = ["action_message", "allowed_actions_reader"]


def action_message(kind: ValueKind, action: Any) -> planner_pb2.Action:
    """The action as the wire has it.

    Args:
      kind: of the model's ActionSpec.
      action: as it travels, see `travelling`.
    """
    if kind == "json":
        return planner_pb2.Action(json=json_message(action))
    if kind == "opaque":
        return planner_pb2.Action(opaque=action)
    return planner_pb2.Action(discrete=action)


def allowed_actions_reader(
    entry: ModelEntry, actions: planner_pb2.ActionSet
) -> Callable[[], list[Any]]:
    """Checks what can be checked of a request's `allowed_actions` without the model.

    Returns:
      A function that gives the actions, or raises InvalidRequest. It may run the model's own
      code: it belongs where the searches run, and can be pickled, as that may be elsewhere.
    Raises:
      InvalidRequest: there are none, or one is no action of the model or given twice.
    """
    if not actions.actions:
        raise InvalidRequest(
            "allowed_actions",
            "is empty; must name at least one action, or be absent to allow every one",
        )
    if len(actions.actions) > entry.max_actions:
        raise InvalidRequest(
            "allowed_actions",
            f"has {len(actions.actions)} actions; model {entry.name} has {entry.max_actions}"
            + ("" if entry.action_spec.kind == "discrete" else " at most"),
        )
    if entry.action_spec.kind == "opaque":
        data = each_action(actions.actions, partial(_opaque_bytes, entry))
        return partial(each_action, data, partial(opaque_action, entry, field=".opaque"))
    read = _read_number if entry.action_spec.kind == "discrete" else _read_label
    return partial(given, each_action(actions.actions, partial(read, entry)))


def _read_number(entry: ModelEntry, action: planner_pb2.Action) -> int:
    num_actions = entry.action_spec.num_actions
    right = f"model {entry.name} takes discrete, an integer from 0 to {num_actions - 1}"
    kind = action.WhichOneof("kind")
    if kind == "discrete":
        number: Any = action.discrete
    elif kind == "json":
        number = read_json(action.json, ".json")
    else:
        raise InvalidRequest("", f"is {kind or 'empty'}; {right}")
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    if not is_number or number != int(number) or not 0 <= number < num_actions:
        raise InvalidRequest(f".{kind}", f"is {shown(number)}; {right}")
    return int(number)


def _read_label(entry: ModelEntry, action: planner_pb2.Action) -> Any:
    kind = action.WhichOneof("kind")
    # A label may be an integer, and clients send integers so.
    if kind == "discrete":
        return action.discrete
    if kind == "json":
        return label_from_json(read_json(action.json, ".json"), ".json")
    raise InvalidRequest("", f"is {kind or 'empty'}; model {entry.name} takes json, {LABEL_FORM}")


def _opaque_bytes(entry: ModelEntry, action: planner_pb2.Action) -> bytes:
    kind = action.WhichOneof("kind")
    if kind == "opaque":
        return action.opaque
    raise InvalidRequest(
        "",
        f"is {kind or 'empty'}; model {entry.name} takes opaque, bytes of its own encoding",
    )

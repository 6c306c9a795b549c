"""The actions of requests and plans: numbers as they are, labels as they travel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.labels import is_hashable
from mcts_service.planning import Plan, Plans
from mcts_service.service.entry import ModelEntry
from mcts_service.service.label_codec import label_encoder
from mcts_service.service.states import read_by_model
from mcts_service.service.violations import Violations

__all__ = ["each_action", "opaque_action", "travelling", "travelling_rows"]


def each_action(values: Sequence[Any], read: Callable[[Any], Any]) -> list[Any]:
    """What is read of each of a request's allowed actions.

    Raises:
      InvalidRequest: with every one that is wrong or comes again.
    """
    violations = Violations()
    found: dict[Any, int] = {}
    for position, value in enumerate(values):
        with violations.collected(f"allowed_actions.actions[{position}]"):
            action = read(value)
            first = found.setdefault(action, position)
            if first != position:
                raise InvalidRequest("", f"repeats action {shown(action)} of actions[{first}]")
    violations.raise_if_any()
    return list(found)


def opaque_action(entry: ModelEntry, data: bytes, field: str) -> Any:
    """The action that the model's `decode_action` reads from bytes.

    Raises:
      InvalidRequest: the model cannot read them.
    """
    action = read_by_model(entry.model.decode_action, data, field)
    if not is_hashable(action):
        raise InvalidRequest(field, f"is {shown(data)}; the model reads no label from it")
    return action


def travelling(entry: ModelEntry, plan: Plan) -> Plan:
    """The plan with every action as it travels.

    It may run the model's `encode_action`: it belongs where the searches run.

    Raises:
      ModelFault: a label cannot travel.
    """
    if entry.action_spec.kind == "discrete":
        return plan
    encode = label_encoder(entry.model, entry.action_spec.kind)
    try:
        return replace(
            plan,
            action=encode(plan.action),
            actions=[replace(one, action=encode(one.action)) for one in plan.actions],
            principal_variation=[
                replace(step, action=encode(step.action)) for step in plan.principal_variation
            ],
        )
    except Exception as error:
        raise ModelFault(f"actions: {error}") from error


def travelling_rows(entry: ModelEntry, plans: Plans) -> Plans:
    """`travelling` for each; a row with a label that cannot travel has the error of it."""
    if entry.action_spec.kind == "discrete":
        return plans
    encode = label_encoder(entry.model, entry.action_spec.kind)

    def encoded(label: Any) -> Any:
        try:
            return encode(label)
        except Exception as error:
            raise ModelFault(f"actions: {error}") from error

    return plans.relabelled(encoded)

"""What a model owes for the optional capabilities that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from mcts_service.labels import MAX_LABELS, is_hashable
from mcts_service.testing.report import NotApplicable, Problem, shown
from mcts_service.testing.subject import (
    Subject,
    copied,
    is_flag,
    is_index,
    is_number,
    require_numbers,
    same,
)

__all__ = [
    "capability",
    "check_action_codec",
    "check_actions",
    "check_codec",
    "check_current_player",
    "check_declarations",
    "check_legal_actions",
    "check_packing",
    "check_rollout_action",
    "check_terminal_states",
    "check_validate_state",
    "check_value",
]

# The whole numbers that a model may declare, each 1 or more.
_COUNTS = ("horizon", "default_simulations", "state_size_bytes")


def capability(subject: Subject, name: str) -> Callable[..., Any]:
    """The model's method of that name.

    Raises:
      NotApplicable: the model has none.
    """
    method: Callable[..., Any] | None = getattr(subject.model, name, None)
    if method is None:
        raise NotApplicable(f"the model has no {name}")
    return method


def check_declarations(subject: Subject) -> None:
    """The numbers that a model declares are in range."""
    discount: Any = getattr(subject.model, "discount", 1.0)
    if not (is_number(discount) and 0 < discount <= 1):
        raise Problem(f"discount is {shown(discount)}; must be a number above 0, up to 1")
    for name in _COUNTS:
        count = getattr(subject.model, name, None)
        if count is not None and not (is_index(count) and count >= 1):
            raise Problem(f"{name} is {shown(count)}; must be an integer >= 1")


def check_terminal_states(subject: Subject) -> None:
    """`is_terminal` says of a state what `sample` said on arriving there."""
    is_terminal = capability(subject, "is_terminal")
    for step in subject.steps:
        for state, expected in ((step.state, False), (step.next_state, step.terminated)):
            terminal = is_terminal(copied(state))
            if not is_flag(terminal):
                raise Problem(f"is_terminal({shown(state)}) is {shown(terminal)}; must be a bool")
            if bool(terminal) != expected:
                said = "ended" if expected else "goes on"
                raise Problem(
                    f"is_terminal({shown(state)}) is {bool(terminal)}, but the episode {said} "
                    f"there; must be {expected}"
                )


def check_legal_actions(subject: Subject) -> None:
    """Distinct action numbers, at least one in a state that is not terminal."""
    legal_actions = capability(subject, "legal_actions")
    every = range(subject.model.num_actions)
    for state in subject.states():
        legal = list(legal_actions(state))
        asked = f"legal_actions({shown(state)}) is {shown(legal)}"
        if not legal:
            raise Problem(f"{asked}; must name an action in a state that is not terminal")
        if not all(is_index(action) and action in every for action in legal):
            raise Problem(f"{asked}; must be integers from 0 to {len(every) - 1}")
        if len(set(legal)) != len(legal):
            raise Problem(f"{asked}; must name each action once")
        again = list(legal_actions(state))
        if again != legal:
            raise Problem(f"{asked}, then {shown(again)}; must not change from call to call")


def check_actions(subject: Subject) -> None:
    """Labels: hashable, distinct, and the same from call to call."""
    if not subject.is_labelled:
        raise NotApplicable("the model numbers its actions")
    most = getattr(subject.model, "max_actions", MAX_LABELS)
    for state in subject.states():
        labels = subject.legal_actions(state)
        asked = f"actions({shown(state)}) is {shown(labels)}"
        if not is_hashable(labels):
            raise Problem(f"{asked}; must be hashable")
        if len(set(labels)) != len(labels):
            raise Problem(f"{asked}; must name each action once")
        if len(labels) > most:
            raise Problem(f"{asked}; must be at most max_actions, {most}")
        again = subject.legal_actions(state)
        if again != labels:
            raise Problem(f"{asked}, then {shown(again)}; must not change from call to call")


def check_current_player(subject: Subject) -> None:
    """A game says who moves."""
    says = subject.has("current_player") or subject.has("current_player_batch")
    if subject.num_players > 1 and not says:
        raise Problem(f"num_players is {subject.num_players}; must have current_player(state) too")
    current_player = capability(subject, "current_player")
    for state in subject.states():
        player = current_player(state)
        if not (is_index(player) and 0 <= player < subject.num_players):
            raise Problem(
                f"current_player({shown(state)}) is {shown(player)}; must be an integer from 0 "
                f"to {subject.num_players - 1}"
            )


def check_validate_state(subject: Subject) -> None:
    """`validate_state` accepts what the model itself gives."""
    validate_state = capability(subject, "validate_state")
    for step in subject.steps:
        for state in (step.state, step.next_state):
            try:
                validate_state(copied(state))
            except ValueError as error:
                raise Problem(
                    f"refuses {shown(state)}, which the model gave ({error}); must accept it"
                ) from error


def check_codec(subject: Subject) -> None:
    """`encode_state` gives bytes, and `decode_state` the state again."""
    names = ("encode_state", "decode_state")
    _require_both(subject, names)
    _check_round_trip(subject, names, "state", subject.states())


def check_action_codec(subject: Subject) -> None:
    """`encode_action` gives bytes, and `decode_action` the label again."""
    names = ("encode_action", "decode_action")
    _require_both(subject, names)
    capability(subject, names[0])
    if not subject.is_labelled:
        raise NotApplicable("the model numbers its actions")
    labels = {label for state in subject.states() for label in subject.legal_actions(state)}
    _check_round_trip(subject, names, "label", labels)


def check_packing(subject: Subject) -> None:
    """A native model's states survive the way to its bytes and back."""
    names = ("pack_state", "unpack_state")
    _check_round_trip(subject, names, "state", subject.states())


def _require_both(subject: Subject, names: tuple[str, str]) -> None:
    """Half of a codec is a mistake, none of it is not."""
    missing = [name for name in names if not subject.has(name)]
    if len(missing) == 1:
        raise Problem(f"the model has no {missing[0]}; must have both of {' and '.join(names)}")


def _check_round_trip(
    subject: Subject, names: tuple[str, str], what: str, values: Iterable[Any]
) -> None:
    write, read = (capability(subject, name) for name in names)
    for value in values:
        data = write(value)
        if not isinstance(data, bytes):
            raise Problem(f"{names[0]}({shown(value)}) is {shown(data)}; must be bytes")
        restored = read(data)
        if not same(restored, value):
            raise Problem(
                f"{names[1]} gave {shown(restored)} for what {names[0]} made of {shown(value)}; "
                f"must give the same {what}"
            )


def check_value(subject: Subject) -> None:
    """`value` is a finite number, or one for each player."""
    value = capability(subject, "value")
    for state in subject.states():
        require_numbers(f"value({shown(state)})", value(state), subject.num_players)


def check_rollout_action(subject: Subject) -> None:
    """`rollout_action` is legal, and the same for the same seed."""
    rollout_action = capability(subject, "rollout_action")
    for state in subject.states():
        seed = subject.draw_seed()
        action, again = (
            rollout_action(copied(state), np.random.default_rng(seed)) for _ in range(2)
        )
        asked = f"rollout_action({shown(state)}, rng) is {shown(action)}"
        is_action = subject.is_labelled or is_index(action)
        if not is_action or action not in subject.legal_actions(state):
            raise Problem(f"{asked}; must be a legal action")
        if action != again:
            raise Problem(f"{asked}, then {shown(again)}; must draw from rng alone")

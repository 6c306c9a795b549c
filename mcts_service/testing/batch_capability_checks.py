"""What a batch model owes for what it says of many states at once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from mcts_service.testing.batch_checks import require_array, stacked
from mcts_service.testing.capability_checks import capability
from mcts_service.testing.report import Problem, shown
from mcts_service.testing.subject import Subject, copied, same

__all__ = [
    "check_current_player_batch",
    "check_evaluate_batch",
    "check_is_terminal_batch",
    "check_legal_actions_batch",
    "check_state_key_batch",
]

_ROWS = 16


def check_evaluate_batch(subject: Subject) -> None:
    """`evaluate_batch` gives priors or None, and values: those of `value`, where there is one."""
    capability(subject, "evaluate_batch")
    states = _states(subject)
    per_value = () if subject.num_players == 1 else (subject.num_players,)
    priors, values = _ask(subject, "evaluate_batch", states, parts=2)
    if values is not None:
        require_array("evaluate_batch: values", values, (len(states), *per_value), "f")
        _require_finite("evaluate_batch: values", values)
    if priors is not None:
        due = (len(states), subject.model.num_actions)
        require_array("evaluate_batch: priors", priors, due, "f")
        _require_finite("evaluate_batch: priors", priors)
        if (priors < 0).any():
            raise Problem(f"evaluate_batch: priors are {shown(priors)}; must be 0 or more")
    if values is not None and subject.has("value"):
        _require_rows("evaluate_batch", "value", states, values, subject.model.value)


def check_legal_actions_batch(subject: Subject) -> None:
    """`legal_actions_batch` masks at least one action, and those of `legal_actions`."""
    capability(subject, "legal_actions_batch")
    states = _states(subject)
    [masks] = _ask(subject, "legal_actions_batch", states)
    every = subject.model.num_actions
    require_array("legal_actions_batch", masks, (len(states), every), "b")
    for row in np.flatnonzero(~masks.any(axis=1)):
        raise Problem(
            f"legal_actions_batch gives none for {shown(states[row])}; must give an action in a "
            "state that is not terminal"
        )
    if subject.has("legal_actions"):

        def mask(state: Any) -> np.ndarray:
            return np.isin(np.arange(every), list(subject.model.legal_actions(state)))

        _require_rows("legal_actions_batch", "legal_actions", states, masks, mask)


def check_is_terminal_batch(subject: Subject) -> None:
    """`is_terminal_batch` says of a state what sampling said on arriving there."""
    capability(subject, "is_terminal_batch")
    steps = subject.steps
    following = stacked(step.next_state for step in steps)
    for states, expected in (
        (stacked(step.state for step in steps), np.zeros(len(steps), np.bool_)),
        (following, np.array([step.terminated for step in steps])),
    ):
        [ends] = _ask(subject, "is_terminal_batch", states)
        require_array("is_terminal_batch", ends, (len(states),), "b")
        for row in np.flatnonzero(ends != expected):
            said = "ended" if expected[row] else "goes on"
            raise Problem(
                f"is_terminal_batch gives {ends[row]} for {shown(states[row])}, but the episode "
                f"{said} there; must be {expected[row]}"
            )


def check_current_player_batch(subject: Subject) -> None:
    """`current_player_batch` numbers the players, as `current_player` does."""
    capability(subject, "current_player_batch")
    states = _states(subject)
    [players] = _ask(subject, "current_player_batch", states)
    require_array("current_player_batch", players, (len(states),), "iu")
    if not ((players >= 0) & (players < subject.num_players)).all():
        raise Problem(
            f"current_player_batch gives {shown(players)}; must be from 0 to "
            f"{subject.num_players - 1}"
        )
    if subject.has("current_player"):
        player = subject.model.current_player
        _require_rows("current_player_batch", "current_player", states, players, player)


def check_state_key_batch(subject: Subject) -> None:
    """`state_key_batch` tells states apart, and as `state_key` does."""
    capability(subject, "state_key_batch")
    states = _states(subject)
    [keys] = _ask(subject, "state_key_batch", states)
    require_array("state_key_batch", keys, (len(states),), "iu")
    if not subject.has("state_key"):
        return
    own: dict[Hashable, int] = {}
    many: dict[int, Hashable] = {}
    for state, key in zip(states, keys.tolist(), strict=True):
        one = subject.model.state_key(copied(state))
        if own.setdefault(one, key) != key or many.setdefault(key, one) != one:
            raise Problem(
                f"state_key_batch gives {key} for {shown(state)}; must join the states that "
                "state_key joins, and no others"
            )


def _states(subject: Subject) -> np.ndarray:
    """Some that are not terminal."""
    return stacked(step.state for step in subject.some_steps(_ROWS))


def _ask(subject: Subject, name: str, states: np.ndarray, parts: int = 1) -> tuple[Any, ...]:
    """The answer for all states: the same again, and for the last of them alone."""
    function = getattr(subject.model, name)

    def ask(rows: np.ndarray) -> tuple[Any, ...]:
        asked = rows.copy()
        answer = function(asked)
        if not same(asked, rows):
            raise Problem(f"{name} changed its input; must change a copy")
        if parts == 1:
            return (answer,)
        if not (isinstance(answer, tuple) and len(answer) == parts):
            raise Problem(f"{name} gave {shown(answer)}; must be a tuple (priors, values)")
        return answer

    answers, again, alone = ask(states), ask(states), ask(states[-1:])
    for part, repeated, one in zip(answers, again, alone, strict=True):
        if part is None:
            continue
        if not np.array_equal(part, repeated):
            raise Problem(f"{name} gives other rows for the same states; must not change")
        if np.shape(part)[:1] == (len(states),) and not np.array_equal(part[-1:], one):
            raise Problem(
                f"{name} gives the last row {shown(part[-1])}; must be {shown(one[0])}, as it is "
                "alone"
            )
    return answers


def _require_finite(what: str, numbers: np.ndarray) -> None:
    if not np.isfinite(numbers).all():
        raise Problem(f"{what} are {shown(numbers)}; must be finite")


def _require_rows(
    name: str, of_one: str, states: np.ndarray, rows: np.ndarray, function: Any
) -> None:
    """Each row is what the form for one state gives."""
    for state, row in zip(states, rows, strict=True):
        one = np.asarray(function(copied(state)))
        if not np.array_equal(row, one):
            raise Problem(
                f"{name} gives {shown(row)} for {shown(state)}; must be {shown(one)}, as "
                f"{of_one} gives"
            )

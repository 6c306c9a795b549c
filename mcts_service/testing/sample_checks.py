"""What every model owes: sampling that is pure, and states that can be told apart."""

from __future__ import annotations

import random
from collections.abc import Hashable
from typing import Any

import numpy as np

from mcts_service.testing.report import NotApplicable, Problem, shown
from mcts_service.testing.subject import Step, Subject, copied, is_index, same

__all__ = [
    "check_deterministic",
    "check_global_randomness",
    "check_initial_state",
    "check_input_unchanged",
    "check_num_actions",
    "check_num_players",
    "check_same_seed",
    "check_state_identity",
]

# Steps that are looked at again, and seeds that a deterministic model is tried with.
_STEPS = 50
_SEEDS = 4


def check_num_actions(subject: Subject) -> None:
    """`num_actions` is an integer of 1 or more."""
    if subject.is_labelled:
        raise NotApplicable("the model labels its actions")
    num_actions: Any = getattr(subject.model, "num_actions", None)
    if not is_index(num_actions) or num_actions < 1:
        raise Problem(f"is {shown(num_actions)}; must be an integer >= 1")


def check_num_players(subject: Subject) -> None:
    """`num_players` is an integer of 1 or more."""
    if not is_index(subject.num_players) or subject.num_players < 1:
        raise Problem(f"is {shown(subject.num_players)}; must be an integer >= 1")


def check_initial_state(subject: Subject) -> None:
    """There is a state to start from, not terminal, and the same one for the same seed."""
    first, again = subject.initial_state(1), subject.initial_state(1)
    if not same(first, again):
        raise Problem(
            f"the same seed gave {shown(first)} and {shown(again)}; must draw from rng alone"
        )
    if subject.has("is_terminal") and subject.model.is_terminal(again):
        raise Problem(f"{shown(first)} is terminal; must be a state with something left to do")


def check_same_seed(subject: Subject) -> None:
    """The same state, action and seed give the same sample."""
    for step in subject.some_steps(_STEPS):
        again = subject.transition(step.state, step.action, step.seed)
        for name in ("next_state", "reward", "terminated"):
            first, second = getattr(step, name), getattr(again, name)
            if not same(first, second):
                raise Problem(
                    f"sample({shown(step.state)}, {shown(step.action)}) gave {name} "
                    f"{shown(first)}, then {shown(second)}; must draw from rng alone "
                    "and keep nothing between calls"
                )


def check_input_unchanged(subject: Subject) -> None:
    """`sample` leaves the state that it is given as it was."""
    for step in subject.some_steps(_STEPS):
        state = copied(step.state)
        subject.sample_in_place(state, step.action, step.seed)
        if not same(state, step.state):
            raise Problem(
                f"sample changed its input from {shown(step.state)} to {shown(state)}; must "
                "change a copy"
            )


def check_global_randomness(subject: Subject) -> None:
    """`sample` leaves the global random generators alone."""
    numpy_before, python_before = _numpy_position(), random.getstate()
    for step in subject.some_steps(_STEPS):
        subject.sample(step.state, step.action, step.seed)
    if _numpy_position() != numpy_before:
        raise Problem("sample draws from numpy.random's global generator; must draw from rng")
    if random.getstate() != python_before:
        raise Problem("sample draws from the random module; must draw from rng")


def check_deterministic(subject: Subject) -> None:
    """A model that says `deterministic` gives one outcome, whatever the seed."""
    if not getattr(subject.model, "deterministic", False):
        raise NotApplicable("the model does not say that it is deterministic")
    for step in subject.some_steps(_STEPS):
        for _ in range(_SEEDS):
            other = subject.transition(step.state, step.action, subject.draw_seed())
            if not _same_outcome(step, other):
                raise Problem(
                    f"is True, but sample({shown(step.state)}, {shown(step.action)}) gave "
                    f"{_outcome_shown(step)}, then {_outcome_shown(other)}; must be False"
                )


def check_state_identity(subject: Subject) -> None:
    """States have a stable key: equal for equal states, and for no others."""
    first_of: dict[Hashable, Step] = {}
    for step in subject.some_steps(_STEPS):
        key = _key(subject, step.state)
        if key != _key(subject, step.state):
            raise Problem(f"the key of {shown(step.state)} changes from call to call; must not")
        if key != _key(subject, copied(step.state)):
            raise Problem(
                f"a copy of {shown(step.state)} has another key; give the states __eq__ and "
                "__hash__, or the model state_key(state)"
            )
        other = first_of.setdefault(key, step)
        if not same(other.state, step.state):
            _require_alike(subject, other, step)


def _require_alike(subject: Subject, one: Step, other: Step) -> None:
    """States of one key behave as one, where they differ in what the key leaves out."""
    expected = subject.transition(one.state, one.action, one.seed)
    actual = subject.transition(other.state, one.action, one.seed)
    if (
        expected.terminated != actual.terminated
        or not np.allclose(expected.reward, actual.reward)
        or _key(subject, expected.next_state) != _key(subject, actual.next_state)
    ):
        raise Problem(
            f"{shown(one.state)} and {shown(other.state)} have one key, but action "
            f"{shown(one.action)} differs in them; must tell apart what behaves differently"
        )


def _key(subject: Subject, state: Any) -> Hashable:
    try:
        return subject.key(state)
    except TypeError as error:
        raise Problem(str(error)) from error


def _same_outcome(one: Step, other: Step) -> bool:
    return (
        same(one.next_state, other.next_state)
        and same(one.reward, other.reward)
        and one.terminated == other.terminated
    )


def _outcome_shown(step: Step) -> str:
    return f"({shown(step.next_state)}, {shown(step.reward)}, {step.terminated})"


def _numpy_position() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()
    return (name, np.asarray(keys).tobytes(), *rest)

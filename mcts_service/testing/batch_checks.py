"""What a batch model owes: rows that are right, and that mind their own business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mcts_service.models.streams import generator_of, generator_of_rows
from mcts_service.testing.capability_checks import capability
from mcts_service.testing.report import NotApplicable, Problem, shown
from mcts_service.testing.subject import Step, Subject, copied, same

__all__ = ["check_batch", "require_array", "stacked"]

_ROWS = 16
_PARTS = ("next_state", "reward", "terminated")

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def check_batch(subject: Subject) -> None:
    """`sample_batch` answers every row, as it would alone, from the row's own stream.

    A model that has `sample` too gives by both the same from the same stream.
    """
    capability(subject, "sample_batch")
    steps = subject.some_steps(_ROWS)
    states = stacked(step.state for step in steps)
    actions = np.array([step.action for step in steps], dtype=np.int64)
    seeds = [step.seed for step in steps]

    rows = _ask(subject, states, actions, seeds)
    for first, again in zip(rows, _ask(subject, states, actions, seeds), strict=True):
        if not np.array_equal(first, again):
            raise Problem("sample_batch gives other rows for the same seed; must draw from rng")
    for row, step in enumerate(steps):
        one = slice(row, row + 1)
        alone = _ask(subject, states[one], actions[one], seeds[one])
        _require_same(row, rows, [part[0] for part in alone], "alone")
        if subject.has("sample"):
            _require_same(row, rows, _sampled(subject, step), "by sample")


def stacked(states: Any) -> np.ndarray:
    """The states as rows of an array.

    Raises:
      NotApplicable: they are no rows.
    """
    kept = list(states)
    array = np.stack([np.asarray(state) for state in kept])
    if array.dtype.kind not in "biuf":
        raise NotApplicable(f"states of type {type(kept[0]).__name__} do not stack")
    return array


def _sampled(subject: Subject, step: Step) -> Sequence[Any]:
    """What `sample` gives from the stream of the step's row."""
    rng = generator_of(step.seed)
    answer: Sequence[Any] = subject.model.sample(copied(step.state), step.action, rng)
    return answer


def _require_same(row: int, rows: Rows, answer: Sequence[Any], how: str) -> None:
    for name, batch, other in zip(_PARTS, rows, answer, strict=True):
        one = np.asarray(other)
        if not np.array_equal(batch[row], one):
            raise Problem(
                f"sample_batch gives row {row} the {name} {shown(batch[row])}; must be "
                f"{shown(one)}, as it is {how}"
            )


def _ask(subject: Subject, states: np.ndarray, actions: np.ndarray, seeds: Sequence[int]) -> Rows:
    asked = states.copy()
    answer: Any = subject.model.sample_batch(asked, actions.copy(), generator_of_rows(seeds))
    if not same(asked, states):
        raise Problem("sample_batch changed its input; must change a copy")
    if not (isinstance(answer, tuple) and len(answer) == 3):
        raise Problem(
            f"sample_batch gave {shown(answer)}; must be a tuple (next_states, rewards, terminated)"
        )
    rows = len(states)
    per_reward = () if subject.num_players == 1 else (subject.num_players,)
    next_states, rewards, terminated = answer
    require_array("sample_batch: next_states", next_states, states.shape, states.dtype.kind)
    require_array("sample_batch: rewards", rewards, (rows, *per_reward), "f")
    require_array("sample_batch: terminated", terminated, (rows,), "b")
    if not np.isfinite(rewards).all():
        raise Problem(f"sample_batch: rewards are {shown(rewards)}; must be finite")
    return next_states, rewards, terminated


def require_array(what: str, array: Any, shape: tuple[int, ...], kinds: str) -> None:
    """Checks the shape of an array, and that its dtype is of one of the kinds.

    Raises:
      Problem: it is something else.
    """
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype.kind not in kinds:
        got = f"{array.dtype}{list(array.shape)}" if isinstance(array, np.ndarray) else shown(array)
        names = {"f": "float", "b": "bool", "i": "int", "u": "uint"}
        raise Problem(f"{what} is {got}; must be an array of {names[kinds[0]]}{list(shape)}")

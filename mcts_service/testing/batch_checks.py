"""What a batch model owes: rows that are right, and that mind their own business."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.testing.capability_checks import capability
from mcts_service.testing.report import NotApplicable, Problem, shown
from mcts_service.testing.subject import Subject, same

__all__ = ["check_batch"]

_ROWS = 16


def check_batch(subject: Subject) -> None:
    """`sample_batch` answers every row, and gives the same rows for the same seed.

    Those of a deterministic model are what `sample` gives one by one.
    """
    capability(subject, "sample_batch")
    steps = subject.some_steps(_ROWS)
    states = np.stack([np.asarray(step.state) for step in steps])
    if states.dtype.kind not in "biuf":
        raise NotApplicable(f"states of type {type(steps[0].state).__name__} do not stack")
    actions = np.array([step.action for step in steps], dtype=np.int64)

    seed = subject.draw_seed()
    rows = _ask(subject, states, actions, seed)
    for first, again in zip(rows, _ask(subject, states, actions, seed), strict=True):
        if not np.array_equal(first, again):
            raise Problem("sample_batch gives other rows for the same seed; must draw from rng")
    if getattr(subject.model, "deterministic", False):
        for row, step in enumerate(steps):
            alone = subject.transition(step.state, step.action, step.seed)
            for name, batch in zip(("next_state", "reward", "terminated"), rows, strict=True):
                one = np.asarray(getattr(alone, name))
                if not np.array_equal(batch[row], one):
                    raise Problem(
                        f"sample_batch gives row {row} the {name} {shown(batch[row])}; must be "
                        f"{shown(one)}, as it is alone"
                    )


def _ask(
    subject: Subject, states: np.ndarray, actions: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    asked = states.copy()
    answer: Any = subject.model.sample_batch(asked, actions.copy(), np.random.default_rng(seed))
    if not same(asked, states):
        raise Problem("sample_batch changed its input; must change a copy")
    if not (isinstance(answer, tuple) and len(answer) == 3):
        raise Problem(
            f"sample_batch gave {shown(answer)}; must be a tuple (next_states, rewards, terminated)"
        )
    rows = len(states)
    per_reward = () if subject.num_players == 1 else (subject.num_players,)
    next_states, rewards, terminated = answer
    _require_array("next_states", next_states, states.shape, states.dtype.kind)
    _require_array("rewards", rewards, (rows, *per_reward), "f")
    _require_array("terminated", terminated, (rows,), "b")
    if not np.isfinite(rewards).all():
        raise Problem(f"sample_batch: rewards are {shown(rewards)}; must be finite")
    return next_states, rewards, terminated


def _require_array(name: str, array: Any, shape: tuple[int, ...], kind: str) -> None:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype.kind != kind:
        got = f"{array.dtype}{list(array.shape)}" if isinstance(array, np.ndarray) else shown(array)
        kinds = {"f": "float", "b": "bool", "i": "int", "u": "uint"}
        raise Problem(
            f"sample_batch: {name} is {got}; must be an array of {kinds[kind]}{list(shape)}"
        )

"""Rows of outcomes: what a table is compiled from, checked and without duplicates.

The outcomes of all states and actions lie one behind the other. Row state * num_actions + action
is the entries from row_start[row] up to row_start[row + 1]; a row without any is an action that
is not legal.
"""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest

__all__ = [
    "Rows",
    "Transitions",
    "merged",
    "require_valid",
    "rows_of",
    "rows_of_arrays",
    "terminal_states",
]

#: P[state][action] = outcomes, each (probability, next_state, reward, terminated).
Transitions = (
    Mapping[int, Mapping[int, Sequence[Any]]]
    | Sequence[Mapping[int, Sequence[Any]]]
    | Sequence[Sequence[Sequence[Any]]]
)

# How far the sum of a row's probabilities may be from 1.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Rows:
    """The outcomes of every state and action.

    Attributes:
      num_actions: of every state.
      row_start: int64[num_states * num_actions + 1], ascending from 0 to K.
      probabilities: float64[K].
      next_states: int64[K].
      rewards: float64[K].
      terminated: bool[K].
    """

    num_actions: int
    row_start: np.ndarray
    probabilities: np.ndarray
    next_states: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray

    @property
    def num_states(self) -> int:
        """States are 0 .. num_states - 1."""
        return self.num_rows // self.num_actions

    @property
    def num_rows(self) -> int:
        """One for each state and action."""
        return len(self.row_start) - 1

    def row_of_entry(self) -> np.ndarray:
        """The row that each entry belongs to. int64[K]."""
        return np.repeat(np.arange(self.num_rows), np.diff(self.row_start))


def rows_of(transitions: Transitions) -> Rows:
    """The rows of nested collections, as they are.

    Raises:
      InvalidRequest: a state is missing, or an outcome is not of the four parts.
    """
    states = [_actions_of(transitions, state) for state in range(len(transitions))]
    num_actions = 1 + max((action for actions in states for action in actions), default=-1)
    entries: list[tuple[float, int, float, bool]] = []
    row_start = [0]
    for state, actions in enumerate(states):
        for action in range(num_actions):
            entries += [_entry(state, action, outcome) for outcome in actions.get(action, ())]
            row_start.append(len(entries))
    columns: Sequence[Sequence[Any]] = list(zip(*entries, strict=True)) or [()] * 4
    return Rows(
        num_actions,
        np.array(row_start, np.int64),
        np.array(columns[0], np.float64),
        np.array(columns[1], np.int64),
        np.array(columns[2], np.float64),
        np.array(columns[3], np.bool_),
    )


def _actions_of(transitions: Transitions, state: int) -> Mapping[int, Sequence[Any]]:
    try:
        actions = transitions[state]
    except KeyError as error:
        raise InvalidRequest(
            "transitions",
            f"has no state {state}; must have each from 0 to {len(transitions) - 1}",
        ) from error
    if not isinstance(actions, Mapping):
        return dict(enumerate(actions))
    for action in actions:
        if not isinstance(action, (int, np.integer)) or action < 0:
            raise InvalidRequest(
                "transitions",
                f"has the action {action!r} in state {state}; must be numbered from 0",
            )
    return actions


def _entry(state: int, action: int, outcome: Any) -> tuple[float, int, float, bool]:
    try:
        probability, next_state, reward, terminated = outcome
        if terminated not in (False, True):
            raise ValueError(terminated)
        return (
            float(probability),
            int(np.int64(operator.index(next_state))),
            float(reward),
            bool(terminated),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidRequest(
            "transitions",
            f"has the outcome {reprlib.repr(outcome)} in state {state}, action {action}; must be "
            "(probability, next_state, reward, terminated)",
        ) from error


def rows_of_arrays(
    row_start: Any,
    probabilities: Any,
    next_states: Any,
    rewards: Any,
    terminated: Any,
    num_actions: int,
) -> Rows:
    """The rows of arrays, as `Rows` describes them.

    Raises:
      InvalidRequest: an array has another dtype or length, or `row_start` does not ascend.
    """
    starts = _vector("row_start", row_start, np.int64)
    entries = _vector("probabilities", probabilities, np.float64)
    if num_actions < 1 or len(starts) < 2 or (len(starts) - 1) % num_actions:
        raise InvalidRequest(
            "row_start",
            f"has {len(starts)} elements; must have one more than states times {num_actions} "
            "actions",
        )
    if starts[0] != 0 or starts[-1] != len(entries) or (np.diff(starts) < 0).any():
        raise InvalidRequest("row_start", f"must ascend from 0 to {len(entries)}")
    rest = (
        _vector("next_states", next_states, np.int64),
        _vector("rewards", rewards, np.float64),
        _vector("terminated", terminated, np.bool_),
    )
    for name, column in zip(("next_states", "rewards", "terminated"), rest, strict=True):
        if len(column) != len(entries):
            raise InvalidRequest(
                name, f"has {len(column)} elements; must have {len(entries)}, as probabilities"
            )
    return Rows(num_actions, starts, entries, *rest)


def _vector(name: str, values: Any, dtype: Any) -> np.ndarray:
    """A new contiguous array of that dtype."""
    array = np.asarray(values)
    if array.ndim != 1 or not np.can_cast(array.dtype, dtype, "same_kind"):
        raise InvalidRequest(
            name, f"is {array.dtype}{list(array.shape)}; must be {np.dtype(dtype)}[length]"
        )
    return array.astype(dtype)


def require_valid(rows: Rows) -> None:
    """Checks that every row is empty or a distribution.

    Raises:
      InvalidRequest: names the first state and action that are wrong.
    """
    if not len(rows.probabilities):
        raise InvalidRequest("transitions", "has no outcome at all; must have one")
    row = rows.row_of_entry()
    probabilities, next_states, rewards = rows.probabilities, rows.next_states, rows.rewards
    wrong = ~(np.isfinite(probabilities) & (probabilities >= 0))
    _refuse(rows, row[wrong], "probability", probabilities[wrong], "must be finite and >= 0")
    wrong = (next_states < 0) | (next_states >= rows.num_states)
    right = f"must be from 0 to {rows.num_states - 1}"
    _refuse(rows, row[wrong], "next state", next_states[wrong], right)
    wrong = ~np.isfinite(rewards)
    _refuse(rows, row[wrong], "reward", rewards[wrong], "must be finite")
    totals = np.bincount(row, weights=probabilities, minlength=rows.num_rows)
    wrong = (np.diff(rows.row_start) > 0) & (np.abs(totals - 1.0) > _TOLERANCE)
    _refuse(rows, np.flatnonzero(wrong), "sum of probabilities", totals[wrong], "must be 1")


def _refuse(rows: Rows, row: np.ndarray, what: str, values: np.ndarray, right: str) -> None:
    """Raises InvalidRequest for the first of the rows, where there is one."""
    if row.size:
        state, action = divmod(int(row[0]), rows.num_actions)
        raise InvalidRequest(
            "transitions",
            f"has the {what} {values[0]} in state {state}, action {action}; {right}",
        )


def merged(rows: Rows) -> Rows:
    """Without outcomes of probability 0, and those of a row that are the same put together.

    Outcomes keep the order in which they were first seen.
    """
    row = rows.row_of_entry()
    kept = np.flatnonzero(rows.probabilities > 0)
    keys = (rows.terminated[kept], rows.rewards[kept], rows.next_states[kept], row[kept])
    order = kept[np.lexsort(keys)]  # equal outcomes side by side, in the order they came
    differs = np.ones(len(order), np.bool_)
    differs[1:] = False
    for column in (row, rows.next_states, rows.rewards, rows.terminated):
        differs[1:] |= column[order][1:] != column[order][:-1]
    starts = np.flatnonzero(differs)
    probabilities = np.add.reduceat(rows.probabilities[order], starts)
    first = order[starts]
    in_order = np.argsort(first)
    first = first[in_order]
    lengths = np.bincount(row[first], minlength=rows.num_rows)
    return Rows(
        rows.num_actions,
        np.concatenate(([0], np.cumsum(lengths))),
        probabilities[in_order],
        rows.next_states[first],
        rows.rewards[first],
        rows.terminated[first],
    )


def terminal_states(rows: Rows, is_initial: np.ndarray) -> np.ndarray:
    """Where nothing can be done any more, as far as a table tells: bool[num_states].

    A state is terminal if
      - it has no action; or
      - every action stays there, rewarded with 0, terminated; or
      - an outcome of another state ends in it, none of a state that an episode can reach goes
        on in it, and no episode starts there.

    Args:
      rows: merged ones.
      is_initial: bool[num_states].
    Raises:
      InvalidRequest: an outcome that is not terminated leads to a state without an action.
    """
    row = rows.row_of_entry()
    state, size = row // rows.num_actions, rows.num_states
    has_action = np.bincount(state, minlength=size) > 0
    stuck = ~rows.terminated & ~has_action[rows.next_states]
    _refuse(
        rows,
        row[stuck],
        "next state",
        rows.next_states[stuck],
        "must be terminated, as that state has no action",
    )
    stays = (rows.next_states == state) & (rows.rewards == 0) & rows.terminated
    absorbing = np.bincount(state[~stays], minlength=size) == 0  # no action at all included
    ends_elsewhere = rows.terminated & (rows.next_states != state)
    ends_here = np.bincount(rows.next_states[ends_elsewhere], minlength=size) > 0
    goes_on = ~rows.terminated & _reachable(rows, is_initial)[state]
    goes_on_here = np.bincount(rows.next_states[goes_on], minlength=size) > 0
    terminal: np.ndarray = absorbing | (ends_here & ~goes_on_here & ~is_initial)
    return terminal


def _reachable(rows: Rows, is_initial: np.ndarray) -> np.ndarray:
    """Where an episode can be and act: bool[num_states]."""
    entry_start = rows.row_start[:: rows.num_actions]
    reached: np.ndarray = is_initial.copy()
    pending = np.flatnonzero(reached).tolist()
    while pending:
        state = pending.pop()
        entries = slice(entry_start[state], entry_start[state + 1])
        following = rows.next_states[entries][~rows.terminated[entries]]
        for new in following[~reached[following]].tolist():
            if not reached[new]:
                reached[new] = True
                pending.append(new)
    return reached

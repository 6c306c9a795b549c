"""Outcomes and how often each was seen: all that a table learns from steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcts_service.errors import InvalidRequest

__all__ = ["Outcomes", "count_outcomes"]

# What the rows and next states of a table must fit into together.
_MOST_KEYS = 2**61


@dataclass(frozen=True)
class Outcomes:
    """What actions led to, and how often: K different outcomes, ordered by row, then by state.

    Attributes:
      num_states, num_actions: of the table.
      rows: state * num_actions + action, int64[K].
      next_states: int64[K].
      terminated: bool[K].
      counts: how often, >= 1, int64[K].
      rewards: the mean of what each was rewarded with, float64[K].
      reward_range: (the worst, the best) single reward that was seen.
    """

    num_states: int
    num_actions: int
    rows: np.ndarray
    next_states: np.ndarray
    terminated: np.ndarray
    counts: np.ndarray
    rewards: np.ndarray
    reward_range: tuple[float, float]

    @property
    def num_rows(self) -> int:
        """One for each state and action."""
        return self.num_states * self.num_actions

    @property
    def is_ordered(self) -> bool:
        """Whether they are as they must be: ordered, and each there once."""
        if self.num_rows * self.num_states * 2 > _MOST_KEYS:
            return False
        keys = _keys(self.rows, self.next_states, self.terminated, self.num_states)
        return bool((np.diff(keys) > 0).all())

    @property
    def taken(self) -> np.ndarray:
        """How often each action was taken in each state: int64[num_states, num_actions]."""
        counted = np.zeros(self.num_rows, np.int64)
        np.add.at(counted, self.rows, self.counts)
        return counted.reshape(self.num_states, self.num_actions)

    @property
    def row_start(self) -> np.ndarray:
        """Where each row's outcomes begin: int64[num_rows + 1]."""
        lengths = np.bincount(self.rows, minlength=self.num_rows)
        return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)

    def mean_rewards(self) -> np.ndarray:
        """The mean reward of each row; of one never taken, that of all steps: float64[num_rows]."""
        sums = np.bincount(self.rows, self.counts * self.rewards, self.num_rows)
        taken = self.taken.ravel()
        overall = float(np.average(self.rewards, weights=self.counts))
        return np.where(taken > 0, sums / np.maximum(taken, 1), overall)

    def find(self, rows: np.ndarray, next_states: np.ndarray, terminated: np.ndarray) -> np.ndarray:
        """Which outcome each is; -1 for one that was never seen. int64[N]."""
        known = _keys(self.rows, self.next_states, self.terminated, self.num_states)
        wanted = _keys(rows, next_states, terminated, self.num_states)
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return np.where(known[place] == wanted, place, -1)

    def terminal(self, initial: np.ndarray) -> np.ndarray:
        """Where episodes have ended, and none has begun or gone on: bool[num_states]."""
        ended = np.zeros(self.num_states, np.bool_)
        ended[self.next_states[self.terminated]] = True
        goes_on = initial > 0
        goes_on[self.next_states[~self.terminated]] = True
        goes_on[self.rows // self.num_actions] = True
        return ended & ~goes_on


def count_outcomes(
    states: np.ndarray,
    actions: np.ndarray,
    rewards: np.ndarray,
    next_states: np.ndarray,
    terminated: np.ndarray,
    *,
    num_states: int,
    num_actions: int,
) -> Outcomes:
    """Counts what N steps led to.

    Args:
      states, actions, next_states: int64[N], within the table.
      rewards: float64[N].
      terminated: bool[N].
    Raises:
      InvalidRequest: the table would be too large.
    """
    if num_states * num_actions * num_states * 2 > _MOST_KEYS:
        raise InvalidRequest(
            "num_states", f"is {num_states}; must be less, with {num_actions} actions"
        )
    keys = _keys(states * num_actions + actions, next_states, terminated, num_states)
    distinct, inverse = np.unique(keys, return_inverse=True)
    counts = np.bincount(inverse, minlength=len(distinct))
    pair, ended = np.divmod(distinct, 2)
    rows, following = np.divmod(pair, num_states)
    return Outcomes(
        num_states,
        num_actions,
        rows,
        following,
        ended.astype(np.bool_),
        counts.astype(np.int64),
        np.bincount(inverse, rewards, len(distinct)) / counts,
        (float(rewards.min()), float(rewards.max())),
    )


def _keys(
    rows: np.ndarray, next_states: np.ndarray, terminated: np.ndarray, num_states: int
) -> np.ndarray:
    """One number for each outcome, ascending by row, next state and end."""
    keys: np.ndarray = (rows * num_states + next_states) * 2 + terminated
    return keys

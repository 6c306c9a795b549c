"""Action values as what is asked about states, and as what acts.

All that solves or learns a table is asked by the same names:

    values, q, actions     arrays by the numbers of the states; `actions` are the first of the best
    policy                 what acts: policy.action(state, rng)
    value(state), action(state), as_policy()    of the model's own states; a table over the numbers
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import numpy as np

from mcts_service.errors import TerminalState
from mcts_service.policies import Greedy
from mcts_service.policies.table import TabularPolicy

__all__ = ["ActsOnQ", "HasQ", "action_or_terminal"]

S = TypeVar("S")


class HasQ(ABC, Generic[S]):
    """Action values of a table, and what follows from them.

    Attributes:
      q: float64[num_states, num_actions]; -inf where an action is not legal.
    """

    q: np.ndarray

    @abstractmethod
    def index(self, state: S) -> int:
        """The number of a state: its row of q.

        Raises:
          InvalidRequest: there is no such state.
        """

    @property
    def values(self) -> np.ndarray:
        """What the best action of each state is worth; 0 without one. float64[num_states]."""
        best = self.q.max(axis=1)
        return np.where(np.isneginf(best), 0.0, best)

    @property
    def actions(self) -> np.ndarray:
        """The first of the best actions of each state; -1 without one. int64[num_states]."""
        first: np.ndarray = self.q.argmax(axis=1)
        return np.where(np.isneginf(self.q.max(axis=1)), -1, first)

    @property
    def policy(self) -> Greedy[S]:
        """The best action by q as it is when asked; of those that tie each is as likely."""
        return Greedy(lambda state: self.q[self.index(state)])

    def value(self, state: S) -> float:
        """What the best action of a state is worth; 0 without one.

        Raises:
          InvalidRequest: there is no such state.
        """
        best = float(self.q[self.index(state)].max())
        return 0.0 if best == -np.inf else best

    def as_policy(self) -> TabularPolicy:
        """The policy of `actions`, over the numbers of the states; uniform where there is none."""
        return TabularPolicy.of_actions(self.actions, self.q.shape[1])


class ActsOnQ(HasQ[S]):
    """The same, with its first best action as a policy."""

    def action(self, state: S, rng: np.random.Generator | None = None) -> int:
        """The first of the best actions of a state. Draws nothing.

        Raises:
          InvalidRequest: there is no such state.
          TerminalState: there is nothing left to do in it.
        """
        row = self.q[self.index(state)]
        first = int(row.argmax())
        return action_or_terminal(first if row[first] > -np.inf else -1, state)


def action_or_terminal(action: int, state: object) -> int:
    """The action; raises TerminalState where it is -1."""
    if action < 0:
        raise TerminalState(f"state {state!r} is terminal, or no step is left: no action to take")
    return action

"""A native table that is asked in states which are no numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from mcts_service.models.tabular import TabularModel

__all__ = ["LabelledTable"]

S = TypeVar("S")


class LabelledTable(ABC, Generic[S]):
    """A table whose states have other names than their numbers.

    Attributes:
      states: by their numbers in the table.
      table: the same problem with the numbers as states.
      handle: the compiled table.
      num_actions, num_players, discount, deterministic, continuing: of the table.
    """

    def __init__(self, table: TabularModel, states: Sequence[S]) -> None:
        self.states = states
        self.table = table
        self.handle = table.handle
        self.num_actions = table.num_actions
        self.num_players = table.num_players
        self.discount = table.discount
        self.deterministic = table.deterministic
        self.continuing = table.continuing

    @abstractmethod
    def index(self, state: S) -> int:
        """The number of a state in the table; raises InvalidRequest if it is none of them."""

    def pack_state(self, state: S) -> bytes:
        """The bytes by which the compiled table knows a state; raises as `index` does."""
        return self.table.pack_state(self.index(state))

    def unpack_state(self, data: bytes) -> S:
        """The state of `pack_state`'s bytes."""
        return self.states[self.table.unpack_state(data)]

    def validate_state(self, state: S) -> None:
        """Raises InvalidRequest where `index` does."""
        self.index(state)

    def initial_state(self, rng: np.random.Generator | None = None) -> S:
        """One of the initial states: drawn with `rng`, always the same without it."""
        return self.states[self.table.initial_state(rng)]

    def sample(self, state: S, action: int, rng: np.random.Generator) -> tuple[S, float, bool]:
        """Draws (next_state, reward, terminated), as the table does."""
        number, reward, terminated = self.table.sample(self.index(state), action, rng)
        return self.states[number], reward, terminated

    def transitions(self, state: S, action: int) -> list[tuple[float, S, float, bool]]:
        """All outcomes of a legal action: (probability, next_state, reward, terminated)."""
        return [
            (probability, self.states[number], reward, terminated)
            for probability, number, reward, terminated in self.table.transitions(
                self.index(state), action
            )
        ]

    def legal_actions(self, state: S) -> list[int]:
        """The legal actions, ascending; none in a terminal state."""
        return self.table.legal_actions(self.index(state))

    def is_terminal(self, state: S) -> bool:
        """Whether nothing can be done in the state any more."""
        return self.table.is_terminal(self.index(state))

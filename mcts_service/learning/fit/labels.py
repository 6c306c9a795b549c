"""States that are no numbers, told apart and numbered."""

from __future__ import annotations

import reprlib
from collections.abc import Hashable, Iterable
from typing import Any

from mcts_service.errors import InvalidRequest
from mcts_service.models import TabularModel
from mcts_service.models.identity import state_identity
from mcts_service.models.labelled_table import LabelledTable

__all__ = ["Labels", "TableOfLabels"]


class Labels:
    """States and their numbers, in the order in which they were first seen.

    States are told apart as a search tells them: by an array's bytes, or the state itself.

    Attributes:
      states: by their numbers.
    """

    def __init__(self, states: Iterable[Any]) -> None:
        """The distinct ones of `states`.

        Raises:
          TypeError: a state cannot be told from others.
        """
        self.states: list[Any] = []
        self._numbers: dict[Hashable, int] = {}
        for state in states:
            number = self._numbers.setdefault(state_identity(None, state), len(self.states))
            if number == len(self.states):
                self.states.append(state)

    def __len__(self) -> int:
        return len(self.states)

    def number(self, state: Any) -> int:
        """The number of a state.

        Raises:
          InvalidRequest: it was never seen.
        """
        try:
            return self._numbers[state_identity(None, state)]
        except (KeyError, TypeError) as error:
            raise InvalidRequest(
                "state",
                f"is {reprlib.repr(state)}; must be one of the {len(self)} states of the data",
            ) from error


class TableOfLabels(LabelledTable[Any]):
    """A native table that is asked in states as they were seen in the data.

    Attributes:
      labels: the states by their numbers.
      description: of the table.
    """

    def __init__(self, table: TabularModel, labels: Labels) -> None:
        super().__init__(table, labels.states)
        self.labels = labels
        self.description = table.description

    def index(self, state: Any) -> int:
        """The number of a state in the table; raises InvalidRequest if it was never seen."""
        return self.labels.number(state)

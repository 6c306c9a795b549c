"""A policy that is written down for every state."""

from __future__ import annotations

import numpy as np

from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest
from mcts_service.policies.distribution import ActionDistribution

__all__ = ["TabularPolicy"]

# How far the sum of probabilities may be from 1.
_TOLERANCE = 1e-9


class TabularPolicy(ActionDistribution[int]):
    """States and actions are numbers; a table has the probability of each action in each.

    Attributes:
      table: float64[num_states, num_actions], rows summing to 1; read only.
    """

    def __init__(self, table: np.ndarray):
        """Raises InvalidRequest: a row is no distribution; names it."""
        table = np.array(table, dtype=np.float64)
        if table.ndim != 2:
            raise InvalidRequest(
                "table", f"has the shape {table.shape}; must be [num_states, num_actions]"
            )
        # Written so that NaN is wrong too.
        wrong = ~((table >= 0).all(axis=1) & (abs(table.sum(axis=1) - 1.0) <= _TOLERANCE))
        if wrong.any():
            row = int(wrong.argmax())
            raise InvalidRequest(
                f"table[{row}]", f"is {table[row]}; must be probabilities that sum to 1"
            )
        table.flags.writeable = False
        self.table = table

    @classmethod
    def of_actions(cls, actions: np.ndarray, num_actions: int) -> TabularPolicy:
        """The policy that takes one action in each state.

        Args:
          actions: integers [num_states], each from 0 to num_actions - 1; -1 where there is none
            to take, in a terminal state: there the row is uniform.
        Raises:
          InvalidRequest: they are no such integers.
        """
        actions = np.asarray(actions)
        if actions.ndim != 1 or actions.dtype.kind not in "iu":
            raise InvalidRequest(
                "actions",
                f"are {actions.dtype}{shown(list(actions.shape))}; must be integers [num_states]",
            )
        if not ((actions >= -1) & (actions < num_actions)).all():
            raise InvalidRequest("actions", f"must be from -1 to {num_actions - 1}")
        table = np.eye(num_actions)[actions]
        table[actions < 0] = 1.0 / num_actions
        return cls(table)

    def probabilities(self, state: int) -> np.ndarray:
        """The state's row.

        Raises:
          InvalidRequest: it is no integer from 0 to num_states - 1.
        """
        number = require_integer("state", state, 0, len(self.table) - 1)
        row: np.ndarray = self.table[number]
        return row

"""The table of action values that a tabular method improves."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.checks import MAX_RETURN, require_integer, require_number, shown
from mcts_service.errors import InvalidRequest
from mcts_service.protocols import Experience

__all__ = ["ActionValueTable"]

#: What the compiled tables number pairs of state and action with.
MAX_PAIRS = 2**31 - 2


class ActionValueTable:
    """float64[num_states, num_actions], -inf where an action is not legal.

    Attributes:
      num_states, num_actions: its shape.
      table: what a compiled method writes to.
      view: the same numbers, read only. They change as learning goes on: copy them to keep them.
    """

    def __init__(
        self, num_states: int, num_actions: int, initial_value: float, legal: np.ndarray | None
    ) -> None:
        """Every legal action worth `initial_value`.

        Args:
          num_states, num_actions: at least 1 each, their product at most 2^31 - 2.
          initial_value: in reward units, from -1e140 to 1e140.
          legal: bool[num_states, num_actions]; None: every action is legal in every state.
        Raises:
          InvalidRequest: names the argument and what would be right.
        """
        self.num_states = require_integer("num_states", num_states, 1, MAX_PAIRS)
        self.num_actions = require_integer(
            "num_actions", num_actions, 1, MAX_PAIRS // self.num_states
        )
        value = require_number("initial_value", initial_value, -MAX_RETURN, MAX_RETURN)
        self.table = np.full((self.num_states, self.num_actions), value)
        if legal is not None:
            self.table[~self._mask(legal)] = -np.inf
        self._has_action = (self.table != -np.inf).any(axis=1)
        self.view = self.table.view()
        self.view.flags.writeable = False

    def _mask(self, legal: Any) -> np.ndarray:
        mask = np.asarray(legal)
        if mask.dtype != np.bool_ or mask.shape != self.table.shape:
            raise InvalidRequest(
                "legal",
                f"is {mask.dtype}{list(mask.shape)}; must be bool{list(self.table.shape)}",
            )
        return mask

    def require_state(self, field: str, state: Any) -> int:
        """The state as an int.

        Raises:
          InvalidRequest: it is not an integer from 0 to num_states - 1.
        """
        return require_integer(field, state, 0, self.num_states - 1)

    def require_experience(self, experience: Experience[int]) -> tuple[int, int, float, int, bool]:
        """(state, action, reward, next_state, terminated) of a step that the table can hold.

        Raises:
          InvalidRequest: a state or an action is not one of the table, the action is not legal
            in the state, or the reward is not a number from -1e140 to 1e140.
        """
        state = self.require_state("state", experience.state)
        action = require_integer("action", experience.action, 0, self.num_actions - 1)
        if self.table[state, action] == -np.inf:
            raise InvalidRequest("action", f"is {action}; is not legal in state {state}")
        return (
            state,
            action,
            require_number("reward", experience.reward, -MAX_RETURN, MAX_RETURN),
            self.require_state("next_state", experience.next_state),
            bool(experience.terminated),
        )

    def require_choice(self, state: Any) -> int:
        """A state with a legal action, as an int.

        Raises:
          InvalidRequest: it is not one of the table, or has no legal action.
        """
        number = self.require_state("state", state)
        if not self._has_action[number]:
            raise InvalidRequest("state", f"is {shown(state)}; has no legal action")
        return number

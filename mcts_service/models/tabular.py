"""Any finite distribution model, compiled into a table."""

from __future__ import annotations

import operator
import reprlib
import struct
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from mcts_service import _models
from mcts_service.errors import InvalidRequest
from mcts_service.models.native import NativeModel
from mcts_service.models.rows import (
    Rows,
    Transitions,
    merged,
    require_valid,
    rows_of,
    rows_of_arrays,
    terminal_states,
)
from mcts_service.models.spec import StateSpec

__all__ = ["TabularModel"]

Table = TypeVar("Table", bound="TabularModel")

# How far the sum of probabilities may be from 1.
_TOLERANCE = 1e-9
# The compiled table counts in int32.
_MOST_ENTRIES = 2**31 - 2


class TabularModel(NativeModel[int]):
    """A finite problem whose outcomes are all known. States are the integers 0 .. num_states - 1.

    A sample draws one `rng.random()` where an action has several outcomes, and takes the first
    whose cumulative probability exceeds it; it draws nothing where there is one.

    A state is terminal where the table shows it: it has no action; or every action stays there,
    rewarded with 0 and terminated; or an outcome of another state ends in it, no episode starts
    there, and none that does goes on in it.

    Attributes:
      num_states: how many there are.
      initial_distribution: the probability of each state to start in, float64[num_states].
      deterministic: True if every action has one outcome.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        discount: float,
        initial: int | np.ndarray | Sequence[float],
        description: str,
        state_description: str,
        action_description: str,
    ) -> None:
        """The table of valid rows; see `from_transitions` and `from_arrays`."""
        require_valid(rows)
        rows = merged(rows)
        self.num_states = rows.num_states
        self.continuing = not rows.terminated.any()
        self.initial_distribution = _initial_distribution(initial, rows.num_states)
        self._table = _compiled(
            rows, _discount(discount), terminal_states(rows, self.initial_distribution > 0)
        )
        super().__init__(
            self._table,
            state_spec=StateSpec(
                "discrete", num_values=rows.num_states, description=state_description
            ),
            action_description=action_description,
            description=description,
        )

    @classmethod
    def from_transitions(
        cls: type[Table],
        transitions: Transitions,
        *,
        discount: float = 0.99,
        initial: int | np.ndarray | Sequence[float] = 0,
        description: str = "",
        state_description: str = "",
        action_description: str = "",
    ) -> Table:
        """The model of a table as Gymnasium writes it.

        Args:
          transitions: transitions[state][action] = outcomes, each (probability, next_state,
            reward, terminated). Sequences, or mappings from 0 upwards. An action that is left
            out, or has no outcomes, is not legal in that state. Outcomes that are the same are
            put together, those of probability 0 left out.
          discount: per step, above 0 and at most 1.
          initial: where an episode starts: a state, or the probability of each,
            float64[num_states].
          description: the model in a line.
          state_description, action_description: what the numbers mean.
        Raises:
          InvalidRequest: says what is wrong, and in which state and action.
        """
        return cls(
            rows_of(transitions),
            discount=discount,
            initial=initial,
            description=description,
            state_description=state_description,
            action_description=action_description,
        )

    @classmethod
    def from_arrays(
        cls: type[Table],
        row_start: np.ndarray,
        probabilities: np.ndarray,
        next_states: np.ndarray,
        rewards: np.ndarray,
        terminated: np.ndarray,
        *,
        num_actions: int,
        discount: float = 0.99,
        initial: int | np.ndarray | Sequence[float] = 0,
        description: str = "",
        state_description: str = "",
        action_description: str = "",
    ) -> Table:
        """The model of outcomes that lie one behind the other, for large tables.

        Args:
          row_start: action a of state s has the entries from row_start[s * num_actions + a] up
            to the next row_start. Integers [num_states * num_actions + 1], ascending from 0 to K.
          probabilities: float64[K].
          next_states: integers [K].
          rewards: float64[K].
          terminated: bool[K].
          num_actions: of every state; one without entries is not legal.
          discount, initial, description, state_description, action_description: as in
            `from_transitions`.
        Raises:
          InvalidRequest: says what is wrong, and in which state and action.
        """
        return cls(
            rows_of_arrays(row_start, probabilities, next_states, rewards, terminated, num_actions),
            discount=discount,
            initial=initial,
            description=description,
            state_description=state_description,
            action_description=action_description,
        )

    def transitions(self, state: int, action: int) -> list[tuple[float, int, float, bool]]:
        """All outcomes of a legal action: (probability, next_state, reward, terminated) each.

        A terminal state has those that the table gives it.

        Raises:
          InvalidRequest: the state is not one of the table, or the action not legal in it.
        """
        return self._outcomes(state, action)

    def rows(self) -> Rows:
        """All outcomes of all states and actions, as the compiled table has them: a copy.

        Those that were the same are one, and there is none of probability 0. A terminal state has
        the rows that the table gives it.
        """
        row_start, probabilities, next_states, rewards, terminated, _ = _models.tabular_arrays(
            self._table
        )
        return Rows(
            self.num_actions,
            row_start.astype(np.int64),
            probabilities,
            next_states.astype(np.int64),
            rewards,
            terminated.astype(np.bool_),
        )

    def terminal_states(self) -> np.ndarray:
        """In which states nothing can be done any more: bool[num_states]."""
        terminal: np.ndarray = _models.tabular_arrays(self._table)[-1].astype(np.bool_)
        return terminal

    def pack_state(self, state: Any) -> bytes:
        """The bytes of an integer.

        Raises:
          InvalidRequest: it is not an integer from 0 to num_states - 1.
        """
        right = f"must be an integer from 0 to {self.num_states - 1}"
        if isinstance(state, (bool, np.bool_)):
            raise InvalidRequest("state", f"is {state!r}; {right}")
        try:
            number = operator.index(state)
        except TypeError as error:
            raise InvalidRequest("state", f"is {reprlib.repr(state)}; {right}") from error
        if not 0 <= number < self.num_states:
            raise InvalidRequest("state", f"is {reprlib.repr(number)}; {right}")
        return struct.pack("=q", number)

    def unpack_state(self, data: bytes) -> int:
        """The number of a state."""
        return int(struct.unpack("=q", data)[0])

    def unpack_states(self, rows: np.ndarray) -> np.ndarray:
        """The numbers of many states, of uint8[N, 8]: int64[N]."""
        numbers: np.ndarray = rows.view(np.int64)
        return numbers.reshape(len(rows))

    def initial_state(self, rng: np.random.Generator | None = None) -> int:
        """A state drawn from where episodes start; without `rng` the most probable.

        Of equally probable ones it is the first. Nothing is drawn where there is one state.
        """
        possible = np.flatnonzero(self.initial_distribution)
        if rng is None or len(possible) == 1:
            return int(np.argmax(self.initial_distribution))
        return int(rng.choice(possible, p=self.initial_distribution[possible]))


def _discount(discount: Any) -> float:
    if not isinstance(discount, (int, float, np.floating)) or not 0 < discount <= 1:
        raise InvalidRequest(
            "discount", f"is {reprlib.repr(discount)}; must be a number above 0 and at most 1"
        )
    return float(discount)


def _initial_distribution(initial: Any, num_states: int) -> np.ndarray:
    """The probability of each state to start in: float64[num_states]."""
    right = f"must be a state from 0 to {num_states - 1}, or {num_states} probabilities"
    wrong = InvalidRequest("initial", f"is {reprlib.repr(initial)}; {right}")
    if isinstance(initial, (int, np.integer)) and not isinstance(initial, bool):
        if not 0 <= initial < num_states:
            raise wrong
        distribution = np.zeros(num_states)
        distribution[initial] = 1.0
        return distribution
    try:
        distribution = np.array(initial, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise wrong from error
    if distribution.shape != (num_states,):
        raise wrong
    if not (np.isfinite(distribution) & (distribution >= 0)).all():
        raise InvalidRequest("initial", "has a probability that is negative or not finite")
    if abs(distribution.sum() - 1.0) > _TOLERANCE:
        raise InvalidRequest("initial", f"has the sum {distribution.sum()}; must be 1")
    return distribution


def _compiled(rows: Rows, discount: float, terminal: np.ndarray) -> Any:
    """The capsule of a table."""
    if rows.num_rows > _MOST_ENTRIES or len(rows.probabilities) > _MOST_ENTRIES:
        raise InvalidRequest(
            "transitions",
            f"has {rows.num_rows} states times actions and {len(rows.probabilities)} outcomes; "
            f"must have at most {_MOST_ENTRIES} of each",
        )
    return _models.tabular_model(
        rows.num_states,
        rows.num_actions,
        discount,
        rows.row_start.astype(np.int32),
        rows.probabilities,
        rows.next_states.astype(np.int32),
        rows.rewards,
        rows.terminated.astype(np.uint8),
        terminal.astype(np.uint8),
    )

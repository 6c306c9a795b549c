"""A model, for one state or for many, as something that answers for many with an error a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mcts_client._simulator.rows_generator import RowsGenerator
from mcts_client._simulator.stream import Stream, generator_of
from mcts_client.errors import InvalidRequest

__all__ = ["Answers", "Transitions", "as_rows", "picked"]

#: What is asked of many states, and of one, by the columns of StateFacts.
_FUNCTIONS = {
    "terminal": ("is_terminal_batch", "is_terminal"),
    "players": ("current_player_batch", "current_player"),
    "keys": ("state_key_batch", "state_key"),
}


@dataclass
class Transitions:
    """What came of some rows, in columns.

    Attributes:
      next_states: of the rows without an error, in their order.
      rewards: float64[N, players].
      terminated: bool[N].
      next_seeds: where the streams of the rows have got to.
      errors: {row: exception}.
    """

    next_states: list[Any]
    rewards: np.ndarray[Any, Any]
    terminated: np.ndarray[Any, Any]
    next_seeds: list[int]
    errors: dict[int, Exception] = field(default_factory=dict)


class Answers:
    """What a user's model answers. Used by as many threads as the model may be.

    Attributes:
      num_actions, num_players: of the model.
      facts: the columns of StateFacts that it can give.
    """

    def __init__(self, model: Any) -> None:
        """Looks up once what the model can do.

        Raises:
          InvalidRequest: it is no sample model, or has no numbered actions.
        """
        self._model = model
        self._sample_batch = _function(model, "sample_batch")
        self._sample = _function(model, "sample")
        if self._sample_batch is None and self._sample is None:
            raise InvalidRequest.of_field(
                "model",
                f"is a {type(model).__name__}; must have sample(state, action, rng) or "
                "sample_batch(states, actions, rng)",
            )
        self.num_actions = int(getattr(model, "num_actions", 0))
        if self.num_actions < 1:
            raise InvalidRequest.of_field(
                "model", "has no num_actions; actions must be numbered from 0"
            )
        self.num_players = int(getattr(model, "num_players", 1))
        self._columns = self._known_columns()
        self.facts = frozenset(self._columns) | self._known_evaluations()
        self._validate = _function(model, "validate_state")

    def _known_columns(self) -> dict[str, Callable[[Sequence[Any]], Any]]:
        columns = {}
        for column, (of_many, of_one) in _FUNCTIONS.items():
            function = _function(self._model, of_many) or _by_rows(_function(self._model, of_one))
            if function is not None:
                columns[column] = function
        if self.num_players == 1:
            columns.pop("players", None)
        legal = _function(self._model, "legal_actions_batch")
        if legal is not None:
            columns["legal"] = legal
        elif _function(self._model, "legal_actions") is not None:
            columns["legal"] = self._masks
        return columns

    def _known_evaluations(self) -> frozenset[str]:
        if _function(self._model, "evaluate_batch") is not None:
            return frozenset({"values", "priors"} if self._gives_priors() else {"values"})
        one = {"values": "value", "priors": "prior"}
        return frozenset(name for name, of_one in one.items() if _function(self._model, of_one))

    def _gives_priors(self) -> bool:
        return bool(getattr(self._model, "gives_priors", False))

    @property
    def validates(self) -> bool:
        """Whether the model tells its states from what is none."""
        return self._validate is not None

    def refusals(self, states: Sequence[Any]) -> dict[int, Exception]:
        """Those of some states that are none of the model: {row: exception}."""
        found: dict[int, Exception] = {}
        if self._validate is not None:
            for row, state in enumerate(states):
                try:
                    self._validate(state)
                except Exception as error:
                    found[row] = error
        return found

    def transitions(
        self, states: Sequence[Any], actions: Sequence[int], seeds: Sequence[int]
    ) -> Transitions:
        """One transition a row, drawn from its own seed; a row that fails harms no other."""
        if self._sample_batch is None:
            return self._one_by_one(states, actions, seeds)
        try:
            return self._together(states, actions, seeds)
        except Exception as error:
            count = len(actions)
            if count == 1:
                return Transitions(
                    [], self._no_rewards(1), np.ones(1, np.bool_), [*seeds], {0: error}
                )
        # Row by row, so that only those fail that make it fail.
        rows = [
            self.transitions(states[i : i + 1], actions[i : i + 1], seeds[i : i + 1])
            for i in range(count)
        ]
        return Transitions(
            [state for row in rows for state in row.next_states],
            np.concatenate([row.rewards for row in rows]),
            np.concatenate([row.terminated for row in rows]),
            [row.next_seeds[0] for row in rows],
            {i: row.errors[0] for i, row in enumerate(rows) if row.errors},
        )

    def facts_of(self, states: Sequence[Any], ended: np.ndarray[Any, Any]) -> dict[str, Any]:
        """The columns of some states but for values and priors; zeros where they have `ended`.

        Keys are given of all.
        """
        live = np.flatnonzero(~ended)
        return {
            name: self._column(name, states, np.arange(len(states)) if name == "keys" else live)
            for name in self._columns
            if name != "terminal"
        }

    def terminal(self, states: Sequence[Any]) -> np.ndarray[Any, Any]:
        """Whether nothing can be done in a state any more: bool[N]."""
        if "terminal" not in self._columns:
            return np.zeros(len(states), np.bool_)
        column: np.ndarray[Any, Any] = self._column("terminal", states, np.arange(len(states)))
        return column

    def evaluations(
        self, states: Sequence[Any], ended: np.ndarray[Any, Any]
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Values [N, players] and priors [N, actions], as far as the model gives them.

        Zeros where they have `ended`.
        """
        live = np.flatnonzero(~ended)
        if not self.facts & {"values", "priors"}:
            return {}
        given: dict[str, Any] = {}
        evaluate = _function(self._model, "evaluate_batch")
        if not len(live):
            given = {name: [] for name in ("values", "priors")}
        elif evaluate is not None:
            given["priors"], given["values"] = evaluate(picked(states, live))
        else:
            for name, of_one in (("values", "value"), ("priors", "prior")):
                function = _function(self._model, of_one)
                if function is not None:
                    given[name] = [function(state) for state in picked(states, live)]
        widths = {"values": self.num_players, "priors": self.num_actions}
        return {
            name: _spread(name, given[name], live, len(states), widths[name])
            for name in widths
            if name in self.facts
        }

    # ---- transitions

    def _together(
        self, states: Sequence[Any], actions: Sequence[int], seeds: Sequence[int]
    ) -> Transitions:
        assert self._sample_batch is not None
        count, rng = len(actions), RowsGenerator(seeds)
        following, rewards, terminated = self._sample_batch(
            states, np.array(actions, np.int64), rng
        )
        ends = np.asarray(terminated)
        if len(following) != count or ends.shape != (count,) or ends.dtype != np.bool_:
            raise TypeError(
                f"sample_batch gives {len(following)} next states and {ends.dtype}"
                f"{list(ends.shape)} ends; must give {count} and bool[{count}]"
            )
        numbers = np.array(rewards, np.float64).reshape(count, self.num_players)
        if not np.isfinite(numbers).all():
            raise ValueError("sample_batch gives a reward that is not finite")
        return Transitions(list(following), numbers, ends, rng.counters)

    def _one_by_one(
        self, states: Sequence[Any], actions: Sequence[int], seeds: Sequence[int]
    ) -> Transitions:
        assert self._sample is not None
        stream = Stream()
        rng, count = generator_of(stream), len(actions)
        found = Transitions([], self._no_rewards(count), np.ones(count, np.bool_), [*seeds])
        for row in range(count):
            stream.counter = seeds[row]
            try:
                following, reward, terminated = self._sample(states[row], actions[row], rng)
                found.rewards[row] = _finite(reward)
                found.terminated[row] = bool(terminated)
            except Exception as error:
                found.errors[row] = error
            else:
                found.next_states.append(following)
            found.next_seeds[row] = stream.counter
        return found

    def _no_rewards(self, count: int) -> np.ndarray[Any, Any]:
        return np.zeros((count, self.num_players))

    # ---- facts

    def _column(self, name: str, states: Sequence[Any], rows: np.ndarray[Any, Any]) -> Any:
        """A column of the states of some rows; zeros elsewhere."""
        width = self.num_actions if name == "legal" else 0
        given = self._columns[name](picked(states, rows)) if len(rows) else []
        return _spread(name, given, rows, len(states), width)

    def _masks(self, states: Sequence[Any]) -> np.ndarray[Any, Any]:
        masks = np.zeros((len(states), self.num_actions), np.bool_)
        for row, state in enumerate(states):
            masks[row, list(self._model.legal_actions(state))] = True
        return masks


#: What a column is read as; others are numbers.
_DTYPES = {"legal": np.bool_, "terminal": np.bool_, "players": np.int64, "keys": np.int64}


def _function(model: Any, name: str) -> Callable[..., Any] | None:
    function = getattr(model, name, None)
    return function if callable(function) else None


def _by_rows(function: Callable[..., Any] | None) -> Callable[[Sequence[Any]], Any] | None:
    """A function of one state as one of many."""
    if function is None:
        return None
    return lambda states: [function(state) for state in states]


def picked(states: Any, rows: Sequence[int] | np.ndarray[Any, Any]) -> Any:
    """The states of some rows."""
    if isinstance(states, np.ndarray):
        return states[np.asarray(rows, np.int64)]
    return [states[row] for row in rows]


def as_rows(states: list[Any], like: Any) -> Any:
    """States as an array, where others came as one."""
    return np.asarray(states, like.dtype) if isinstance(like, np.ndarray) else states


def _spread(name: str, given: Any, rows: Any, count: int, width: int) -> np.ndarray[Any, Any]:
    """A column of `count` rows, with what was given at its rows and zeros elsewhere."""
    dtype = _DTYPES.get(name, np.float64)
    column: np.ndarray[Any, Any] = np.zeros((count, width) if width else count, dtype)
    if len(rows):
        values = np.asarray(given)
        if not np.can_cast(values.dtype, dtype, "same_kind"):
            raise TypeError(f"{name} of states are {values.dtype}; must be {np.dtype(dtype)}")
        column[rows] = values.reshape(len(rows), *column.shape[1:])
    return column


def _finite(reward: Any) -> np.ndarray[Any, Any]:
    numbers = np.asarray(reward, np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(f"sample gives the reward {reward}; must be finite")
    return numbers

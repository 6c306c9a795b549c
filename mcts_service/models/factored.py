"""Any factored model over boolean variables, compiled: a dynamic Bayesian network per action."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from mcts_service import _models
from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest
from mcts_service.models.arrays import state_array
from mcts_service.models.native import NativeModel
from mcts_service.models.spec import StateSpec

__all__ = ["Factor", "FactoredModel"]

MAX_OUTCOMES = 1_024

# A state is 64 bits wide; a table of more variables would have millions of numbers.
_MOST_VARIABLES, _MOST_IN_SCOPE = 64, 20
_MOST_OUTCOMES = 2**20
# A probability that is nearer to 0 or 1 than this would be a rounding error, and products of it
# could underflow to 0.
_LEAST_PROBABILITY = 1e-12
_MOST_REWARD = 1e100
_WORD_BYTES = 8

Model = TypeVar("Model", bound="FactoredModel")


@dataclass(frozen=True, eq=False)
class Factor:
    """A function of state and action that looks at a few variables only.

    Attributes:
      scope: the variables that it looks at, each once; () for a function of the action alone.
      table: its values, float64[num_actions, 2**len(scope)]. Bit j of a column's number is the
        value of the variable scope[j].
    """

    scope: Sequence[int]
    table: Any

    def values(self, states: np.ndarray) -> np.ndarray:
        """Its value in each state for each action.

        Args:
          states: bool[N, num_variables].
        Returns:
          float64[N, num_actions].
        """
        scope = np.array(self.scope, np.int64)
        columns = states[:, scope].astype(np.int64) @ (1 << np.arange(len(scope), dtype=np.int64))
        values: np.ndarray = np.asarray(self.table, np.float64)[:, columns].T
        return values


class FactoredModel(NativeModel[np.ndarray]):
    """A problem whose state is a row of boolean variables, each with its own probability.

    Given state and action, the next values of the variables are independent of each other. The
    probability of each, and each part of the reward, hangs on the few variables in its scope: so
    2**64 states need no table of states. Actions are all legal, and nothing is terminal.

    A sample draws one `rng.random()` for each variable whose next value is uncertain, in their
    order; the value is 1 where the draw is below the probability.

    Attributes:
      probabilities: of each variable to be 1 next. One factor a variable.
      rewards: what adds up to the reward. Any number of factors.
      max_outcomes: most outcomes that an action can have; 0 where they are more than were
        allowed. Planning then knows the model by its samples, and `transitions` is None.
      deterministic: True if nothing is uncertain.
    Source: Boutilier, Dearden and Goldszmidt (2000), section 3.
    """

    #: (state, action) -> all outcomes: (probability, next_state, reward, terminated) each.
    transitions: Callable[[Any, int], list[tuple[float, np.ndarray, float, bool]]] | None

    continuing = True

    def __init__(
        self,
        probabilities: Sequence[Factor],
        rewards: Sequence[Factor],
        *,
        initial: Any,
        discount: float = 1.0,
        max_outcomes: int = MAX_OUTCOMES,
        description: str = "",
        state_description: str = "",
        action_description: str = "",
    ) -> None:
        """The model of its factors.

        Args:
          probabilities: one factor for each of 1 .. 64 variables: the probability of the value 1.
            Each is 0, 1 or from 1e-12 to 1 - 1e-12. Scopes have at most 20 variables.
          rewards: they add up. Finite, at most 1e100 in size.
          initial: the state that episodes start in, bool[num_variables].
          discount: per step, above 0 and at most 1.
          max_outcomes: where an action may have more outcomes, the model does without
            `transitions`. 0 .. 2**20.
          description: the model in a line.
          state_description, action_description: what the variables and actions mean.
        Raises:
          InvalidRequest: names the argument, and what would be right.
        """
        if not len(probabilities):
            raise InvalidRequest("probabilities", "is empty; must have one factor a variable")
        require_integer("len(probabilities)", len(probabilities), 1, _MOST_VARIABLES)
        self._num_variables = len(probabilities)
        num_actions = _num_actions(probabilities[0])
        self.probabilities = self._checked("probabilities", probabilities, num_actions)
        self.rewards = self._checked("rewards", rewards, num_actions)
        for number, factor in enumerate(self.probabilities):
            _require_probabilities(f"probabilities[{number}].table", factor.table)
        _require_rewards(self.rewards)
        limit = require_integer("max_outcomes", max_outcomes, 0, _MOST_OUTCOMES)
        most = 2 ** _most_uncertain(self.probabilities)
        self.max_outcomes = most if most <= limit else 0
        super().__init__(
            _models.factored_model(
                self._num_variables,
                num_actions,
                _discount(discount),
                self.max_outcomes,
                most == 1,
                _arrays(self.probabilities),
                _arrays(self.rewards),
            ),
            state_spec=StateSpec(
                "tensor", np.dtype(np.bool_), (self._num_variables,), description=state_description
            ),
            action_description=action_description,
            description=description,
        )
        self.transitions = self._outcomes if self.max_outcomes else None
        self._initial = self._bits("initial", initial)

    def pack_state(self, state: Any) -> bytes:
        """The bytes of a word with a bit for each variable.

        Args:
          state: bool[num_variables], or integers that are 0 or 1.
        Raises:
          InvalidRequest: the form is wrong.
        """
        bits = self._bits("state", state)
        return np.packbits(bits, bitorder="little").tobytes().ljust(_WORD_BYTES, b"\0")

    def unpack_state(self, data: bytes) -> np.ndarray:
        """The values of the variables: a new bool[num_variables]."""
        octets = np.frombuffer(data, np.uint8)
        bits = np.unpackbits(octets, count=self._num_variables, bitorder="little")
        state: np.ndarray = bits.astype(np.bool_)
        return state

    def initial_state(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Where every episode starts."""
        state: np.ndarray = self._initial.copy()
        return state

    def _outcomes(self, state: Any, action: int) -> list[tuple[float, np.ndarray, float, bool]]:
        """All outcomes of an action: (probability, next_state, reward, terminated) each.

        Raises:
          InvalidRequest: the state is not one of the model, or the action not legal in it.
        """
        packed = self.pack_state(state)
        self._require_legal(packed, action)
        return [
            (probability, self.unpack_state(following), rewards[0], terminated)
            for probability, following, rewards, terminated in self.handle.transitions(
                packed, int(action)
            )
        ]

    def _bits(self, field: str, state: Any) -> np.ndarray:
        right = f"must be bool[{self._num_variables}], a value for each variable"
        try:
            array = state_array(state, (self._num_variables,), right)
        except InvalidRequest as error:
            raise InvalidRequest(field, error.violations[0].description) from error
        if array.dtype.kind not in "biu":
            raise InvalidRequest(field, f"has the dtype {array.dtype}; {right}")
        if ((array != 0) & (array != 1)).any():
            raise InvalidRequest(field, f"has a value that is not 0 or 1; {right}")
        bits: np.ndarray = array.astype(np.bool_)
        return bits

    def _checked(
        self, field: str, factors: Sequence[Factor], num_actions: int
    ) -> tuple[Factor, ...]:
        return tuple(
            _checked_factor(f"{field}[{number}]", factor, self._num_variables, num_actions)
            for number, factor in enumerate(factors)
        )


def _num_actions(factor: Any) -> int:
    table: Any = getattr(factor, "table", None)
    shape = np.shape(table)
    if len(shape) != 2 or shape[0] < 1:
        raise InvalidRequest(
            "probabilities[0].table",
            f"has the shape {shape}; must be float64[num_actions, 2**len(scope)]",
        )
    return int(shape[0])


def _checked_factor(field: str, factor: Any, num_variables: int, num_actions: int) -> Factor:
    """A copy in the form that the compiled model takes."""
    if not isinstance(factor, Factor):
        raise InvalidRequest(field, f"is {shown(factor)}; must be a Factor")
    scope = tuple(
        require_integer(f"{field}.scope[{place}]", variable, 0, num_variables - 1)
        for place, variable in enumerate(factor.scope)
    )
    if len(set(scope)) != len(scope):
        raise InvalidRequest(f"{field}.scope", f"is {scope}; must name each variable once")
    if len(scope) > _MOST_IN_SCOPE:
        raise InvalidRequest(
            f"{field}.scope",
            f"has {len(scope)} variables; must have at most {_MOST_IN_SCOPE}",
        )
    shape = (num_actions, 2 ** len(scope))
    right = f"must be float64[{shape[0]}, {shape[1]}]: a row for each action"
    try:
        table = np.array(factor.table, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"{field}.table", f"is {shown(factor.table)}; {right}") from error
    if table.shape != shape:
        raise InvalidRequest(f"{field}.table", f"has the shape {table.shape}; {right}")
    table.flags.writeable = False
    return Factor(scope, table)


def _require_probabilities(field: str, table: np.ndarray) -> None:
    certain = (table == 0) | (table == 1)
    wrong = ~(certain | ((table >= _LEAST_PROBABILITY) & (table <= 1 - _LEAST_PROBABILITY)))
    if wrong.any():
        raise InvalidRequest(
            field,
            f"has {table[wrong][0]}; must have probabilities: 0, 1, or from {_LEAST_PROBABILITY} "
            f"to 1 - {_LEAST_PROBABILITY}",
        )


def _require_rewards(factors: Sequence[Factor]) -> None:
    for number, factor in enumerate(factors):
        wrong = ~(np.abs(factor.table) <= _MOST_REWARD)
        if wrong.any():
            raise InvalidRequest(
                f"rewards[{number}].table",
                f"has {factor.table[wrong][0]}; must have finite numbers up to {_MOST_REWARD}",
            )


def _most_uncertain(probabilities: Sequence[Factor]) -> int:
    """A bound on how many variables are uncertain at once, over all states and actions."""
    uncertain = [((f.table > 0) & (f.table < 1)).any(axis=1) for f in probabilities]
    return int(np.sum(uncertain, axis=0).max())


def _discount(discount: Any) -> float:
    if not isinstance(discount, (int, float, np.floating)) or not 0 < discount <= 1:
        raise InvalidRequest(
            "discount", f"is {shown(discount)}; must be a number above 0 and at most 1"
        )
    return float(discount)


def _arrays(factors: Sequence[Factor]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """scope_start, scope, table_start and tables, one factor behind the other."""
    scopes = [len(factor.scope) for factor in factors]
    sizes = [math.prod(factor.table.shape) for factor in factors]
    return (
        np.concatenate(([0], np.cumsum(scopes))).astype(np.int32),
        np.array([variable for factor in factors for variable in factor.scope], np.int32),
        np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        np.concatenate([np.zeros(0), *(factor.table.ravel() for factor in factors)]),
    )

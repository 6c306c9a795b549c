"""From any finite distribution model to the native table."""

from __future__ import annotations

import reprlib
from array import array
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models.identity import state_identity
from mcts_service.models.labelled_table import LabelledTable
from mcts_service.models.ladder import require_distribution
from mcts_service.models.tabular import TabularModel
from mcts_service.protocols import DistributionModel

__all__ = ["TabulatedModel", "tabulate"]

S = TypeVar("S")

MAX_STATES = 1_000_000


def tabulate(
    model: DistributionModel[S],
    initial_states: Iterable[S] | None = None,
    max_states: int = MAX_STATES,
) -> TabulatedModel[S]:
    """Compiles a model into a table of every state that can be reached.

    States are told apart as a search tells them: by `state_key`, an array's bytes, or the state
    itself. `discount`, `legal_actions` and `is_terminal` carry over; `value` and
    `rollout_action` do not, as compiled code cannot ask them.

    Args:
      model: of one player, with finitely many states.
      initial_states: where episodes start, each as probable as the others; default
        `model.initial_state()`, that one state alone.
      max_states: how many there may be.
    Raises:
      InvalidRequest: there are more states; the model has several players; it has no
        initial_state and none is given.
      ModelFault: the probabilities of an action are no distribution, or a state that is not
        terminal has no legal action.
      TypeError: the states cannot be told apart.
    """
    players = getattr(model, "num_players", 1)
    if players != 1:
        raise InvalidRequest("model", f"has {players} players; a table has one")
    if initial_states is None:
        initial_state = getattr(model, "initial_state", None)
        if initial_state is None:
            raise InvalidRequest("initial_states", "is not given; the model has no initial_state")
        initial_states = [initial_state()]
    survey: _Survey[S] = _Survey(model, max_states)
    initial = [survey.start(state) for state in initial_states]
    if not initial:
        raise InvalidRequest("initial_states", "is empty; must have at least one state")
    survey.explore()
    return TabulatedModel(model, survey, initial)


class TabulatedModel(LabelledTable[S]):
    """A native table that is asked in the states of the model that it was made from.

    Attributes:
      states: all that can be reached, by their numbers in the table.
      table: the same problem with the numbers as states.
      handle: the compiled table.
      num_actions, num_players, discount, deterministic: of the table.
    """

    # Of the model, as they are: how long an episode is, and how states look and travel.
    _PASSED_ON = (
        "action_spec",
        "decode_state",
        "default_simulations",
        "description",
        "encode_state",
        "horizon",
        "state_from_json",
        "state_key",
        "state_spec",
    )

    def __init__(self, model: DistributionModel[S], survey: _Survey[S], initial: Sequence[int]):
        """The table of a survey that has come to its end; see `tabulate`."""
        super().__init__(survey.table(initial), survey.states)
        self._numbers = survey.numbers
        self._model = model

    def __getattr__(self, name: str) -> Any:
        if name not in TabulatedModel._PASSED_ON:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(self._model, name)

    def index(self, state: S) -> int:
        """The number of a state in the table.

        Raises:
          InvalidRequest: it cannot be reached from the initial states.
        """
        try:
            return self._numbers[state_identity(self._model, state)]
        except (KeyError, TypeError) as error:
            raise InvalidRequest(
                "state",
                f"is {reprlib.repr(state)}; must be one of the {len(self.states)} states that "
                "can be reached from the initial ones",
            ) from error


class _Survey(Generic[S]):
    """The states found so far, numbered as they come, and the outcomes seen.

    Attributes:
      states: by number.
      numbers: of the states, by their identity.
    """

    def __init__(self, model: Any, max_states: int):
        self.states: list[S] = []
        self.numbers: dict[Hashable, int] = {}
        self._model = model
        self._max_states = max_states
        self._to_explore: deque[int] = deque()
        # A state goes on if some way leads there that does not end: only those are explored, as
        # models need not answer for terminal states.
        self._goes_on: list[bool] = []
        # One entry an outcome; row = state * num_actions + action.
        self._row, self._next_state = array("q"), array("q")
        self._probability, self._reward = array("d"), array("d")
        self._terminated = array("b")

    def start(self, state: S) -> int:
        """The number of an initial state."""
        number = self._number(state)
        if not self._is_terminal(state):
            self._go_on(number)
        return number

    def explore(self) -> None:
        """Breadth first, until no state is left."""
        while self._to_explore:
            number = self._to_explore.popleft()
            for action in self._legal_actions(self.states[number]):
                self._record(number, action)

    def table(self, initial: Sequence[int]) -> TabularModel:
        """The table of what was recorded; the initial states are equally probable."""
        row = np.frombuffer(self._row, np.int64)
        num_states, num_actions = len(self.states), self._model.num_actions
        # States were explored in the order in which they went on, not in that of their numbers.
        order = np.argsort(row, kind="stable")
        lengths = np.bincount(row, minlength=num_states * num_actions)
        return TabularModel.from_arrays(
            np.concatenate(([0], np.cumsum(lengths))),
            np.frombuffer(self._probability, np.float64)[order],
            np.frombuffer(self._next_state, np.int64)[order],
            np.frombuffer(self._reward, np.float64)[order],
            np.frombuffer(self._terminated, np.bool_)[order],
            num_actions=num_actions,
            discount=getattr(self._model, "discount", 1.0),
            initial=np.bincount(initial, minlength=num_states) / len(initial),
        )

    def _record(self, number: int, action: int) -> None:
        state = self.states[number]
        outcomes = self._model.transitions(state, action)
        require_distribution([outcome[0] for outcome in outcomes], state, action)
        for probability, next_state, reward, terminated in outcomes:
            if probability == 0:
                continue
            next_number = self._number(next_state)
            ended = bool(terminated) or self._is_terminal(next_state)
            if not ended:
                self._go_on(next_number)
            self._row.append(number * self._model.num_actions + action)
            self._next_state.append(next_number)
            self._probability.append(probability)
            self._reward.append(reward)
            self._terminated.append(ended)

    def _number(self, state: S) -> int:
        number = self.numbers.setdefault(state_identity(self._model, state), len(self.states))
        if number == len(self.states):
            if number == self._max_states:
                raise InvalidRequest(
                    "max_states",
                    f"is {self._max_states}; {number} states were found and "
                    f"{len(self._to_explore)} of them are still to be explored: must be more",
                )
            self.states.append(state)
            self._goes_on.append(False)
        return number

    def _go_on(self, number: int) -> None:
        if not self._goes_on[number]:
            self._goes_on[number] = True
            self._to_explore.append(number)

    def _is_terminal(self, state: S) -> bool:
        is_terminal = getattr(self._model, "is_terminal", None)
        return is_terminal is not None and bool(is_terminal(state))

    def _legal_actions(self, state: S) -> Sequence[int]:
        legal_actions = getattr(self._model, "legal_actions", None)
        legal = range(self._model.num_actions) if legal_actions is None else legal_actions(state)
        if not len(legal):
            raise ModelFault(
                f"legal_actions({state!r}) is empty; must name an action, or the state be terminal"
            )
        return legal

"""From any finite distribution model to the native table."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models.identity import state_identity
from mcts_service.models.ladder import require_distribution
from mcts_service.models.native import NativeModel
from mcts_service.models.spec import StateSpec
from mcts_service.models.tabular import TabularModel
from mcts_service.protocols import DistributionModel

__all__ = ["TabulatedModel", "tabulate"]

S = TypeVar("S")

# An outcome of the table: (probability, number of the next state, reward, terminated).
Outcome = tuple[float, int, float, bool]

MAX_STATES = 1_000_000


def tabulate(
    model: DistributionModel[S],
    initial_states: Iterable[S] | None = None,
    max_states: int = MAX_STATES,
) -> TabulatedModel[S]:
    """Writes down every state that can be reached, and what each of its actions leads to.

    States are told apart as a search tells them (`state_key`, an array's bytes, or the state
    itself). `discount`, `horizon`, `legal_actions` and `is_terminal` carry over; `value` and
    `rollout_action` do not, as the table knows numbers and not states.

    Args:
      model: of one player.
      initial_states: where to start, each as probable; default `model.initial_state()`, that
        one state alone.
      max_states: how many to write down at most.
    Raises:
      InvalidRequest: more states can be reached, the model has several players, or it has no
        initial state and none is given.
      ModelFault: the probabilities of an action are no distribution.
    """
    if getattr(model, "num_players", 1) != 1:
        raise InvalidRequest(
            "model", f"has {getattr(model, 'num_players', 1)} players; a table has one"
        )
    survey = _Survey(model, max_states)
    initial = [survey.number(state) for state in _initial_states(model, initial_states)]
    survey.explore()
    return TabulatedModel(model, survey, initial)


class TabulatedModel(NativeModel[S], Generic[S]):
    """A table that plans in the states of the model that it was made from.

    Attributes:
      states: all of them, by their numbers in the table.
      table: the same problem with the numbers as states.
      horizon: of the model, or None.
    """

    def __init__(self, model: Any, survey: _Survey[S], initial: Sequence[int]):
        """The table of a finished survey."""
        self.states: Sequence[S] = tuple(survey.states)
        self.horizon: int | None = getattr(model, "horizon", None)
        self._model = model
        self._numbers = survey.numbers
        self._first = initial[0]
        self.table = TabularModel.from_transitions(
            survey.rows,
            discount=getattr(model, "discount", 1.0),
            initial=np.bincount(initial, minlength=len(survey.rows)) / len(initial),
        )
        super().__init__(...)

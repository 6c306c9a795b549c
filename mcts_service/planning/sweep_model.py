"""Prioritized sweeping on what a sample model answers, asked about every pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from mcts_service.checks import require_integer, require_number
from mcts_service.errors import InvalidRequest
from mcts_service.labels import is_labelled
from mcts_service.models.batch import UnbatchedModel
from mcts_service.models.ladder import SampledModel
from mcts_service.models.levels import Level, require_level
from mcts_service.planning.acts_on_q import ActsOnQ
from mcts_service.planning.backups import gains_for_ever
from mcts_service.planning.endings import Endings
from mcts_service.planning.finite import FiniteProblem, require_ends
from mcts_service.planning.prioritized_sweeping import MAX_UPDATES, PrioritizedSweeping
from mcts_service.planning.survey import Survey
from mcts_service.protocols import SampleModel

__all__ = ["SweptModel", "prioritized_sweeping"]

S = TypeVar("S")

#: Samples of an action of a model that does not say that it is deterministic.
SAMPLES_PER_ACTION = 100
MAX_STATES = 1_000_000
# Updates of each pair before the first look, undiscounted, whether a round gains.
_UPDATES_BEFORE_A_LOOK = 16


@dataclass(frozen=True, eq=False)
class SweptModel(ActsOnQ[S]):
    """What came of sweeping a sample model.

    Attributes:
      states: those that were found, in the order of the rows of q.
      q: float64[num_states, num_actions]; -inf where an action is not legal.
      samples: asked of the model.
      updates: of q.
      num_queued: pairs that are still more wrong than the threshold; 0 unless `max_updates` came
        first.
    """

    states: Sequence[S]
    q: np.ndarray
    samples: int
    updates: int
    num_queued: int
    _survey: Survey[S]

    def index(self, state: S) -> int:
        """The row of a state.

        Raises:
          InvalidRequest: it was not found.
        """
        return self._survey.index(state)


def prioritized_sweeping(
    model: SampleModel[S],
    rng: np.random.Generator,
    *,
    discount: float | None = None,
    samples_per_action: int | None = None,
    step_size: float = 1.0,
    threshold: float = 1e-6,
    max_updates: int = MAX_UPDATES,
    initial_states: Iterable[S] | None = None,
    max_states: int = MAX_STATES,
) -> SweptModel[S]:
    """Action values of a model of which nothing is known but its samples.

    Asks about every legal action of every state that can be found from the initial ones, and
    sweeps over the frequencies. The answer is exact, to threshold / (1 - discount), for those
    frequencies: of a deterministic model that is the optimum; of another its error falls with the
    square root of `samples_per_action`.

    Args:
      model: of one player, with finitely many states: a sample model, or one that can be drawn
        from, with `transitions` or `sample_batch`. `legal_actions`, `is_terminal`, `state_key`
        and `deterministic` are asked where there are any.
      rng: the model draws from it.
      discount: per step, from 0 to 1; default the model's own, or 1.
      samples_per_action: default 1 of a model that is deterministic, 100 of another.
      step_size, threshold: see `PrioritizedSweeping`.
      max_updates: ends the sweeping.
      initial_states: where to begin; default `model.initial_state()`, that one state alone.
      max_states: how many there may be.
    Raises:
      InvalidRequest: the model has several players, labels its actions, has no initial_state and
        none is given, has more states, or is of a lower level; or an argument is out of range;
        or the discount is 1, and from a state no policy was seen to end, or one that goes round for
        ever gains by it.
      ModelFault: a state that is not terminal has no legal action, or a reward is not finite.
      TypeError: the states cannot be told apart.
    Source: Sutton and Barto (2018), section 8.4.
    """
    if samples_per_action is None:
        samples_per_action = 1 if getattr(model, "deterministic", False) else SAMPLES_PER_ACTION
    rate = require_number(
        "discount", getattr(model, "discount", 1.0) if discount is None else discount, 0.0, 1.0
    )
    survey: Survey[S] = Survey(
        _drawn_from(model),
        require_integer("samples_per_action", samples_per_action, 1, 2**31),
        require_integer("max_states", max_states, 1, 2**31),
    )
    survey.explore(_initial_states(model, initial_states), rng)
    sweeping = PrioritizedSweeping(
        len(survey.states),
        model.num_actions,
        discount=rate,
        step_size=step_size,
        threshold=threshold,
        legal=survey.legal(),
    )
    for experience, times in survey.seen():
        sweeping.observe(experience, times)
    if rate < 1.0:
        sweeping.sweep(max_updates)
    else:
        _sweep_undiscounted(sweeping, survey, max_updates)
    return SweptModel(
        survey.states,
        sweeping.q.copy(),
        samples=survey.samples,
        updates=sweeping.updates,
        num_queued=sweeping.num_queued,
        _survey=survey,
    )


def _drawn_from(model: Any) -> Any:
    """The model with `sample`."""
    require_level(model, Level.SAMPLE, "prioritized sweeping")
    if callable(getattr(model, "sample", None)):
        return model
    if callable(getattr(model, "transitions", None)):
        return SampledModel(model)
    return UnbatchedModel(model)


def _sweep_undiscounted(
    sweeping: PrioritizedSweeping, survey: Survey[Any], max_updates: int
) -> None:
    """Sweeps, and looks from time to time whether a round gains: that would never end."""
    if not survey.samples:  # it begins where it ends
        return
    table = survey.as_table()
    require_ends(FiniteProblem(table, 1.0, survey.index, survey.name))
    endings = Endings(table)
    left = require_integer("max_updates", max_updates, 0, MAX_UPDATES)
    burst, looks = _UPDATES_BEFORE_A_LOOK * max(1, table.num_rows), 1
    while sweeping.sweep(min(burst, left)) == burst:
        left -= burst
        burst, looks = 2 * burst, 2 * looks
        if not endings.has_one_fixpoint:
            state = endings.gaining_state(sweeping.values, _UPDATES_BEFORE_A_LOOK * looks)
            if state is not None:
                raise gains_for_ever(survey.name(state))


def _initial_states(model: Any, initial_states: Iterable[S] | None) -> list[S]:
    players = getattr(model, "num_players", 1)
    if players != 1:
        raise InvalidRequest("model", f"has {players} players; must have one")
    if is_labelled(model):
        raise InvalidRequest("model", "labels its actions; must number them: num_actions")
    if initial_states is None:
        initial_state = getattr(model, "initial_state", None)
        if initial_state is None:
            raise InvalidRequest("initial_states", "is not given; the model has no initial_state")
        return [initial_state()]
    states = list(initial_states)
    if not states:
        raise InvalidRequest("initial_states", "is empty; must have at least one state")
    return states

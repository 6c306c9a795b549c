"""From one level of model to the next.

    level                what it can do alone              what it cannot
    DistributionModel    exact expectations, value         be stepped: that takes drawing
                         iteration, Bellman backups
    SampleModel          planning by search, Dyna,         know a probability: it takes many
                         learning from its samples         samples to estimate one
    TrajectoryModel      playing and learning from what    go back to a state and try another
                         happened                          action: no planning from a state

Each level gives the one below it, and none gives the one above without error:

    DistributionModel -> SampleModel        SampledModel(model), here: by drawing
    BatchSampleModel  -> SampleModel        UnbatchedModel(model): one row at a time
    SampleModel       -> TrajectoryModel    UnrolledModel(model): by asking a policy at each step
    BatchSampleModel  -> trajectories       UnrolledBatch(model): many at once
    an environment    -> TrajectoryModel    EnvironmentModel(env): by playing it
    any of these      -> TrajectoryModel    as_trajectory_model(model)

`level_of(model)` says of which one is, `require_level` what is lacking.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from mcts_service.errors import ModelFault
from mcts_service.labels import is_labelled
from mcts_service.models.identity import state_identity
from mcts_service.models.pass_on import PassesOn
from mcts_service.protocols import DistributionModel

__all__ = ["SampledModel", "draw_index", "require_distribution"]

S = TypeVar("S")

# How far the sum of an action's probabilities may be from 1.
_TOLERANCE = 1e-9


class SampledModel(PassesOn, Generic[S]):
    """A distribution model as a sample model, by drawing from its outcomes.

    Puts outcomes together that are the same, and draws by the inverse of the cumulative
    probabilities, with one `rng.random()` where there are several outcomes and none where there
    is one. The native table does the same: with the same numbers both give the same plan.

    Every optional capability of the wrapped model is passed on, `transitions` included, so
    nothing that the distribution knows is lost.

    Attributes:
      model: the distribution model.
      num_actions: as there; none where the model labels its actions.
    """

    def __init__(self, model: DistributionModel[S]):
        self.model = model
        if not is_labelled(model):
            self.num_actions = model.num_actions

    def sample(self, state: S, action: int, rng: np.random.Generator) -> tuple[S, Any, bool]:
        """Draws one of the outcomes: (next_state, reward, terminated).

        Raises:
          ModelFault: the probabilities are no distribution; names the state and the action.
          TypeError: the states of several outcomes cannot be told apart.
        """
        outcomes = self.model.transitions(state, action)
        require_distribution([outcome[0] for outcome in outcomes], state, action)
        if len(outcomes) > 1:
            outcomes = self._merged(outcomes)
        drawn = 0
        if len(outcomes) > 1:
            drawn = draw_index([outcome[0] for outcome in outcomes], rng.random())
        _, next_state, reward, terminated = outcomes[drawn]
        return next_state, reward, terminated

    def _merged(
        self, outcomes: Sequence[tuple[float, S, Any, bool]]
    ) -> Sequence[tuple[float, S, Any, bool]]:
        """Without outcomes of probability 0, and those that are the same put together."""
        distinct: dict[Hashable, tuple[float, S, Any, bool]] = {}
        for probability, next_state, reward, terminated in outcomes:
            if probability > 0:
                identity = state_identity(self.model, next_state)
                key = (identity, _hashable(reward), bool(terminated))
                earlier = distinct[key][0] if key in distinct else 0.0
                distinct[key] = (earlier + probability, next_state, reward, terminated)
        return list(distinct.values())


def _hashable(reward: Any) -> Hashable:
    """A reward as it can be compared: a number, or a tuple of one for each player."""
    return tuple(reward) if isinstance(reward, Iterable) else float(reward)


def draw_index(probabilities: Sequence[float], uniform: float) -> int:
    """The first index whose cumulative probability exceeds `uniform`.

    Args:
      probabilities: positive, summing to 1 as far as rounding lets them.
      uniform: in [0, 1).
    Returns:
      0 .. len(probabilities) - 1; the last one has what rounding leaves over.
    """
    cumulative = 0.0
    for index, probability in enumerate(probabilities):
        cumulative += probability
        if uniform < cumulative:
            return index
    return len(probabilities) - 1


def require_distribution(probabilities: Sequence[float], state: Any, action: int) -> None:
    """Checks an action's probabilities.

    Raises:
      ModelFault: there are none, one is negative or not finite, or their sum is not 1.
    """
    where = f"transitions({state!r}, {action})"
    if not probabilities:
        raise ModelFault(f"{where} gives no outcome; must give at least one")
    for probability in probabilities:
        if not (math.isfinite(probability) and probability >= 0):
            raise ModelFault(f"{where} gives the probability {probability!r}; must be >= 0")
    total = math.fsum(probabilities)
    if abs(total - 1.0) > _TOLERANCE:
        raise ModelFault(f"{where} gives probabilities that sum to {total!r}; must sum to 1")

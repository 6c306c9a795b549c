"""From a batch model to a sample model: the rung that asks for one row.

level                what it can do alone              what it cannot
BatchSampleModel     answer N questions in one call    answer one at the cost of one: a call
                                                       costs NumPy's own overhead each time
SampleModel          be planned, one step at a time    share a call between rows
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.errors import ModelFault
from mcts_service.models.pass_on import PassesOn
from mcts_service.protocols import BatchSampleModel

__all__ = ["UnbatchedModel"]


class UnbatchedModel(PassesOn):
    """A batch model as a sample model, one row at a time.

    A row draws from the generator that the step was given, so that a model which draws as many
    numbers for a row as its scalar twin for a step gives the same samples and the same plan.

    Every optional capability of a single state (`is_terminal`, `discount`, ...) is passed on as
    it is. States are rows: arrays, or NumPy's integers where the states are one number each.

    Attributes:
      model: the batch model.
      num_actions: as there.
    """

    def __init__(self, model: BatchSampleModel) -> None:
        self.model = model
        self.num_actions = model.num_actions

    def sample(self, state: Any, action: int, rng: np.random.Generator) -> tuple[Any, Any, bool]:
        """Draws one transition: (next_state, reward, terminated).

        Raises:
          ModelFault: the answer is not one row.
        """
        states, actions = np.asarray(state)[np.newaxis], np.array([action], dtype=np.int64)
        next_states, rewards, terminated = self.model.sample_batch(states, actions, rng)
        if not len(next_states) == len(rewards) == len(terminated) == 1:
            raise ModelFault(
                f"sample_batch gives {len(next_states)} next states, {len(rewards)} rewards and "
                f"{len(terminated)} ends for one row; must give 1 of each"
            )
        reward = rewards[0]
        return (
            next_states[0],
            float(reward) if np.ndim(reward) == 0 else reward,
            bool(terminated[0]),
        )

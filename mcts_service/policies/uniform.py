"""The policy that knows nothing."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import NoLegalAction
from mcts_service.policies.distribution import ActionDistribution
from mcts_service.policies.from_q import LegalActions

__all__ = ["Uniform"]

S_contra = TypeVar("S_contra", contravariant=True)


class Uniform(ActionDistribution[S_contra]):
    """Every legal action with the same probability.

    Attributes:
      num_actions: actions are the integers 0 .. num_actions - 1.
      legal_actions: None: all are legal.
    """

    def __init__(self, num_actions: int, legal_actions: LegalActions | None = None):
        self.num_actions = num_actions
        self.legal_actions = legal_actions

    def probabilities(self, state: S_contra) -> np.ndarray:
        """1 / K for each of the K legal actions.

        Raises:
          NoLegalAction: there is none, as in a terminal state.
        """
        if self.legal_actions is None:
            return np.full(self.num_actions, 1.0 / self.num_actions)
        weights = np.zeros(self.num_actions)
        weights[list(self.legal_actions(state))] = 1.0
        count = weights.sum()
        if not count:
            raise NoLegalAction(f"state {shown(state)} has no legal action")
        weights /= count
        return weights

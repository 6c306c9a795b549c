"""Q-function -> policy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest, NoLegalAction
from mcts_service.policies.distribution import ActionDistribution

__all__ = ["EpsilonGreedy", "Greedy", "LegalActions", "QFunction", "Softmax"]

S_contra = TypeVar("S_contra", contravariant=True)

#: state -> the value of each action, float64[num_actions]; -inf where it is not legal.
QFunction: TypeAlias = Callable[[Any], np.ndarray]
#: state -> the actions that are legal there. None stands for all of them.
LegalActions: TypeAlias = Callable[[Any], Sequence[int]]


class _FromQ(ActionDistribution[S_contra]):
    """A policy over the legal actions, by their values."""

    def __init__(self, q: QFunction, legal_actions: LegalActions | None = None):
        self.q = q
        self.legal_actions = legal_actions

    def probabilities(self, state: S_contra) -> np.ndarray:
        """How likely each action is: float64[num_actions], 0 where it is not legal.

        Raises:
          InvalidRequest: the value of a legal action is NaN or infinite.
          NoLegalAction: no action is legal, as in a terminal state.
        """
        values = np.asarray(self.q(state), dtype=np.float64)
        legal = values != -np.inf
        if self.legal_actions is not None:
            allowed = np.zeros(len(values), dtype=np.bool_)
            allowed[list(self.legal_actions(state))] = True
            legal &= allowed
        known = values[legal]
        if not len(known):
            raise NoLegalAction(f"state {shown(state)} has no legal action")
        if not np.isfinite(known).all():
            raise InvalidRequest(
                "q",
                f"gives {shown(values)} in state {shown(state)}; must be finite, or -inf where an "
                "action is not legal",
            )
        weights = np.zeros(len(values))
        weights[legal] = self._weigh(known)
        return weights

    @abstractmethod
    def _weigh(self, values: np.ndarray) -> np.ndarray:
        """The probabilities of the legal actions, by their finite values: float64[K], K >= 1."""


class Greedy(_FromQ[S_contra]):
    """An action of the highest value, each of those that tie as likely.

    Source: Sutton and Barto (2018), equation 2.2.
    """

    def _weigh(self, values: np.ndarray) -> np.ndarray:
        best = values == values.max()
        shares: np.ndarray = best / best.sum()
        return shares


class EpsilonGreedy(_FromQ[S_contra]):
    """Greedy, but with probability epsilon any legal action, each as likely.

    Source: Sutton and Barto (2018), section 2.2.
    """

    def __init__(self, q: QFunction, epsilon: float, legal_actions: LegalActions | None = None):
        """Raises InvalidRequest: epsilon is not from 0 to 1."""
        super().__init__(q, legal_actions)
        if not 0 <= epsilon <= 1:
            raise InvalidRequest("epsilon", f"is {shown(epsilon)}; must be from 0 to 1")
        self.epsilon = epsilon

    def _weigh(self, values: np.ndarray) -> np.ndarray:
        best = values == values.max()
        greedy: np.ndarray = best * ((1.0 - self.epsilon) / best.sum())
        return greedy + self.epsilon / len(values)


class Softmax(_FromQ[S_contra]):
    """The softmax of values / temperature.

    Source: Sutton and Barto (2018), equation 2.11 and section 13.1.
    """

    def __init__(
        self, q: QFunction, temperature: float = 1.0, legal_actions: LegalActions | None = None
    ):
        """Raises InvalidRequest: the temperature, in units of value, is not above 0."""
        super().__init__(q, legal_actions)
        if not 0 < temperature < np.inf:
            raise InvalidRequest(
                "temperature", f"is {shown(temperature)}; must be a finite number above 0"
            )
        self.temperature = temperature

    def _weigh(self, values: np.ndarray) -> np.ndarray:
        weights = np.exp((values - values.max()) / self.temperature)
        total: np.ndarray = weights / weights.sum()
        return total

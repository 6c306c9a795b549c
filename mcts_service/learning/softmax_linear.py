"""parameters -> policy, with the gradient that policy gradient methods climb."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest, NoLegalAction
from mcts_service.learning.change import Change
from mcts_service.learning.features import Features, active_of
from mcts_service.learning.linear_values import LinearQ, require_shape
from mcts_service.learning.steps import action_numbers
from mcts_service.policies import LegalActions, Softmax
from mcts_service.protocols import Trajectory

__all__ = ["SoftmaxLinear"]


class SoftmaxLinear:
    """The softmax of linear preferences h(s, a), sums of parameters[feature, action].

    Parameters are float64[num_features, num_actions]. Preferences are no values: only their
    differences count.

    Source: Sutton and Barto (2018), equations 13.2 and 13.3.
    """

    def __init__(
        self, features: Features[Any], num_actions: int, legal_actions: LegalActions | None = None
    ):
        """A policy over features.

        Args:
          features: of states.
          num_actions: actions are 0 .. num_actions - 1.
          legal_actions: state -> those that are; default all.
        """
        self.preferences = LinearQ(features, num_actions)
        self.legal_actions = legal_actions

    @property
    def features(self) -> Features[Any]:
        """Of states."""
        return self.preferences.features

    @property
    def num_actions(self) -> int:
        """Actions are 0 .. num_actions - 1."""
        return self.preferences.num_actions

    def initial(self) -> np.ndarray:
        """Parameters by which every action is as likely."""
        return self.preferences.initial()

    def __call__(self, parameters: np.ndarray) -> Softmax[Any]:
        """The policy of these parameters, as they are when it is asked."""
        return Softmax(self.preferences(parameters), 1.0, self.legal_actions)

    def score(self, parameters: np.ndarray, state: Any, action: int) -> Change:
        """The gradient of log pi(action | state): for each active feature and each action b,

            (1 if b is the action, else 0) - pi(b | state).

        Raises:
          InvalidRequest: the action is not legal there, or the parameters are wrong.
          NoLegalAction: none is.
        Source: Sutton and Barto (2018), equation 13.9.
        """
        action = require_integer("action", action, 0, self.num_actions - 1)
        weights = -self(parameters).probabilities(state)
        if self.legal_actions is not None and action not in self.legal_actions(state):
            raise InvalidRequest("action", f"is {action}; is not legal in state {shown(state)}")
        weights[action] += 1.0
        active = self.features.active(state)[np.newaxis]
        return self._scattered(active, weights[np.newaxis])

    def scores(
        self, parameters: np.ndarray, trajectory: Trajectory[Any], factors: np.ndarray
    ) -> Change:
        """The sum over t of factors[t] times the score of what was done at t.

        Args:
          parameters: of the policy.
          trajectory: of T steps.
          factors: float64[T].
        Raises:
          InvalidRequest: the parameters or an action are wrong; or it was not legal where it was
            taken.
          NoLegalAction: none was.
        """
        require_shape(parameters, self.preferences.shape)
        actions = action_numbers(trajectory, self.num_actions)
        active = active_of(self.features, trajectory.states[:-1])
        weights = -self._probabilities(parameters, active, trajectory)
        weights[np.arange(len(actions)), actions] += 1.0
        return self._scattered(active, weights * factors[:, np.newaxis])

    def _probabilities(
        self, parameters: np.ndarray, active: np.ndarray, trajectory: Trajectory[Any]
    ) -> np.ndarray:
        """Of each action at each step: float64[T, num_actions]."""
        preferences = self.preferences.batch(parameters, active)
        if self.legal_actions is not None:
            for t, state in enumerate(trajectory.states[:-1]):
                legal = list(self.legal_actions(state))
                if not legal:
                    raise NoLegalAction(f"state {shown(state)} has no legal action")
                if trajectory.actions[t] not in legal:
                    raise InvalidRequest(
                        f"trajectory.actions[{t}]",
                        f"is {trajectory.actions[t]}; is not legal in state {shown(state)}",
                    )
                illegal = np.ones(self.num_actions, dtype=bool)
                illegal[legal] = False
                preferences[t, illegal] = -np.inf
        weights = np.exp(preferences - preferences.max(axis=1, keepdims=True))
        shares: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
        return shares

    def _scattered(self, active: np.ndarray, weights: np.ndarray) -> Change:
        """weights[t, b] for each active feature of t, and each action b."""
        numbers = active[:, :, np.newaxis] * self.num_actions + np.arange(self.num_actions)
        values = np.broadcast_to(weights[:, np.newaxis, :], numbers.shape)
        return Change(numbers.reshape(-1), values.reshape(-1))

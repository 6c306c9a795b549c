"""Values that are sums of parameters, one for each active feature."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.checks import require_integer, require_number, shown
from mcts_service.errors import InvalidRequest
from mcts_service.learning.change import Change
from mcts_service.learning.features import Features, active_along, active_of
from mcts_service.learning.steps import action_numbers, rewards_of
from mcts_service.learning.values import Along, VFunction
from mcts_service.policies import QFunction
from mcts_service.protocols import Trajectory

__all__ = ["LinearQ", "LinearV", "require_shape"]

_MAX_VALUE = 1e140


def require_shape(parameters: Any, shape: tuple[int, ...]) -> None:
    """Raises InvalidRequest unless the parameters are float64 of that shape."""
    if (
        not isinstance(parameters, np.ndarray)
        or parameters.shape != shape
        or parameters.dtype != np.float64
    ):
        found = getattr(parameters, "dtype", type(parameters).__name__)
        raise InvalidRequest(
            "parameters", f"are {found}{shown(np.shape(parameters))}; must be float64{list(shape)}"
        )


def _sums(terms: np.ndarray, axis: int = 1) -> np.ndarray:
    """The sums over an axis of float64[N, K, ...]: float64[N, ...].

    One term after the other, where NumPy's own sum takes them in another order: compiled code
    then gets the same bits.
    """
    if terms.shape[axis] > 1:
        terms = terms.cumsum(axis=axis)
    sums: np.ndarray = terms[-1] if axis == 0 else terms[:, -1]
    return sums


class LinearV:
    """State values: the sum of parameters[feature] over the active features.

    Parameters are float64[num_features]: of `OneHot` features a table of the values.
    """

    def __init__(self, features: Features[Any]):
        self.features = features

    @property
    def shape(self) -> tuple[int]:
        """Of the parameters."""
        return (self.features.num_features,)

    def initial(self, value: float = 0.0) -> np.ndarray:
        """Parameters that give every state this value."""
        share = require_number("value", value, -_MAX_VALUE, _MAX_VALUE) / self.features.num_active
        return np.full(self.features.num_features, share)

    def __call__(self, parameters: np.ndarray) -> VFunction:
        """The V-function of these parameters, as they are when it is asked.

        Raises:
          InvalidRequest: they are of another shape.
        """
        require_shape(parameters, self.shape)
        active = self.features.active
        return lambda state: float(_sums(parameters[active(state)], axis=0))

    def gradient(self, parameters: np.ndarray, state: Any) -> Change:
        """1 for each active feature, whatever the parameters are."""
        indices = self.features.active(state)
        return Change(indices, np.ones(indices.size))

    def along(self, parameters: np.ndarray, trajectory: Trajectory[Any]) -> Along:
        """The value of each state. Where the trajectory was cut, its last state's value stands for
        the rest.

        Raises:
          InvalidRequest: the trajectory, or the shape of the parameters, is wrong.
        """
        require_shape(parameters, self.shape)
        rewards = rewards_of(trajectory)
        active = active_along(self.features, trajectory)
        values = _sums(parameters[active])
        if trajectory.terminated:
            values[-1] = 0.0
        return Along(rewards, values, active[:-1])


class LinearQ:
    """Action values: the sum of parameters[feature, action] over the active features.

    Parameters are float64[num_features, num_actions]: of `OneHot` features a table of the values.
    """

    def __init__(self, features: Features[Any], num_actions: int):
        self.features = features
        self.num_actions = require_integer("num_actions", num_actions, 1, 2**31 - 1)

    @property
    def shape(self) -> tuple[int, int]:
        """Of the parameters."""
        return self.features.num_features, self.num_actions

    def initial(self, value: float = 0.0) -> np.ndarray:
        """Parameters that give every action this value; by a high one, greedy policies explore."""
        share = require_number("value", value, -_MAX_VALUE, _MAX_VALUE) / self.features.num_active
        return np.full(self.shape, share)

    def __call__(self, parameters: np.ndarray) -> QFunction:
        """The Q-function of these parameters, as they are when it is asked.

        Raises:
          InvalidRequest: they are of another shape.
        """
        require_shape(parameters, self.shape)
        active = self.features.active
        values: QFunction = lambda state: _sums(parameters[active(state)], axis=0)  # noqa: E731
        return values

    def gradient(self, parameters: np.ndarray, state: Any, action: int) -> Change:
        """1 for each active feature, at the action, whatever the parameters are."""
        action = require_integer("action", action, 0, self.num_actions - 1)
        indices = self.features.active(state) * self.num_actions + action
        return Change(indices, np.ones(indices.size))

    def batch(self, parameters: np.ndarray, active: np.ndarray) -> np.ndarray:
        """The values of all actions, by active features int64[N, K]: float64[N, num_actions]."""
        return _sums(parameters[active])

    def along(self, parameters: np.ndarray, trajectory: Trajectory[Any]) -> Along:
        """The value of each action that was taken.

        Where the trajectory was cut, no action is known after the last step: that step is left
        out, and the value of its action stands for the rest.

        Raises:
          InvalidRequest: the trajectory, or the shape of the parameters, is wrong.
        """
        require_shape(parameters, self.shape)
        rewards = rewards_of(trajectory)
        actions = action_numbers(trajectory, self.num_actions)
        active = active_of(self.features, trajectory.states[:-1])
        indices = active * self.num_actions + actions[:, np.newaxis]
        values = _sums(parameters.reshape(-1)[indices])
        if trajectory.terminated:
            return Along(rewards, np.append(values, 0.0), indices)
        return Along(rewards[:-1], values, indices[:-1])

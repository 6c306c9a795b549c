"""Linear-Gaussian models: the next state is linear in features of the state, and noise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mcts_service.checks import require_integer, require_number
from mcts_service.errors import InvalidRequest
from mcts_service.learning.data.steps import Steps, steps_of
from mcts_service.learning.fit.feature_functions import FeatureFunction, feature_function
from mcts_service.learning.fit.regression import (
    Scaling,
    fit_logistic,
    fit_ridge,
    row_product,
    sigmoid,
)
from mcts_service.learning.fit.vector_model import (
    Origin,
    RewardFunction,
    TerminalFunction,
    VectorModel,
)
from mcts_service.protocols import Trajectory

__all__ = ["LinearGaussian", "fit_linear_gaussian"]

_MOST_ACTIONS = 2**24
#: Noise is at least so much of the changes of the data, that a density is finite.
_LEAST_NOISE = 1e-6
#: The same in units of a state, for what never changes.
_LEAST_DEVIATION = 1e-12
#: Of the end's logistic regression.
_END_RIDGE = 1e-3


class LinearGaussian(VectorModel):
    """next_state = state + weights[action] x(state) + noise; a sample model.

    x(state) is the state and its features, scaled, and 1. The noise is Gaussian, of one covariance
    for all actions. The reward is linear in x(state) and x(next_state) by action; the end is
    logistic in x(next_state).

    Attributes:
      features: by name or as a function of rows; see `feature_function`.
      weights: float64[num_actions, F + 1, D].
      noise: the lower triangle whose square is the covariance, float64[D, D].
      reward_weights: float64[num_actions, 2 F + 1].
      end_weights: float64[F + 1], or None where no episode of the data ended.
    Source: Sutton, Szepesvari, Geramifard and Bowling (2008), "Dyna-style planning with linear
      function approximation and prioritized sweeping".
    """

    def __init__(
        self,
        origin: Origin,
        scaling: Scaling,
        *,
        features: str | FeatureFunction,
        weights: np.ndarray,
        noise: np.ndarray,
        reward_weights: np.ndarray,
        end_weights: np.ndarray | None,
        discount: float,
        reward: RewardFunction | None = None,
        terminal: TerminalFunction | None = None,
    ) -> None:
        """The model of what was fitted; see `fit_linear_gaussian`."""
        super().__init__(
            origin,
            discount=discount,
            never_ended=end_weights is None,
            description=f"linear-Gaussian, learned from {int(origin.taken.sum()):,} steps",
            reward=reward,
            terminal=terminal,
        )
        self.features = features
        self.scaling = scaling
        self.weights = weights
        self.noise = noise
        self.reward_weights = reward_weights
        self.end_weights = end_weights
        self._features = feature_function(features)

    def _drawn(
        self, states: np.ndarray, actions: np.ndarray, rng: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        inputs = _inputs(self._features, self.scaling, states)
        noise = row_product(rng.standard_normal(states.shape), self.noise.T)
        next_states = self.within(states + row_product(inputs, self.weights[actions]) + noise)
        return next_states, *self._heads(inputs, actions, next_states)

    def _log_density(self, steps: Steps, components: np.ndarray) -> np.ndarray:
        inputs = _inputs(self._features, self.scaling, steps.states)
        expected = steps.states + row_product(inputs, self.weights[steps.actions])
        errors = (steps.next_states - expected)[:, components]
        # Some components of a normal vector are normal, with their part of the covariance.
        noise = self.noise
        if len(components) < self.num_dimensions:
            rows = self.noise[components]
            noise = np.linalg.cholesky(rows @ rows.T)
        whitened = np.linalg.solve(noise, errors.T).T
        log_volume = np.log(np.diag(noise)).sum()
        constant = 0.5 * len(components) * np.log(2 * np.pi)
        density: np.ndarray = -0.5 * (whitened**2).sum(axis=1) - log_volume - constant
        return density

    def _expected(self, steps: Steps) -> tuple[np.ndarray, np.ndarray]:
        inputs = _inputs(self._features, self.scaling, steps.states)
        return self._heads(inputs, steps.actions, steps.next_states)

    def _heads(
        self, inputs: np.ndarray, actions: np.ndarray, next_states: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rewards and probabilities of an end, given what was drawn."""
        following = _inputs(self._features, self.scaling, next_states)
        both = np.concatenate([inputs[:, :-1], following], axis=1)
        rewards = row_product(both, self.reward_weights[actions][:, :, np.newaxis])[:, 0]
        if self.end_weights is None:
            return rewards, np.zeros(len(rewards))
        return rewards, sigmoid(row_product(following, self.end_weights[:, np.newaxis])[:, 0])


def fit_linear_gaussian(
    trajectories: Iterable[Trajectory[Any]],
    num_actions: int | None = None,
    *,
    features: str | FeatureFunction = "linear",
    ridge: float = 1e-6,
    discount: float = 0.99,
    reward: RewardFunction | None = None,
    terminal: TerminalFunction | None = None,
) -> LinearGaussian:
    """The linear-Gaussian model with the greatest likelihood: trajectories -> sample model.

    An action that was never taken is taken to do what all others do on average; plans say so in
    their `warnings`.

    Args:
      trajectories: states are vectors of D numbers.
      num_actions: actions are the integers below it; None: one more than the greatest.
      features: beside the state: "linear" (none), "quadratic", "trigonometric", or a function of
        rows, [N, D] -> [N, F].
      ridge: of the regressions, on inputs scaled to a standard deviation of 1; >= 0.
      discount: per step, above 0 and at most 1.
      reward: (states, actions, next_states) -> float64[N], in place of learning it.
      terminal: next_states -> bool[N], in place of learning it.
    Raises:
      InvalidRequest: an argument is wrong, or a trajectory is empty, ragged or not finite: names
        the trajectory, the step and the field.
    """
    require_number("ridge", ridge, 0, np.inf)
    if num_actions is not None:
        require_integer("num_actions", num_actions, 1, _MOST_ACTIONS)
    steps = steps_of(trajectories, num_actions)
    count = num_actions or 1 + int(steps.actions.max())
    function = feature_function(features)
    for states in (steps.states, steps.next_states):
        _require_finite(_raw_inputs(function, states))
    scaling = Scaling.of(_raw_inputs(function, steps.states))
    inputs = _inputs(function, scaling, steps.states)
    following = _inputs(function, scaling, steps.next_states)
    changes = steps.next_states - steps.states
    weights = _by_action(inputs, changes, steps.actions, count, ridge)
    both = np.concatenate([inputs[:, :-1], following], axis=1)
    rewards = steps.rewards[:, np.newaxis]
    learns_end = terminal is None and steps.terminated.any()
    if learns_end and steps.terminated.all():
        raise InvalidRequest("trajectories", "end after every step; must have one that goes on")
    return LinearGaussian(
        Origin.of(steps, count),
        scaling,
        features=features,
        weights=weights,
        noise=_noise(changes - row_product(inputs, weights[steps.actions]), changes),
        reward_weights=_by_action(both, rewards, steps.actions, count, ridge)[:, :, 0],
        end_weights=fit_logistic(following, steps.terminated, _END_RIDGE) if learns_end else None,
        discount=discount,
        reward=reward,
        terminal=terminal,
    )


def _raw_inputs(features: FeatureFunction, states: np.ndarray) -> np.ndarray:
    """States and their features: float64[N, F]."""
    more = np.asarray(features(states), np.float64)
    if more.ndim != 2 or len(more) != len(states):
        raise InvalidRequest(
            "features", f"give {list(more.shape)} for {len(states)} states; must give [N, F]"
        )
    return np.concatenate([states, more], axis=1)


def _require_finite(inputs: np.ndarray) -> None:
    if not np.isfinite(inputs).all():
        raise InvalidRequest("features", "give what is not finite; must give finite numbers")


def _inputs(features: FeatureFunction, scaling: Scaling, states: np.ndarray) -> np.ndarray:
    """Scaled states and features, and 1: float64[N, F + 1]."""
    scaled = scaling(_raw_inputs(features, states))
    return np.concatenate([scaled, np.ones((len(states), 1))], axis=1)


def _by_action(
    inputs: np.ndarray, targets: np.ndarray, actions: np.ndarray, count: int, ridge: float
) -> np.ndarray:
    """The weights of each action; of one never taken those of all steps: [count, F, D]."""
    weights = np.empty((count, inputs.shape[1], targets.shape[1]))
    weights[:] = fit_ridge(inputs, targets, ridge)
    for action in np.unique(actions):
        rows = actions == action
        weights[action] = fit_ridge(inputs[rows], targets[rows], ridge)
    return weights


def _noise(residuals: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """The lower triangle whose square is the residuals' covariance: float64[D, D]."""
    covariance = residuals.T @ residuals / len(residuals)
    least = _LEAST_NOISE * np.sqrt((changes**2).mean(axis=0))
    floor = np.maximum(least, _LEAST_DEVIATION)
    triangle: np.ndarray = np.linalg.cholesky(covariance + np.diag(floor**2))
    return triangle

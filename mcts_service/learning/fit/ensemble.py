"""Ensembles of small networks, as NumPy runs them: a learned model needs no torch to be planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.learning.data.steps import Steps
from mcts_service.learning.fit.regression import Scaling, row_product, sigmoid
from mcts_service.learning.fit.vector_model import (
    Origin,
    RewardFunction,
    TerminalFunction,
    VectorModel,
)

__all__ = ["LOG_VARIANCE_HIGH", "LOG_VARIANCE_LOW", "Ensemble", "Layer", "Scalings"]

#: Of a scaled change: what a network says is brought between them by a logistic function.
LOG_VARIANCE_LOW, LOG_VARIANCE_HIGH = -14.0, 1.0


@dataclass(frozen=True)
class Layer:
    """One layer of all K members.

    Attributes:
      weights: float64[K, inputs, outputs].
      bias: float64[K, outputs].
    """

    weights: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Scalings:
    """How states, changes and rewards are brought to mean 0 and standard deviation 1."""

    states: Scaling
    changes: Scaling
    rewards: Scaling


class Ensemble(VectorModel):
    """K networks on resamples of the data, each a model; a draw is one of a member drawn for it.

    A network takes a scaled state and the action as one of num_actions inputs that is 1. It gives
    the scaled change of the state and the logarithm of its variance, the reward, and the logit of
    the end. Hidden layers have the activation x sigmoid(x).

    Attributes:
      layers: the networks, the first layer first.
      probabilistic: whether noise of the learned variance is drawn too; else a member is a
        function, and `log_variance` is what it was wrong by on data held out.
      log_variance: of a scaled change, float64[D]; of a probabilistic ensemble not used.
    Source: Chua, Calandra, McAllister and Levine (2018), "Deep reinforcement learning in a handful
      of trials using probabilistic dynamics models"; Lakshminarayanan, Pritzel and Blundell (2017).
    """

    def __init__(
        self,
        origin: Origin,
        scalings: Scalings,
        layers: Sequence[Layer],
        *,
        probabilistic: bool,
        log_variance: np.ndarray,
        never_ended: bool,
        discount: float,
        reward: RewardFunction | None = None,
        terminal: TerminalFunction | None = None,
    ) -> None:
        """The ensemble of trained weights; see `fit_ensemble`."""
        super().__init__(
            origin,
            discount=discount,
            never_ended=never_ended,
            description=f"{len(layers[0].bias)} networks, learned from "
            f"{int(origin.taken.sum()):,} steps",
            reward=reward,
            terminal=terminal,
        )
        self.scalings = scalings
        self.layers = tuple(layers)
        self.probabilistic = probabilistic
        self.log_variance = log_variance

    @property
    def num_members(self) -> int:
        """K, of the networks."""
        return len(self.layers[0].bias)

    def outputs(self, states: np.ndarray, actions: np.ndarray, member: int) -> np.ndarray:
        """What one network gives, unscaled as it comes.

        Args:
          states: float64[N, D].
          actions: int64[N].
        Returns:
          float64[N, 2 D + 2]: change, before its bounds the logarithm of the variance, reward,
          logit of the end.
        """
        chosen = np.eye(self.num_actions)[actions]
        rows = np.concatenate([self.scalings.states(states), chosen], axis=1)
        for number, layer in enumerate(self.layers):
            rows = row_product(rows, layer.weights[member]) + layer.bias[member]
            if number < len(self.layers) - 1:
                rows = rows * sigmoid(rows)
        return rows

    def spread(self, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """How much the members disagree: large where there were few data.

        Args:
          states: float64[N, D].
          actions: int64[N].
        Returns:
          float64[N]: the standard deviation of the expected changes over the members, in units of
          the changes' own in the data, and of the D components their quadratic mean.
        """
        states = np.ascontiguousarray(states, np.float64)
        size = self.num_dimensions
        changes = np.stack(
            [self.outputs(states, actions, m)[:, :size] for m in range(self.num_members)]
        )
        spread: np.ndarray = np.sqrt(changes.var(axis=0).mean(axis=1))
        return spread

    def _drawn(
        self, states: np.ndarray, actions: np.ndarray, rng: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        size = self.num_dimensions
        members = (rng.random((len(states),)) * self.num_members).astype(np.int64)
        outputs = np.empty((len(states), 2 * size + 2))
        for member in np.unique(members).tolist():
            rows = np.flatnonzero(members == member)
            outputs[rows] = self.outputs(states[rows], actions[rows], member)
        changes = outputs[:, :size]
        if self.probabilistic:
            deviation = np.exp(0.5 * _bounded(outputs[:, size : 2 * size]))
            changes = changes + deviation * rng.standard_normal((len(states), size))
        next_states = self.within(states + _unscaled(self.scalings.changes, changes))
        return next_states, *self._heads(outputs)

    def _heads(self, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rewards = _unscaled(self.scalings.rewards, outputs[:, -2:-1])[:, 0]
        ends = np.zeros(len(outputs)) if self.never_ended else sigmoid(outputs[:, -1])
        return rewards, ends

    def _log_density(self, steps: Steps, components: np.ndarray) -> np.ndarray:
        size = self.num_dimensions
        scaled = self.scalings.changes(steps.next_states - steps.states)
        densities = []
        for member in range(self.num_members):
            outputs = self.outputs(steps.states, steps.actions, member)
            log_variance = self.log_variance
            if self.probabilistic:
                log_variance = _bounded(outputs[:, size : 2 * size])
            errors = (scaled - outputs[:, :size]) ** 2 * np.exp(-log_variance)
            terms = errors + log_variance + np.log(2 * np.pi)
            densities.append(-0.5 * terms[:, components].sum(axis=1))
        mixture = np.logaddexp.reduce(densities, axis=0) - np.log(self.num_members)
        density: np.ndarray = mixture - np.log(self.scalings.changes.scale[components]).sum()
        return density

    def _expected(self, steps: Steps) -> tuple[np.ndarray, np.ndarray]:
        heads = [
            self._heads(self.outputs(steps.states, steps.actions, member))
            for member in range(self.num_members)
        ]
        rewards, ends = (np.mean(part, axis=0) for part in zip(*heads, strict=True))
        return rewards, ends


def _bounded(raw: np.ndarray) -> np.ndarray:
    """The logarithm of the variance that a network means."""
    return LOG_VARIANCE_LOW + (LOG_VARIANCE_HIGH - LOG_VARIANCE_LOW) * sigmoid(raw)


def _unscaled(scaling: Scaling, rows: np.ndarray) -> np.ndarray:
    unscaled: np.ndarray = rows * scaling.scale + scaling.mean
    return unscaled

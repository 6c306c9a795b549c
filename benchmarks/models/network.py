"""A learned model as a batch model: two small networks of random weights, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Network"]


class Network:
    """Latent states float32[16]; a step and an evaluation are a network of one hidden layer each.

    Args:
      hidden: units of that layer: what a row costs grows with them.
    """

    num_actions = 4
    discount = 0.99
    deterministic = True

    def __init__(self, hidden: int) -> None:
        rng = np.random.default_rng(0)
        self._in = _weights(rng, 16 + self.num_actions, hidden)
        self._next = _weights(rng, hidden, 16)
        self._state = _weights(rng, 16, hidden)
        self._out = _weights(rng, hidden, self.num_actions + 1)
        self._one_hot = np.eye(self.num_actions, dtype=np.float32)

    def initial_state(self, rng: Any = None) -> np.ndarray:
        """The origin, or a random state."""
        if rng is None:
            return np.zeros(16, np.float32)
        state: np.ndarray = rng.normal(size=16).astype(np.float32)
        return state

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        """Nothing ends; the reward is one of the numbers of the next state."""
        hidden = np.tanh(np.concatenate([states, self._one_hot[actions]], axis=1) @ self._in)
        following = np.tanh(hidden @ self._next)
        return following, following[:, 0].astype(np.float64), np.zeros(len(states), np.bool_)

    def evaluate_batch(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Priors by a softmax, and values."""
        outputs = np.tanh(states @ self._state) @ self._out
        priors = np.exp(outputs[:, :-1].astype(np.float64))
        return priors / priors.sum(axis=1, keepdims=True), outputs[:, -1].astype(np.float64)


def _weights(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return rng.normal(0, rows**-0.5, (rows, columns)).astype(np.float32)

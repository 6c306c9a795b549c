"""A finite problem as sparse rows of NumPy, to be solved exactly.

Row state * num_actions + action holds where the action leads to, as far as the episode goes on:

    row_start       0         2     3                  6
    next_states     | 4    5  | 0   | 1    2     3     | ...
    probabilities   | 0.5 0.5 | 0.9 | 0.25 0.25  0.5   | ...

In the second row the episode ends with probability 0.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.models import FactoredModel, TabularModel

__all__ = ["FiniteProblem", "finite_factored", "finite_table"]

#: What is less probable is left out: it moves no digit that is looked at.
_NEGLIGIBLE = 1e-15


@dataclass(frozen=True, eq=False)
class FiniteProblem:
    """States 0 .. S - 1, actions 0 .. A - 1.

    Attributes:
      legal: bool[S, A]; a state without a legal action is terminal.
      rewards: expected, float64[S, A].
      row_start: int64[S * A + 1], ascending from 0 to K.
      next_states: intp[K].
      probabilities: float64[K], above 0; of a row at most 1 in all.
      initial: the probability of each state to start in, float64[S].
      index: the number of a model's state.
    """

    legal: np.ndarray
    rewards: np.ndarray
    row_start: np.ndarray
    next_states: np.ndarray
    probabilities: np.ndarray
    initial: np.ndarray
    index: Callable[[Any], int]

    def action_values(self, values: np.ndarray, discount: float = 1.0) -> np.ndarray:
        """r(s, a) + discount * sum over s' of p(s' | s, a) values(s'), -inf where a is not legal.

        Args:
          values: of the states after the step, float64[S].
        Returns:
          float64[S, A].
        """
        following = np.zeros(self.legal.size)
        # reduceat takes no empty rows; they add nothing.
        filled = np.flatnonzero(np.diff(self.row_start))
        if len(filled):
            worth = self.probabilities * values[self.next_states]
            following[filled] = np.add.reduceat(worth, self.row_start[filled])
        q = self.rewards + discount * following.reshape(self.legal.shape)
        return np.where(self.legal, q, -np.inf)

    def action_value(self, values: np.ndarray, state: int, action: int) -> float:
        """The same of one state and action, without discount."""
        row = state * self.legal.shape[1] + action
        entries = slice(self.row_start[row], self.row_start[row + 1])
        following = self.probabilities[entries] @ values[self.next_states[entries]]
        return float(self.rewards[state, action] + following)


def finite_table(model: TabularModel) -> FiniteProblem:
    """The problem of a table."""
    num_states, num_actions = model.num_states, model.num_actions
    legal = np.zeros((num_states, num_actions), bool)
    rewards = np.zeros((num_states, num_actions))
    row_start, probabilities, next_states = [0], [], []
    for state in range(num_states):
        legal[state, model.legal_actions(state)] = True
        for action in range(num_actions):
            outcomes = model.transitions(state, action) if legal[state, action] else []
            for probability, following, reward, terminated in outcomes:
                rewards[state, action] += probability * reward
                if not terminated:
                    probabilities.append(probability)
                    next_states.append(following)
            row_start.append(len(probabilities))
    return FiniteProblem(
        legal,
        rewards,
        np.array(row_start, np.int64),
        np.array(next_states, np.intp),
        np.array(probabilities, np.float64),
        model.initial_distribution,
        int,
    )


def finite_factored(model: FactoredModel) -> FiniteProblem:
    """The problem of a factored model of few variables; bit i of a state is variable i."""
    num_variables, num_actions = len(model.probabilities), model.num_actions
    bits = np.arange(num_variables)
    states = (np.arange(2**num_variables)[:, None] >> bits & 1).astype(bool)
    means = np.stack([factor.values(states) for factor in model.probabilities])
    rows = [
        _product(means[:, state, action])
        for state in range(len(states))
        for action in range(num_actions)
    ]
    return FiniteProblem(
        np.ones((len(states), num_actions), bool),
        np.sum([factor.values(states) for factor in model.rewards], axis=0),
        np.concatenate(([0], np.cumsum([len(numbers) for numbers, _ in rows]))),
        np.concatenate([numbers for numbers, _ in rows]).astype(np.intp),
        np.concatenate([weights for _, weights in rows]),
        (np.arange(len(states)) == _number(model.initial_state())).astype(np.float64),
        _number,
    )


def _number(state: np.ndarray) -> int:
    return int(np.asarray(state, np.int64) @ (1 << np.arange(len(state), dtype=np.int64)))


def _product(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The states that variables of these probabilities make, and the probability of each."""
    numbers, weights = np.zeros(1, np.int64), np.ones(1)
    for variable, mean in enumerate(means):
        numbers = np.concatenate((numbers, numbers + (1 << variable)))
        weights = np.concatenate((weights * (1.0 - mean), weights * mean))
        kept = weights > _NEGLIGIBLE
        numbers, weights = numbers[kept], weights[kept]
    return numbers, weights

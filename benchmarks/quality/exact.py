"""The best that can be done, and what a given policy does: exact values by dynamic programming.

Values within a horizon are indexed by the steps that are left: values[t, s], with values[0] = 0.
Source: Puterman (1994), sections 4.3 and 6.3; Sutton and Barto (2018), sections 4.1 and 4.4.
"""

from __future__ import annotations

import numpy as np

from benchmarks.quality.finite import FiniteProblem

__all__ = [
    "best_values",
    "discounted_values",
    "expected_return",
    "greedy_policy",
    "policy_values",
    "uniform_policy",
]


def best_values(problem: FiniteProblem, horizon: int) -> np.ndarray:
    """The best expected return within the steps that are left. float64[horizon + 1, S]."""
    values = np.zeros((horizon + 1, len(problem.legal)))
    for left in range(1, horizon + 1):
        values[left] = _best(problem.action_values(values[left - 1]))
    return values


def policy_values(problem: FiniteProblem, policy: np.ndarray, horizon: int) -> np.ndarray:
    """The expected return of a stationary policy within the steps that are left.

    Args:
      policy: the probability of each action, float64[S, A].
    Returns:
      float64[horizon + 1, S].
    """
    values = np.zeros((horizon + 1, len(problem.legal)))
    for left in range(1, horizon + 1):
        q = problem.action_values(values[left - 1])
        values[left] = (policy * np.where(problem.legal, q, 0.0)).sum(axis=1)
    return values


def discounted_values(
    problem: FiniteProblem, discount: float, tolerance: float = 1e-12
) -> np.ndarray:
    """The best discounted return without an end, by value iteration. float64[S].

    Args:
      discount: below 1.
      tolerance: how far a value may be from the exact one.
    """
    values = np.zeros(len(problem.legal))
    while True:
        following = _best(problem.action_values(values, discount))
        change = np.abs(following - values).max()
        values = following
        if change * discount <= tolerance * (1.0 - discount):
            return values


def greedy_policy(problem: FiniteProblem, values: np.ndarray, discount: float) -> np.ndarray:
    """The first of the best actions in every state that has one. float64[S, A]."""
    q = problem.action_values(values, discount)
    policy = np.zeros(q.shape)
    policy[np.arange(len(q)), np.argmax(q, axis=1)] = 1.0
    return np.where(problem.legal, policy, 0.0)


def uniform_policy(problem: FiniteProblem) -> np.ndarray:
    """Every legal action alike. float64[S, A]."""
    legal = problem.legal.astype(np.float64)
    policy: np.ndarray = legal / np.maximum(legal.sum(axis=1, keepdims=True), 1.0)
    return policy


def expected_return(problem: FiniteProblem, values: np.ndarray) -> float:
    """Of values with the whole horizon left (or discounted ones), over where episodes start."""
    return float(problem.initial @ (values[-1] if values.ndim == 2 else values))


def _best(q: np.ndarray) -> np.ndarray:
    """Over the legal actions; 0 where there are none."""
    values = q.max(axis=1)
    return np.where(np.isfinite(values), values, 0.0)

"""By how much values along a trajectory are wrong, seen from what came after.

All of these take `rewards` float64[N] and `values` float64[N + 1], where values[t] is of where
step t begins and values[N] stands for all that comes after the last step, and give errors
float64[N]: what the value of each step should be, less what it is.
"""

from __future__ import annotations

import numpy as np

__all__ = ["lambda_errors", "n_step_errors", "return_errors", "returns"]


def returns(rewards: np.ndarray, last_value: float, discount: float) -> np.ndarray:
    """G_t = R_{t+1} + discount * G_{t+1}, with G_N = last_value: float64[N].

    Source: Sutton and Barto (2018), equation 3.9.
    """
    found = np.empty(len(rewards))
    later = last_value
    for t in reversed(range(len(rewards))):
        later = found[t] = rewards[t] + discount * later
    return found


def return_errors(rewards: np.ndarray, values: np.ndarray, discount: float) -> np.ndarray:
    """G_t - values[t], from `returns`: Monte Carlo."""
    errors: np.ndarray = returns(rewards, float(values[-1]), discount) - values[:-1]
    return errors


def n_step_errors(
    rewards: np.ndarray, values: np.ndarray, discount: float, steps: int
) -> np.ndarray:
    """G_{t:t+n} - values[t], where

        G_{t:t+n} = R_{t+1} + ... + discount^(n-1) R_{t+n} + discount^n values[t+n],

    and fewer than n steps before the end reach to it.

    Args:
      steps: n, from 1.
    Source: Sutton and Barto (2018), equations 7.1 and 7.4.
    """
    count = len(rewards)
    starts = np.arange(count)
    targets = np.zeros(count)
    for k in range(min(steps, count)):
        targets[: count - k] += discount**k * rewards[k:]
    reached = np.minimum(starts + steps, count)
    targets += discount ** (reached - starts) * values[reached]
    errors: np.ndarray = targets - values[:-1]
    return errors


def lambda_errors(
    rewards: np.ndarray, values: np.ndarray, discount: float, trace_decay: float
) -> np.ndarray:
    """G^lambda_t - values[t], as the sum of (discount * lambda)^k times the error of one step
    k steps on.

    Args:
      trace_decay: lambda, from 0 (one step) to 1 (Monte Carlo).
    Source: Sutton and Barto (2018), equation 12.3 and exercise 12.4; the same sum is known as
      generalized advantage estimation: Schulman et al. (2016), equation 16.
    """
    one_step = rewards + discount * values[1:] - values[:-1]
    errors = np.empty(len(rewards))
    later = 0.0
    for t in reversed(range(len(rewards))):
        later = errors[t] = one_step[t] + discount * trace_decay * later
    return errors

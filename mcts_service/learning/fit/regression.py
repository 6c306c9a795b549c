"""Regressions that rows of data are fitted by: ridge and logistic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Scaling", "fit_logistic", "fit_ridge", "row_product", "sigmoid"]


_ROUNDS = 50
_CLOSE = 1e-10
#: Beyond, a logistic function is 0 or 1 as far as a float64 tells.
_MOST_LOGIT = 700.0


@dataclass(frozen=True)
class Scaling:
    """Columns brought to mean 0 and standard deviation 1.

    Attributes:
      mean, scale: float64[F]; a column that does not vary has the scale 1.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Scaling:
        """That of the columns of [N, F]."""
        mean, scale = rows.mean(axis=0), rows.std(axis=0)
        # What differs by rounding alone does not vary.
        varies = scale > 1e-12 * (1.0 + np.abs(mean))
        return cls(mean, np.where(varies, scale, 1.0))

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = (rows - self.mean) / self.scale
        return scaled


def row_product(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The product rows @ matrix, in which no row's rounding depends on the others.

    Args:
      rows: [N, F].
      matrix: [F, D], or one a row: [N, F, D].
    Returns:
      [N, D].
    """
    product: np.ndarray = np.matmul(rows[:, np.newaxis], matrix)[:, 0]
    return product


def fit_ridge(inputs: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    """The weights with the least squared error, and the least `ridge` times their own squares.

    Args:
      inputs: [N, F], the last column constant 1, whose weights are free.
      targets: [N, D].
    Returns:
      float64[F, D].
    Source: Hastie, Tibshirani and Friedman (2009), equation 3.44.
    """
    penalty = np.sqrt(ridge) * np.eye(inputs.shape[1])
    penalty[-1, -1] = 0.0
    above = np.concatenate([inputs, penalty])
    right = np.concatenate([targets, np.zeros((inputs.shape[1], targets.shape[1]))])
    weights: np.ndarray = np.linalg.lstsq(above, right, rcond=None)[0]
    return weights


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-logits))."""
    probabilities: np.ndarray = 1.0 / (1.0 + np.exp(-np.clip(logits, -_MOST_LOGIT, _MOST_LOGIT)))
    return probabilities


def fit_logistic(inputs: np.ndarray, labels: np.ndarray, ridge: float) -> np.ndarray:
    """Logistic regression with a quadratic penalty, by Newton's steps, halved where they overshoot.

    Args:
      inputs: [N, F], the last column constant 1, whose weight is free.
      labels: bool[N]; both kinds occur.
      ridge: above 0, so that labels which can be told apart exactly have finite weights.
    Returns:
      float64[F].
    Source: Hastie, Tibshirani and Friedman (2009), section 4.4.1.
    """
    penalty = np.full(inputs.shape[1], ridge)
    penalty[-1] = 0.0
    weights = np.zeros(inputs.shape[1])
    loss = _loss(inputs, labels, penalty, weights)
    for _ in range(_ROUNDS):
        probabilities = sigmoid(inputs @ weights)
        slope = inputs.T @ (probabilities - labels) + penalty * weights
        spread = probabilities * (1.0 - probabilities)
        curvature = (inputs * spread[:, np.newaxis]).T @ inputs + np.diag(penalty)
        curvature[-1, -1] += 1e-12
        step = np.linalg.lstsq(curvature, slope, rcond=None)[0]
        scale = 1.0
        while scale > _CLOSE:
            candidate = weights - scale * step
            better = _loss(inputs, labels, penalty, candidate)
            if better <= loss:
                break
            scale /= 2
        else:
            break
        improved, weights, loss = loss - better, candidate, better
        if improved <= _CLOSE * (1.0 + abs(loss)):
            break
    return weights


def _loss(
    inputs: np.ndarray, labels: np.ndarray, penalty: np.ndarray, weights: np.ndarray
) -> float:
    """The negative log-likelihood, with half the penalty."""
    logits = inputs @ weights
    # log(1 + exp(z)) - y z, without overflow.
    return float(np.logaddexp(0.0, logits).sum() - logits[labels].sum() + penalty @ weights**2 / 2)

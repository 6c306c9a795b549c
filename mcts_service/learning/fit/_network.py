"""The networks of an ensemble as torch trains them, all members in one batched product."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.learning.fit.ensemble import LOG_VARIANCE_HIGH, LOG_VARIANCE_LOW

if TYPE_CHECKING:
    from mcts_service.learning.fit.fit_ensemble import Training

try:
    import torch
except ImportError as error:
    raise InvalidRequest("torch", 'is not installed: pip install "mcts-service[torch]"') from error

__all__ = ["forward", "train"]

#: Layers, each weights [K, inputs, outputs] and bias [K, outputs].
Weights = list[tuple[Any, Any]]


def train(
    inputs: np.ndarray,
    targets: np.ndarray,
    is_held: np.ndarray,
    rng: np.random.Generator,
    training: Training,
    members: int,
    hidden: Sequence[int],
    probabilistic: bool,
    progress: Callable[[int, int, float], None] | None,
) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Trains the members until none of them gets better.

    Args:
      inputs: [N, F].
      targets: [N, D + 2]: scaled changes, scaled reward, 1 for an end.
      is_held: rows that are not trained on, some and not all: bool[N].
    Returns:
      (layers of weights float64[K, inputs, outputs] and bias float64[K, outputs]; the logarithm of
      the mean squared error of each change on the steps held out, float64[D]).
    Raises:
      InvalidRequest: the training diverged: a loss is not finite.
    """
    held, rest = np.flatnonzero(is_held), np.flatnonzero(~is_held)
    x, y = (torch.as_tensor(rows, dtype=torch.float32) for rows in (inputs, targets))
    weights = _initial(rng, members, [inputs.shape[1], *hidden, 2 * targets.shape[1] - 2])
    flat = [part for layer in weights for part in layer]
    optimizer = torch.optim.AdamW(
        flat, lr=training.learning_rate, weight_decay=training.weight_decay
    )
    resampled = rest[rng.integers(len(rest), size=(members, len(rest)))]
    best = [part.detach().clone() for part in flat]
    least, since = torch.full((members,), torch.inf), 0
    for epoch in range(training.epochs):
        shuffled = rng.permuted(resampled, axis=1)
        for start in range(0, len(rest), training.batch):
            rows = torch.as_tensor(shuffled[:, start : start + training.batch])
            optimizer.zero_grad()
            _losses(weights, x[rows], y[rows], probabilistic).sum().backward()
            optimizer.step()
        with torch.no_grad():
            losses = _losses(weights, _for_all(x[held], members), _for_all(y[held], members),
                             probabilistic)  # fmt: skip
            if not bool(torch.isfinite(losses).all()):
                raise InvalidRequest(
                    "training.learning_rate",
                    f"is {training.learning_rate}; must be less: in epoch {epoch + 1} a loss is "
                    "not finite",
                )
            better = losses < least - 1e-3 * least.abs().clamp(max=1.0)
            for kept, part in zip(best, flat, strict=True):
                kept[better] = part.detach()[better]
            least = torch.where(better, losses, least)
        since = 0 if bool(better.any()) else since + 1
        if progress is not None:
            progress(epoch + 1, training.epochs, float(losses.mean()))
        if since >= training.patience:
            break
    layers = [(best[i], best[i + 1]) for i in range(0, len(best), 2)]
    return (
        [tuple(part.numpy().astype(np.float64) for part in layer) for layer in layers],
        _log_error(layers, x[held], y[held], members),
    )


def forward(weights: Weights, rows: Any) -> Any:
    """What the members give.

    Args:
      weights: of the layers.
      rows: tensor [K, N, F].
    Returns:
      Tensor [K, N, 2 D + 2].
    """
    for number, (matrix, bias) in enumerate(weights):
        rows = torch.baddbmm(bias[:, None], rows, matrix)
        if number < len(weights) - 1:
            rows = torch.nn.functional.silu(rows)
    return rows


def _initial(rng: np.random.Generator, members: int, sizes: Sequence[int]) -> Weights:
    """Normal weights with the variance 1 / inputs, and no bias."""
    layers: Weights = []
    for number, (size, next_size) in enumerate(pairwise(sizes)):
        # The last layer begins small: at first nothing changes.
        scale = (0.1 if number == len(sizes) - 2 else 1.0) / np.sqrt(size)
        drawn = scale * rng.standard_normal((members, size, next_size))
        layers.append(
            (
                torch.tensor(drawn, dtype=torch.float32, requires_grad=True),
                torch.zeros((members, next_size), requires_grad=True),
            )
        )
    return layers


def _losses(weights: Weights, rows: Any, targets: Any, probabilistic: bool) -> Any:
    """Each member's mean loss: of the change, the reward and the end. Tensor [K]."""
    size = targets.shape[-1] - 2
    given = forward(weights, rows)
    error = (given[..., :size] - targets[..., :size]) ** 2
    if probabilistic:
        width = LOG_VARIANCE_HIGH - LOG_VARIANCE_LOW
        log_variance = LOG_VARIANCE_LOW + width * torch.sigmoid(given[..., size : 2 * size])
        error = 0.5 * (error * torch.exp(-log_variance) + log_variance)
    reward = (given[..., -2] - targets[..., -2]) ** 2
    end = torch.nn.functional.binary_cross_entropy_with_logits(
        given[..., -1], targets[..., -1], reduction="none"
    )
    return (error.sum(dim=-1) + reward + end).mean(dim=-1)


def _for_all(rows: Any, members: int) -> Any:
    return rows.expand(members, *rows.shape)


def _log_error(weights: Weights, rows: Any, targets: Any, members: int) -> np.ndarray:
    """The logarithm of the members' mean squared error of each change: float64[D]."""
    size = targets.shape[-1] - 2
    with torch.no_grad():
        error = forward(weights, _for_all(rows, members))[..., :size] - targets[..., :size]
    squared: np.ndarray = (error**2).mean(dim=(0, 1)).numpy().astype(np.float64)
    logarithm: np.ndarray = np.log(np.maximum(squared, np.exp(LOG_VARIANCE_LOW)))
    return logarithm

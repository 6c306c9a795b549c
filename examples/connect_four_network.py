"""A small network that looks at a board of connect four: priors and a value.

    board -> 84 numbers -> 128 -> 128 -> 7 priors by softmax, 1 value by tanh

Everything is seen from the side to move: the first 42 numbers are its discs, the others the
opponent's. Written in NumPy, so that the example needs nothing else; a network of any library
takes its place by giving the same two functions, `evaluation` and `imitate`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.learning import Examples

__all__ = ["Imitation", "Network", "evaluation", "new_network"]

COLUMNS, CELLS, UNITS = 7, 42, 128
Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Network:
    """Three layers, each a matrix and a bias, and what Adam knows of them.

    Attributes:
      weights: float32 arrays: [84, 128], [128], [128, 128], [128], [128, 8], [8].
      means, squares: of the gradients, as long.
      updates: so far.
    """

    weights: tuple[Array, ...]
    means: tuple[Array, ...]
    squares: tuple[Array, ...]
    updates: int = 0


def new_network(rng: np.random.Generator) -> Network:
    """One that has learned nothing: its priors are nearly uniform, its values nearly 0."""
    sizes = ((2 * CELLS, UNITS, 1.0), (UNITS, UNITS, 1.0), (UNITS, COLUMNS + 1, 0.1))
    weights: list[Array] = []
    for inputs, outputs, scale in sizes:
        matrix = rng.normal(scale=scale * np.sqrt(2 / inputs), size=(inputs, outputs))
        weights += [matrix.astype(np.float32), np.zeros(outputs, np.float32)]
    nothing = tuple(np.zeros_like(part) for part in weights)
    return Network(tuple(weights), nothing, nothing)


def evaluation(network: Network) -> Any:
    """Boards int8[N, 6, 7] -> (priors float64[N, 7], values float64[N, 2])."""

    def evaluate(boards: Any) -> tuple[Any, Any]:
        inputs, first_moves = seen_by_the_mover(boards)
        *_, outputs = forward(network.weights, inputs)
        value = np.where(first_moves, 1, -1) * np.tanh(outputs[:, COLUMNS])
        return softmax(outputs[:, :COLUMNS]).astype(float), np.stack([value, -value], axis=1)

    return evaluate


def seen_by_the_mover(boards: Any) -> tuple[Array, Any]:
    """The inputs float32[N, 84], and whether the first player is to move: bool[N]."""
    cells = np.asarray(boards).reshape(len(boards), CELLS)
    first_moves = cells.sum(axis=1) == 0
    own = np.where(first_moves, 1, -1)[:, np.newaxis]
    return np.concatenate([cells == own, cells == -own], axis=1).astype(np.float32), first_moves


def forward(weights: tuple[Array, ...], inputs: Array) -> tuple[Array, Array, Array]:
    """The two hidden layers and the outputs: [N, 128], [N, 128], [N, 8]."""
    first = np.maximum(inputs @ weights[0] + weights[1], 0)
    second = np.maximum(first @ weights[2] + weights[3], 0)
    return first, second, second @ weights[4] + weights[5]


def softmax(logits: Array) -> Array:
    """Of each row."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = weights / weights.sum(axis=1, keepdims=True)
    return shares


class Imitation:
    """examples x network -> network, by Adam over the latest examples.

    The loss is the cross entropy of the priors with the visits, and the squared error of the value
    with the return. A board and its mirror image are the same to it.
    """

    ITERATIONS_KEPT, BATCH = 20, 256
    #: Updates of one iteration: as many as let each new example count about 40 times.
    UPDATES = 200
    LEARNING_RATE, DECAY = 1e-3, 1e-4

    def __init__(self) -> None:
        self._latest: deque[Examples] = deque(maxlen=self.ITERATIONS_KEPT)

    def __call__(self, examples: Examples, network: Network, rng: np.random.Generator) -> Network:
        self._latest.append(examples)
        known = Examples.joined(list(self._latest))
        inputs, first_moves = seen_by_the_mover(known.states)
        returns = np.where(first_moves, known.returns[:, 0], known.returns[:, 1])
        visits = known.visits.astype(np.float32)
        for _ in range(self.UPDATES):
            rows = rng.integers(len(inputs), size=self.BATCH)
            mirrored = rng.random(self.BATCH) < 0.5
            gradients = loss_gradients(
                network.weights,
                mirror(inputs[rows].reshape(-1, 12, COLUMNS), mirrored).reshape(-1, 2 * CELLS),
                mirror(visits[rows], mirrored),
                returns[rows].astype(np.float32),
            )
            network = self._updated(network, gradients)
        return network

    def _updated(self, network: Network, gradients: list[Array]) -> Network:
        """Source: Kingma and Ba (2015), algorithm 1."""
        updates = network.updates + 1
        weights: list[Array] = []
        means: list[Array] = []
        squares: list[Array] = []
        for weight, mean, square, gradient in zip(
            network.weights, network.means, network.squares, gradients, strict=True
        ):
            gradient = gradient + self.DECAY * weight
            means.append(0.9 * mean + 0.1 * gradient)
            squares.append(0.999 * square + 0.001 * gradient**2)
            step = means[-1] / (1 - 0.9**updates)
            size = np.sqrt(squares[-1] / (1 - 0.999**updates)) + 1e-8
            weights.append(weight - self.LEARNING_RATE * step / size)
        return Network(tuple(weights), tuple(means), tuple(squares), updates)


def mirror(rows: Array, mirrored: Any) -> Array:
    """Turns the last axis, the columns, round where it is wanted: bool[N]."""
    where = mirrored.reshape(-1, *[1] * (rows.ndim - 1))
    turned: Array = np.where(where, rows[..., ::-1], rows)
    return turned


def loss_gradients(
    weights: tuple[Array, ...], inputs: Array, visits: Array, returns: Array
) -> list[Array]:
    """Of the mean loss, for each of the weights."""
    first, second, outputs = forward(weights, inputs)
    value = np.tanh(outputs[:, COLUMNS])
    of_outputs = np.empty_like(outputs)
    of_outputs[:, :COLUMNS] = softmax(outputs[:, :COLUMNS]) - visits
    of_outputs[:, COLUMNS] = 2 * (value - returns) * (1 - value**2)
    of_outputs /= len(inputs)
    of_second = (of_outputs @ weights[4].T) * (second > 0)
    of_first = (of_second @ weights[2].T) * (first > 0)
    gradients: list[Array] = []
    for below, above in ((inputs, of_first), (first, of_second), (second, of_outputs)):
        gradients += [below.T @ above, above.sum(axis=0)]
    return gradients

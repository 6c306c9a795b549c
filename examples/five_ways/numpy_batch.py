"""The inventory of plain_python.py in NumPy, one row a question."""

from __future__ import annotations

import numpy as np

__all__ = ["InventoryBatch", "model"]


class InventoryBatch:
    """A batch model: `sample` for many states at once."""

    num_actions = 11
    discount = 0.95

    def sample_batch(
        self, states: np.ndarray, actions: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One day a row: states int64[N], actions int64[N] -> int64[N], float64[N], bool[N]."""
        stock = np.minimum(states + actions, 20)
        demand = (rng.random(len(states)) * 10.0).astype(np.int64)
        sold = np.minimum(demand, stock)
        stock = stock - sold
        rewards = 3.0 * sold - 1.0 * actions - 0.25 * stock
        return stock, rewards, np.zeros(len(states), dtype=bool)


def model() -> InventoryBatch:
    """The model, as a planner takes it."""
    return InventoryBatch()

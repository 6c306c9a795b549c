"""An inventory in plain Python.

A state is the stock, 0 to 20. An action orders that many units, 0 to 10, which come at once as
far as there is room. Then customers want 0 to 9 units, each as probable. A unit sold earns 3, a
unit ordered costs 1, a unit kept overnight costs 0.25.
"""

from __future__ import annotations

import numpy as np

__all__ = ["Inventory", "model"]


class Inventory:
    """Two names and a return value are all that a model must have; the rest is by choice."""

    num_actions = 11
    discount = 0.95

    def sample(self, state: int, action: int, rng: np.random.Generator) -> tuple[int, float, bool]:
        """One day: (the stock at its end, what it earned, False)."""
        stock = min(state + action, 20)
        demand = int(rng.random() * 10.0)
        sold = min(demand, stock)
        stock -= sold
        return stock, 3.0 * sold - 1.0 * action - 0.25 * stock, False


def model() -> Inventory:
    """The model, as a planner takes it."""
    return Inventory()

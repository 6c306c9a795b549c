"""A random MDP: each action leads to a few states, picked at random, with random probabilities.

Source: Archibald, McKinnon and Thomas (1995), who call such problems GARNET.
"""

from __future__ import annotations

import numpy as np

from mcts_service.models import TabularModel

__all__ = ["random_mdp"]


def random_mdp(
    num_states: int = 60,
    num_actions: int = 4,
    num_outcomes: int = 5,
    *,
    seed: int = 0,
    discount: float = 0.95,
) -> TabularModel:
    """Probabilities are uniform on the simplex, rewards of state and action uniform in [0, 1).

    Args:
      num_outcomes: different states that an action leads to, at most num_states.
      seed: of everything that is drawn.
      discount: per step.
    """
    rng = np.random.default_rng(seed)
    num_rows = num_states * num_actions
    order = rng.random((num_rows, num_states)).argsort(axis=1)
    cuts = np.sort(rng.random((num_rows, num_outcomes - 1)), axis=1)
    bounds = np.hstack([np.zeros((num_rows, 1)), cuts, np.ones((num_rows, 1))])
    return TabularModel.from_arrays(
        np.arange(0, num_rows * num_outcomes + 1, num_outcomes),
        np.diff(bounds, axis=1).ravel(),
        order[:, :num_outcomes].ravel(),
        np.repeat(rng.random(num_rows), num_outcomes),
        np.zeros(num_rows * num_outcomes, bool),
        num_actions=num_actions,
        discount=discount,
        description=f"a random MDP of {num_states} states",
        state_description="numbers without a meaning",
        action_description="numbers without a meaning",
    )

"""From trajectories to a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mcts_service.checks import require_integer, require_number
from mcts_service.errors import InvalidRequest
from mcts_service.learning.fit.labels import Labels
from mcts_service.learning.fit.numbered import NumberedSteps, are_numbers, trajectories_of
from mcts_service.learning.fit.outcomes import count_outcomes
from mcts_service.learning.fit.table import LearnedTable
from mcts_service.learning.fit.unseen import Unseen, require_unseen
from mcts_service.protocols import Experience, Trajectory

__all__ = ["fit_table"]

_MOST_STATES, _MOST_ACTIONS = 2**31 - 2, 2**24
_LARGEST_PRIOR = 1e12


def fit_table(
    data: Iterable[Trajectory[Any] | Experience[Any]],
    num_states: int | None = None,
    num_actions: int | None = None,
    *,
    prior: float = 0.0,
    discount: float = 0.99,
    unseen: Unseen = "pessimistic",
    initial: Any = None,
) -> LearnedTable:
    """The table that data show: trajectories -> distribution model.

    States are integers from 0 on, or, where one of them is not, anything that is hashable (or an
    array), numbered as they come.

    Args:
      data: trajectories, or single experiences.
      num_states: states are below it; None: one more than the greatest. Not for states that are
        no integers.
      num_actions: the same of actions, which are integers from 0 on in any case.
      prior: concentration of a symmetric Dirichlet prior over all next states, >= 0; 0: maximum
        likelihood. 1 is the uniform prior. With a prior the table is dense, for small problems; an
        action never tried has the prior's outcomes, rewarded with the mean of all rewards.
      discount: per step, of the table.
      unseen: how an action is taken in a state in which it was never tried, without a prior:
        "pessimistic", "optimistic", "stay" or "illegal", see `Unseen`. A plan that could meet one
        says so in its `warnings`.
      initial: where episodes start: a state; None: as often in each as trajectories did. An
        experience counts as a trajectory.
    Raises:
      InvalidRequest: there are no data, or a trajectory is empty, ragged, not finite, or has a
        state or an action out of range: names the trajectory, the step and the field.
    """
    require_number("prior", prior, 0, _LARGEST_PRIOR)
    require_unseen(unseen)
    trajectories = trajectories_of(data)
    labels = None
    if not are_numbers(trajectories):
        if num_states is not None:
            raise InvalidRequest("num_states", "is given; must be None, as states are no integers")
        labels = Labels(state for trajectory in trajectories for state in trajectory.states)
        num_states = len(labels)
    if num_states is not None:
        require_integer("num_states", num_states, 1, _MOST_STATES)
    if num_actions is not None:
        require_integer("num_actions", num_actions, 1, _MOST_ACTIONS)
    steps = NumberedSteps.of(
        trajectories, labels=labels, num_states=num_states, num_actions=num_actions
    )
    if num_states is None:
        num_states = 1 + int(max(steps.states.max(), steps.next_states.max()))
    return LearnedTable(
        count_outcomes(
            steps.states,
            steps.actions,
            steps.rewards,
            steps.next_states,
            steps.terminated,
            num_states=num_states,
            num_actions=num_actions or 1 + int(steps.actions.max()),
        ),
        _initial_distribution(initial, steps, num_states, labels),
        prior=float(prior),
        unseen=unseen,
        discount=discount,
        labels=labels,
    )


def _initial_distribution(
    initial: Any, steps: NumberedSteps, num_states: int, labels: Labels | None
) -> np.ndarray:
    """The probability of each state to start in: float64[num_states]."""
    if initial is None:
        counts = np.bincount(steps.first, minlength=num_states)
        shares: np.ndarray = counts / counts.sum()
        return shares
    if labels is not None:
        number = labels.number(initial)
    else:
        number = require_integer("initial", initial, 0, num_states - 1)
    distribution = np.zeros(num_states)
    distribution[number] = 1.0
    return distribution

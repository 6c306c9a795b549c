"""Models run beside trajectories: how far apart they are after k of the same actions.

A model may be random, and one draw of a perfect one is as far from the truth as two draws of it
are from each other. So each place is run twice, and the error is the energy score

    E d(X, y) - E d(X, X') / 2

of draws X and X' and the truth y, which no model keeps lower than the true one does. Of a model
that is sure it is the mean distance.

Source: Gneiting and Raftery (2007), "Strictly proper scoring rules, prediction, and estimation",
section 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mcts_service.learning.fit.table import LearnedTable
from mcts_service.models.streams import generator_of_rows
from mcts_service.protocols import Trajectory

__all__ = ["rollout_errors"]

#: (trajectory, step) of each rollout's beginning.
_Places = Sequence[tuple[int, int]]


def rollout_errors(
    model: Any,
    trajectories: Sequence[Trajectory[Any]],
    most_steps: int,
    rollouts: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Runs a model by the actions of trajectories, twice from each place.

    A rollout that has ended stays where it ended.

    Args:
      most_steps: K at most.
      rollouts: how many places, drawn with replacement.
    Returns:
      (errors of the model, errors of staying where the rollout begins), float64[K] each, as
      `Report` describes them.
    """
    longest = max(len(trajectory.actions) for trajectory in trajectories)
    steps = min(most_steps, longest)
    places = [
        (number, start)
        for number, trajectory in enumerate(trajectories)
        for start in range(len(trajectory.actions) - steps + 1)
    ]
    chosen = [places[i] for i in rng.integers(len(places), size=rollouts)]
    actions = np.array(
        [trajectories[which].actions[start : start + steps] for which, start in chosen], np.int64
    )
    if isinstance(model, LearnedTable):
        number = model.labels.number if model.labels is not None else int
        true = np.array(
            [
                [number(state) for state in trajectories[which].states[start : start + steps + 1]]
                for which, start in chosen
            ]
        )
        first, second = (_run_table(model, true[:, 0], actions, rng) for _ in range(2))
        return _scores(true, first, second, lambda one, other: (one != other).astype(np.float64))
    rows = [np.asarray(trajectory.states, np.float64) for trajectory in trajectories]
    deviation = np.concatenate(rows).std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    true = np.stack([rows[which][start : start + steps + 1] for which, start in chosen])
    one, other = (_run_vectors(model, true[:, 0], actions, rng) for _ in range(2))
    return _scores(
        true,
        one,
        other,
        lambda one, other: np.sqrt((((one - other) / deviation) ** 2).mean(axis=-1)),
    )


def _scores(
    true: np.ndarray, first: np.ndarray, second: np.ndarray, distance: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The energy scores by steps, and the distances from the beginning: float64[K] each.

    Args:
      true: states [N, K + 1, ...].
      first, second: draws of the last K of them, [N, K, ...].
      distance: of states, axis by axis.
    """
    reached = true[:, 1:]
    apart = 0.5 * (distance(first, reached) + distance(second, reached))
    errors: np.ndarray = (apart - 0.5 * distance(first, second)).mean(axis=0)
    return errors, distance(true[:, :1], reached).mean(axis=0)


def _run_table(
    model: LearnedTable, states: np.ndarray, actions: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """States that the table draws for each row of actions: int64[N, K]."""
    table = model.numbered_table
    drawn = np.empty(actions.shape, np.int64)
    for row, (state, plan) in enumerate(zip(states.tolist(), actions.tolist(), strict=True)):
        ended = False
        for step, action in enumerate(plan):
            # What cannot be followed, as `unseen` is "illegal", ends too.
            ended = ended or table.is_terminal(state) or action not in table.legal_actions(state)
            if not ended:
                state, _, ended = table.sample(state, action, rng)
            drawn[row, step] = state
    return drawn


def _run_vectors(
    model: Any, states: np.ndarray, actions: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """States that the model draws for each row of actions: float64[N, K, D]."""
    drawn = np.empty((*actions.shape, states.shape[1]))
    ended = np.zeros(len(states), np.bool_)
    for step in range(actions.shape[1]):
        seeds = rng.integers(2**63, size=len(states)).tolist()
        following, _, ends = model.sample_batch(states, actions[:, step], generator_of_rows(seeds))
        states = np.where(ended[:, np.newaxis], states, following)
        ended = ended | ends
        drawn[:, step] = states
    return drawn

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

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.learning.fit.known_steps import KnownSteps, are_vectors, identity_of
from mcts_service.models.streams import generator_of_rows
from mcts_service.protocols import Trajectory

__all__ = ["rollout_errors"]


def rollout_errors(
    model: Any, steps: KnownSteps, most_steps: int, rollouts: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Runs a model by the actions of trajectories, twice from each place that it knows.

    A rollout that has ended stays where it ended. Entry k - 1 is of all places with k steps left
    or more, each as likely.

    Args:
      most_steps: K at most.
      rollouts: how many places with K steps left are drawn, with replacement, and how many of
        those with fewer.
    Returns:
      (errors of the model, errors of staying where the rollout begins), float64[K] each, as
      `Report` describes them.
    """
    places = _drawn_places(steps, most_steps, rollouts, rng)
    if are_vectors(model, steps.trajectories):
        return _errors_of_vectors(model, steps.trajectories, places, rng)
    return _errors_of_names(model, steps.trajectories, places, rng)


@dataclass(frozen=True)
class _Places:
    """Where N rollouts begin.

    Attributes:
      trajectory, step: which one, and where in it: int64[N].
      length: how many steps each is run, from 1 to K: int64[N].
      weight: how many places each stands for: float64[N].
    """

    trajectory: np.ndarray
    step: np.ndarray
    length: np.ndarray
    weight: np.ndarray

    @property
    def longest(self) -> int:
        """K."""
        return int(self.length.max())

    def actions(self, trajectories: Sequence[Trajectory[Any]]) -> np.ndarray:
        """Of each rollout, and 0 behind its end: int64[N, K]."""
        found = np.zeros((len(self.length), self.longest), np.int64)
        for row, (which, start, length) in enumerate(self._each()):
            found[row, :length] = trajectories[which].actions[start : start + length]
        return found

    def numbers(self, columns: Sequence[Sequence[Any] | np.ndarray]) -> np.ndarray:
        """What stands at the states of each rollout, the last again behind its end: [N, K + 1].

        Args:
          columns: something for each state of each trajectory.
        """
        return np.stack(
            [
                np.asarray(columns[which])[
                    np.minimum(np.arange(start, start + self.longest + 1), start + length)
                ]
                for which, start, length in self._each()
            ]
        )

    def mean(self, errors: np.ndarray) -> np.ndarray:
        """Of each step, over the rollouts that are as long: float64[K] of float64[N, K]."""
        weight = self.weight[:, np.newaxis] * (
            np.arange(errors.shape[1]) < self.length[:, np.newaxis]
        )
        means: np.ndarray = (weight * errors).sum(axis=0) / weight.sum(axis=0)
        return means

    def _each(self) -> list[tuple[int, int, int]]:
        columns = (self.trajectory, self.step, self.length)
        return list(zip(*(column.tolist() for column in columns), strict=True))


def _drawn_places(
    steps: KnownSteps, most_steps: int, rollouts: int, rng: np.random.Generator
) -> _Places:
    """So many of the places with all K steps left, and of those with fewer."""
    starts = [np.flatnonzero(known[:-1]) for known in steps.is_known]
    which = np.repeat(np.arange(len(starts)), [len(one) for one in starts])
    step = np.concatenate(starts)
    lengths = np.array([len(trajectory.actions) for trajectory in steps.trajectories])
    left = np.minimum(lengths[which] - step, most_steps)
    chosen, weight = [], []
    for group in (np.flatnonzero(left == left.max()), np.flatnonzero(left < left.max())):
        if len(group):
            chosen.append(group[rng.integers(len(group), size=rollouts)])
            weight.append(np.full(rollouts, len(group) / rollouts))
    rows = np.concatenate(chosen)
    return _Places(which[rows], step[rows], left[rows], np.concatenate(weight))


def _errors_of_names(
    model: Any, trajectories: Sequence[Trajectory[Any]], places: _Places, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Of states that are equal or not; two that are not are 1 apart."""
    names: dict[Hashable, int] = {}

    def number(state: Any) -> int:
        return names.setdefault(identity_of(model, state), len(names))

    def run() -> np.ndarray:
        each = zip(places.trajectory, places.step, actions, strict=True)
        drawn = (_run(model, trajectories[t].states[start], plan, rng) for t, start, plan in each)
        return np.array([[number(state) for state in states] for states in drawn])

    true = places.numbers([[number(state) for state in t.states] for t in trajectories])
    actions = places.actions(trajectories)
    return _scores(places, true, run(), run(), lambda one, other: (one != other).astype(np.float64))


def _errors_of_vectors(
    model: Any, trajectories: Sequence[Trajectory[Any]], places: _Places, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Of vectors: distances in standard deviations of the held-out states."""
    rows = [np.asarray(trajectory.states, np.float64) for trajectory in trajectories]
    deviation = np.concatenate(rows).std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    true, actions = places.numbers(rows), places.actions(trajectories)
    if callable(getattr(model, "sample_batch", None)):
        first, second = (_run_batch(model, true[:, 0], actions, rng) for _ in range(2))
    else:
        first, second = (
            np.array([_run(model, *one, rng) for one in zip(true[:, 0], actions, strict=True)])
            for _ in range(2)
        )
    return _scores(
        places,
        true,
        first,
        second,
        lambda one, other: np.sqrt((((one - other) / deviation) ** 2).mean(axis=-1)),
    )


def _scores(
    places: _Places,
    true: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    distance: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """The energy scores by steps, and the distances from the beginning: float64[K] each.

    Args:
      true: states [N, K + 1, ...].
      first, second: draws of the last K of them, [N, K, ...].
      distance: of states, axis by axis.
    """
    reached = true[:, 1:]
    apart = 0.5 * (distance(first, reached) + distance(second, reached))
    errors = apart - 0.5 * distance(first, second)
    return places.mean(errors), places.mean(distance(true[:, :1], reached))


def _run(model: Any, state: Any, actions: np.ndarray, rng: np.random.Generator) -> list[Any]:
    """States that the model draws for a row of actions, K of them."""
    is_terminal = getattr(model, "is_terminal", None)
    legal_actions = getattr(model, "legal_actions", None)
    drawn, ended = [], False
    for action in actions.tolist():
        # What cannot be followed, as the action is not legal there, ends too.
        ended = ended or (is_terminal is not None and bool(is_terminal(state)))
        ended = ended or (legal_actions is not None and action not in legal_actions(state))
        if not ended:
            state, _, ended = model.sample(state, action, rng)
        drawn.append(state)
    return drawn


def _run_batch(
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

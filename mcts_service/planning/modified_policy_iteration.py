"""Modified policy iteration: between improvements, a policy is evaluated by a few sweeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcts_service.checks import require_integer
from mcts_service.planning.backups import MOST_ITERATIONS, Backups
from mcts_service.planning.finite import finite_problem
from mcts_service.planning.solution import Solution

__all__ = ["modified_policy_iteration"]

# An evaluation ends once a sweep changes so much less than the improvement did.
_SHARE = 0.1
# A round at once must make the spread of the changes so much less, or chance mixes too slowly.
_FALL = 0.8
# So many rounds may do less: the first policies change much.
_PATIENCE = 3
# Improvements in place between two backups that say how far it is.
_MOST_IN_PLACE = 16


def modified_policy_iteration(
    model: Any,
    discount: float | None = None,
    *,
    tolerance: float = 1e-8,
    max_iterations: int = 100_000,
    initial_values: np.ndarray | None = None,
    evaluation_sweeps: int = 20,
    threads: int = 1,
) -> Solution[Any]:
    """Solves a model by improving a policy, and valuing it roughly, by turns.

    A sweep of the evaluation reads the outcomes of one action a state, an improvement those of all:
    with many actions most of the way is cheap. As long as most rounds make the spread of what
    changes clearly less, states are backed up at once, which leaves what all have in common to the
    bounds. From then on both go in place, by turns from the last state to the first and back.

    Args:
      model, discount, tolerance, initial_values, threads: as of `value_iteration`.
      max_iterations: improvements.
      evaluation_sweeps: at most, after each improvement.
    Raises:
      InvalidRequest: as `value_iteration`.
    Source: Puterman and Shin (1978); Puterman (1994), section 6.5.
    """
    most_sweeps = require_integer("evaluation_sweeps", evaluation_sweeps, 0, MOST_ITERATIONS)
    problem = finite_problem(model, discount)
    backups = Backups(problem, tolerance, max_iterations, threads)
    evaluation = _Evaluation(backups, most_sweeps)
    values, iteration = backups.first_values(initial_values), 1
    spread, slow_rounds = np.inf, 0
    are_zero = not values.any()
    while not backups.of(values, evaluation.chain, are_zero=are_zero):
        if iteration >= backups.max_iterations:
            break
        are_zero = False
        slow_rounds += backups.bounds.spread > _FALL * spread
        spread = backups.bounds.spread
        iteration += 1
        values = backups.next_values(values)
        if slow_rounds < _PATIENCE:
            values = evaluation.at_once(values, spread)
        else:
            evaluation.in_place(values, spread)
            left = backups.max_iterations - iteration
            iteration += _improve_in_place(backups, evaluation, values, min(left, _MOST_IN_PLACE))
    return backups.solution(iteration)


class _Evaluation:
    """Sweeps by the policy of the last improvement alone.

    Attributes:
      chain: what that policy does: a table of one action.
    """

    def __init__(self, backups: Backups, most_sweeps: int) -> None:
        self._backups = backups
        self._most_sweeps = most_sweeps
        self.chain = backups.table.for_policy()
        self._spare = np.zeros(backups.table.num_states)

    def at_once(self, values: np.ndarray, spread: float) -> np.ndarray:
        """Sweeps until the changes spread much less than before. The array is no more the caller's;
        the one that is returned is.
        """
        for _ in range(self._most_sweeps):
            least, greatest, _ = self.chain.back_up(
                self._backups.discount, values, self._spare, threads=self._backups.threads
            )
            values, self._spare = self._spare, values
            if greatest - least <= _SHARE * spread:
                break
        return values

    def in_place(self, values: np.ndarray, change: float) -> None:
        """Sweeps until one changes much less than before."""
        for sweep in range(self._most_sweeps):
            least, greatest, _ = self.chain.sweep(
                self._backups.discount, values, backwards=sweep % 2 == 0
            )
            if max(greatest, -least) <= _SHARE * change:
                break


def _improve_in_place(
    backups: Backups, evaluation: _Evaluation, values: np.ndarray, most: int
) -> int:
    """Improves and evaluates until that changes much less than the last backup; says how often."""
    enough = _SHARE * backups.bounds.residual
    for improvement in range(most):
        least, greatest, _ = backups.table.sweep(
            backups.discount, values, backwards=improvement % 2 == 0, policy=backups.policy
        )
        change = max(greatest, -least)
        if change <= enough:
            return improvement + 1
        evaluation.chain.follow(backups.table, backups.policy)
        evaluation.in_place(values, change)
    return most

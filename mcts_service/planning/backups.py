"""Backups of all states that know when it is enough, and make a solution of the last one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mcts_service._solvers import Predecessors, SparseTable
from mcts_service.checks import require_integer, require_number
from mcts_service.planning.bounds import Bounds, bounds_after, greatest_steps
from mcts_service.planning.finite import FiniteProblem
from mcts_service.planning.solution import Solution

__all__ = ["Backups"]

MOST_ITERATIONS = 2**31 - 1
MOST_THREADS = 64


class Backups:
    """Backs up all states at once, and says how far values are from the best.

    Attributes:
      problem: what is solved.
      table, discount: of the problem.
      tolerance: how far a value may be from the exact one, in reward units.
      max_iterations, threads: of the solver.
      backed_up: the values after the last backup. float64[num_states].
      q: the action values of the last backup. float64[num_states, num_actions].
      policy: the first of the best actions by them. int32[num_states].
      bounds: of `backed_up`.
    """

    def __init__(
        self, problem: FiniteProblem, tolerance: float, max_iterations: int, threads: int
    ) -> None:
        """Raises InvalidRequest: a setting is out of range."""
        self.problem = problem
        self.table, self.discount = problem.table, problem.discount
        self.tolerance = require_number("tolerance", tolerance, 0.0, math.inf)
        self.max_iterations = require_integer("max_iterations", max_iterations, 1, MOST_ITERATIONS)
        self.threads = require_integer("threads", threads, 1, MOST_THREADS)
        self.backed_up = np.zeros(self.table.num_states)
        self.q = np.full((self.table.num_states, self.table.num_actions), -np.inf)
        self.policy = np.full(self.table.num_states, -1, np.int32)
        self.bounds = Bounds(-math.inf, math.inf, math.inf, math.inf, 0.0)
        self._has_bounds = self.discount * self.table.greatest_mass < 1.0
        self._steps = math.inf
        # Where there are no bounds: a residual that is worth to count the steps for.
        self._small = self.tolerance
        self._moved_at = math.inf

    def of(
        self, values: np.ndarray, chain: SparseTable | None = None, *, are_zero: bool = False
    ) -> bool:
        """Backs up every state from the values as they are. True if the result is near enough.

        Args:
          values: float64[num_states]; not changed.
          chain: a table of `table.for_policy()`, to be filled with what the best actions do.
          are_zero: whether all values are: no outcome needs to be looked at.
        """
        discount = 0.0 if are_zero else self.discount
        change = self.table.back_up(
            discount, values, self.backed_up, self.q, self.policy, self.threads, chain
        )
        self.bounds = bounds_after(change, self.discount, self.table)
        if self._has_bounds:
            close = self.bounds.radius <= self.tolerance
        else:
            close = self._is_close_undiscounted()
        return close or self.bounds.residual <= self.bounds.rounding

    def next_values(self, spare: np.ndarray) -> np.ndarray:
        """The backed-up values; where all have changed alike, moved to the middle of their bounds.

        They are moved only where that at least halves how far they may be off since the first
        backup, or since they were moved last: else, where some actions may end and others not, they
        could be moved to and fro.

        Args:
          spare: float64[num_states], to be written by the next backup.
        """
        shift = 0.0
        is_nearer = self.bounds.radius <= 0.5 * self._moved_at
        if is_nearer and self.bounds.spread <= 0.5 * self.bounds.residual:
            shift, self._moved_at = self.bounds.middle, self.bounds.radius
        if math.isinf(self._moved_at):
            self._moved_at = self.bounds.radius
        return self._hand_over(spare, shift)

    def lower_values(self, spare: np.ndarray) -> np.ndarray:
        """The backed-up values, moved to where no value is above the best one, if that is known.

        From there on they only rise, in place as well as at once.
        """
        return self._hand_over(spare, self.bounds.low if math.isfinite(self.bounds.low) else 0.0)

    def _hand_over(self, spare: np.ndarray, shift: float) -> np.ndarray:
        values, self.backed_up = self.backed_up, spare
        if shift != 0.0:
            np.add(values, shift, out=values, where=self.policy >= 0)
        return values

    def solution(self, iterations: int) -> Solution[Any]:
        """Of the last backup."""
        acts = self.policy >= 0
        middle = self.bounds.middle
        values = np.where(acts, self.backed_up + middle, 0.0)
        self.q += middle
        bound = self.bounds.radius
        if not self._has_bounds:
            self._choose_ends()
            self._count_steps()
            bound = self.bounds.residual * self._steps if self.bounds.residual else 0.0
        return Solution(
            values=values,
            q=self.q,
            policy=self.policy.astype(np.int64),
            iterations=iterations,
            residual=self.bounds.residual,
            error_bound=bound,
            converged=bound <= self.tolerance or self.bounds.residual <= self.bounds.rounding,
            discount=self.discount,
            _index=self.problem.index,
        )

    def _is_close_undiscounted(self) -> bool:
        """By the steps that are left, which are counted anew for each residual that may do."""
        if self.bounds.residual > self._small:
            return False
        self._choose_ends()
        self._count_steps()
        if self.bounds.residual * self._steps <= self.tolerance:
            return True
        self._small = min(self.bounds.residual * 0.5, self.tolerance / self._steps)
        return False

    def _count_steps(self) -> None:
        self._steps = greatest_steps(self.table, self.policy, self.table.for_policy())

    def _choose_ends(self) -> None:
        """Of actions that tie, one by which an episode ends: others may go round for ever.

        They tie where they differ by what a backup still changes, or by rounding.
        """
        slack = 2.0 * self.bounds.residual + self.bounds.rounding
        legal = np.isfinite(self.q)
        ties = self.q >= self.q.max(axis=1, keepdims=True) - slack
        Predecessors(self.table).ending_policy(self.policy, ties[legal].astype(np.uint8))

"""Backups of all states that know when it is enough, and make a solution of the last one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mcts_service._solvers import Predecessors, SparseTable
from mcts_service.checks import require_integer, require_number
from mcts_service.errors import InvalidRequest
from mcts_service.planning.bounds import Bounds, bounds_after, greatest_steps
from mcts_service.planning.endings import Endings
from mcts_service.planning.finite import FiniteProblem
from mcts_service.planning.policy_evaluation import chain_values
from mcts_service.planning.solution import Solution

__all__ = ["Backups", "gains_for_ever"]

MOST_ITERATIONS = 2**31 - 1
MOST_THREADS = 64
# The first values are so much more exact than the answer must be.
_SHARE = 0.01
# Backups by which a look for rounds that gain goes on, for each backup so far.
_STEPS_PER_BACKUP = 16


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
      endings: how episodes end, where there are no bounds: undiscounted; else None.
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
        self.endings = None if self._has_bounds else Endings(self.table)
        self._knows_start = True
        self._looks = 0
        self._steps = math.inf
        # Where there are no bounds: a residual that is worth to count the steps for.
        self._small = self.tolerance
        self._moved_at = math.inf

    @property
    def may_gain_by_rounds(self) -> bool:
        """Whether a round may be free, or even gain: to be refused, by looks from time to time."""
        return self.endings is not None and not self.endings.has_one_fixpoint

    def first_values(self, initial_values: np.ndarray | None) -> np.ndarray:
        """Where an iteration begins: as `FiniteProblem.first_values`.

        But where the backup has several fixpoints: at what a policy that ends is worth.

        Raises:
          InvalidRequest: they are wrong, or given where there are several fixpoints.
        """
        values = self.problem.first_values(initial_values)
        if self.endings is None:
            return values
        values[self.endings.settled] = 0.0
        if self.endings.has_one_fixpoint:
            return values
        if initial_values is not None:
            raise InvalidRequest(
                "initial_values",
                "are given at discount 1, where an episode may go round at no cost, and so what is "
                "found depends on them; must be None",
            )
        chain = self.table.for_policy()
        chain.follow(self.table, self.endings.first_policy())
        values, self._knows_start = chain_values(chain, 1.0, values, _SHARE * self.tolerance)
        return values

    def of(
        self, values: np.ndarray, chain: SparseTable | None = None, *, are_zero: bool = False
    ) -> bool:
        """Backs up every state from the values as they are. True if the result is near enough.

        Args:
          values: float64[num_states]; not changed.
          chain: a table of `table.for_policy()`, to be filled with what the best actions do.
          are_zero: whether all values are: no outcome needs to be looked at.
        Raises:
          InvalidRequest: undiscounted, the best actions go round for ever and gain by it.
        """
        discount = 0.0 if are_zero else self.discount
        change = self.table.back_up(
            discount, values, self.backed_up, self.q, self.policy, self.threads, chain
        )
        self.bounds = bounds_after(change, self.discount, self.table)
        if self._has_bounds:
            close = self.bounds.radius <= self.tolerance
        else:
            self._looks += 1
            if self._looks & (self._looks - 1) == 0:
                self.refuse_gains(values, self._looks)
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
            self.refuse_gains(self.backed_up, self._looks)
            self._choose_ends()
            self._count_steps()
            bound = self._undiscounted_bound()
        return Solution(
            values=values,
            q=self.q,
            actions=self.policy.astype(np.int64),
            iterations=iterations,
            residual=self.bounds.residual,
            error_bound=bound,
            converged=bound <= self.tolerance
            or (self.bounds.residual <= self.bounds.rounding and math.isfinite(bound)),
            discount=self.discount,
            _index=self.problem.index,
        )

    def _is_close_undiscounted(self) -> bool:
        """By the steps that are left, which are counted anew for each residual that may do."""
        if self.bounds.residual > self._small:
            return False
        self._choose_ends()
        self._count_steps()
        if self._undiscounted_bound() <= self.tolerance:
            return True
        self._small = 0.5 * self.bounds.residual
        if math.isfinite(self._steps):
            self._small = min(self._small, self.tolerance / self._steps)
        return False

    def _undiscounted_bound(self) -> float:
        if math.isinf(self._steps) or not self._knows_start:
            return math.inf
        return self.bounds.residual * self._steps

    def _count_steps(self) -> None:
        self._steps = math.inf
        if self.endings is not None and self.endings.by(self.policy).all():
            self._steps = greatest_steps(self.table, self.policy, self.table.for_policy())

    def refuse_gains(self, values: np.ndarray, backups: int) -> None:
        """Looks for rounds that gain, the longer the more backups there have been.

        Raises:
          InvalidRequest: undiscounted, there is one.
        """
        if self.endings is None or self.endings.has_one_fixpoint:
            return
        state = self.endings.gaining_state(values, _STEPS_PER_BACKUP * backups)
        if state is not None:
            raise gains_for_ever(self.problem.name(state))

    def _choose_ends(self) -> None:
        """Of actions that tie, one by which an episode ends: others may go round for ever.

        They tie where they differ by what a backup still changes, or by rounding.
        """
        slack = 2.0 * self.bounds.residual + self.bounds.rounding
        legal = np.isfinite(self.q)
        ties = self.q >= self.q.max(axis=1, keepdims=True) - slack
        Predecessors(self.table).ending_policy(self.policy, ties[legal].astype(np.uint8))


def gains_for_ever(state: str) -> InvalidRequest:
    """What to raise where a round gains, undiscounted."""
    return InvalidRequest(
        "discount",
        f"is 1, and from state {state} a policy that never ends gets the more the longer it goes "
        "on; must be below 1",
    )

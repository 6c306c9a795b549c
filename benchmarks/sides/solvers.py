"""Solvers of one problem: ours, quantecon's, mdpsolver's and pymdptoolbox's.

Every one solves at the coarsest tolerance, of the powers of ten, at which its values are near
enough to the exact ones; finding that is not timed, nor is it to build what the solver takes.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import Any

import numpy as np
from models.sparse_problems import SparseProblem, finite_problem_of, problem_of
from sides.work import Work

from mcts_service.planning import modified_policy_iteration

__all__ = ["MDPSolver", "Ours", "PyMDPToolbox", "QuantEcon"]

#: Of the greatest value: how far one may be from the exact one.
ACCURACY = 1e-6
FINEST = 12


class _Solver(Work):
    def __init__(self, problem: list[Any], exact: str, **settings: Any) -> None:
        self.problem = problem_of(*problem)
        self._exact = np.load(exact)
        self._scale = float(np.abs(self._exact).max())
        self.prepare(self.problem, **settings)
        self.values = np.zeros(0)
        for digits in range(-2, FINEST):
            self.tolerance = 10.0**-digits
            self.solve(self.tolerance)
            if self._error() <= ACCURACY:
                return
        raise RuntimeError(f"at no tolerance near enough: off by {self._error():.1e} of the scale")

    def turn(self, amount: int) -> float:
        """Seconds of one solution, in the mean of `amount`."""
        begin = time.perf_counter()
        for _ in range(amount):
            self.solve(self.tolerance)
        return (time.perf_counter() - begin) / amount

    def counts(self) -> dict[str, float]:
        """How far off, and by which tolerance."""
        return {"error": self._error(), "tolerance": self.tolerance}

    def _error(self) -> float:
        return float(np.abs(self.read() - self._exact).max()) / self._scale

    @abstractmethod
    def prepare(self, problem: SparseProblem, **settings: Any) -> None: ...

    @abstractmethod
    def solve(self, tolerance: float) -> None: ...

    @abstractmethod
    def read(self) -> np.ndarray:
        """The values, float64[S]."""


class Ours(_Solver):
    """`modified_policy_iteration`, from a table that is compiled; values, action values, policy."""

    def prepare(self, problem: SparseProblem, *, threads: int = 1) -> None:
        self._model, self._threads = finite_problem_of(problem), threads

    def solve(self, tolerance: float) -> None:
        self._solution = modified_policy_iteration(
            self._model, tolerance=tolerance, threads=self._threads
        )

    def read(self) -> np.ndarray:
        return self._solution.values

    def counts(self) -> dict[str, float]:
        """Besides: what a backup of all states takes, alone, and the bytes that it touches."""
        table = self._model.table
        values, new_values = self._solution.values.copy(), np.zeros(table.num_states)
        seconds = []
        for _ in range(5):
            begin = time.perf_counter()
            table.back_up(self._model.discount, values, new_values, threads=self._threads)
            seconds.append(time.perf_counter() - begin)
        # 12 an entry; its start and reward a row; its start, old and new value a state.
        touched = 12 * table.num_entries + 12 * table.num_rows + 20 * table.num_states
        return {
            **super().counts(),
            "iterations": self._solution.iterations,
            "sweep bytes": touched,
            "sweep seconds": min(seconds),
        }


class QuantEcon(_Solver):
    """Modified policy iteration in state-action pairs, sparse."""

    def prepare(self, problem: SparseProblem) -> None:
        import quantecon
        from scipy.sparse import csr_matrix

        states, actions, outcomes = problem.shape
        rows = states * actions
        transitions = csr_matrix(
            (
                problem.probabilities.ravel(),
                problem.next_states.ravel(),
                np.arange(0, rows * outcomes + 1, outcomes),
            ),
            shape=(rows, states),
        )
        self._model = quantecon.markov.DiscreteDP(
            problem.rewards.ravel(),
            transitions,
            problem.discount,
            np.repeat(np.arange(states), actions),
            np.tile(np.arange(actions), states),
        )

    def solve(self, tolerance: float) -> None:
        self._found = self._model.solve(
            "modified_policy_iteration", epsilon=tolerance, max_iter=100_000
        )

    def read(self) -> np.ndarray:
        values: np.ndarray = self._found.v
        return values


class MDPSolver(_Solver):
    """Modified policy iteration, its default; by one thread or all.

    By itself it would begin where it ended the last time: it is given zeros to begin with.
    """

    def prepare(self, problem: SparseProblem, *, parallel: bool) -> None:
        import mdpsolver

        self._model, self._parallel = mdpsolver.model(), parallel
        self._begin = {
            "initPolicy": [0] * len(problem.rewards),
            "initValueVector": [0.0] * len(problem.rewards),
        }
        self._model.mdp(
            discount=problem.discount,
            rewards=problem.rewards.tolist(),
            tranMatProbs=problem.probabilities.tolist(),
            tranMatColumns=problem.next_states.tolist(),
        )

    def solve(self, tolerance: float) -> None:
        self._model.solve(
            algorithm="mpi", tolerance=tolerance, parallel=self._parallel, **self._begin
        )

    def read(self) -> np.ndarray:
        return np.array(self._model.getValueVector())


class PyMDPToolbox(_Solver):
    """Value iteration over sparse matrices. Its values lack what all states have in common: one
    backup adds that, not timed. Nor is its own check run, which compares all pairs of states.
    """

    def prepare(self, problem: SparseProblem) -> None:
        import mdptoolbox
        from scipy.sparse import csr_matrix

        mdptoolbox.util.check = lambda *arguments: None
        states, actions, outcomes = problem.shape
        start = np.arange(0, states * outcomes + 1, outcomes)
        self._transitions = [
            csr_matrix(
                (
                    problem.probabilities[:, a].ravel(),
                    problem.next_states[:, a].ravel(),
                    start,
                ),
                shape=(states, states),
            )
            for a in range(actions)
        ]

    def solve(self, tolerance: float) -> None:
        from mdptoolbox.mdp import ValueIteration

        # The bound that it sets to the number of iterations is an estimate by a dense formula.
        ValueIteration._boundIter = lambda solver, epsilon: None
        self._solver = ValueIteration(
            self._transitions,
            self.problem.rewards,
            self.problem.discount,
            epsilon=tolerance,
            max_iter=100_000,
        )
        self._solver.run()

    def read(self) -> np.ndarray:
        values = np.array(self._solver.V)
        change = self.problem.backed_up(values) - values
        ahead = 0.5 * (change.min() + change.max()) / (1.0 - self.problem.discount)
        moved: np.ndarray = values + ahead
        return moved

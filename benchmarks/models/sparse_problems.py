"""Sparse problems for solvers: as many outcomes for every action, one behind the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcts_service._solvers import SparseTable
from mcts_service.planning.finite import FiniteProblem

__all__ = ["SparseProblem", "finite_problem_of", "garnet", "grid", "problem_of"]


@dataclass(frozen=True)
class SparseProblem:
    """Outcomes of every state and action. An end is a state that stays where it is, for nothing.

    Attributes:
      probabilities: float64[S, A, K].
      next_states: int32[S, A, K].
      rewards: float64[S, A], expected.
      discount: per step.
    """

    probabilities: np.ndarray
    next_states: np.ndarray
    rewards: np.ndarray
    discount: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """States, actions, outcomes."""
        states, actions, outcomes = self.probabilities.shape
        return states, actions, outcomes

    def backed_up(self, values: np.ndarray) -> np.ndarray:
        """The best action's value in each state, by plain NumPy."""
        rest = np.einsum("sak,sak->sa", self.probabilities, values[self.next_states])
        best: np.ndarray = (self.rewards + self.discount * rest).max(axis=1)
        return best


def garnet(states: int, actions: int, outcomes: int, discount: float = 0.99) -> SparseProblem:
    """Outcomes anywhere, with random probabilities; rewards uniform in [0, 1).

    Source: Bhatnagar, Sutton, Ghavamzadeh and Lee (2009), section 9.
    """
    rng = np.random.default_rng(0)
    shape = (states, actions, outcomes)
    return SparseProblem(
        rng.dirichlet(np.ones(outcomes), states * actions).reshape(shape),
        rng.integers(0, states, shape, dtype=np.int32),
        rng.random((states, actions)),
        discount,
    )


def grid(side: int, discount: float = 0.99) -> SparseProblem:
    """A square of cells to leave by its last one. -1 a step, which slips one time in five."""
    row, column = np.divmod(np.arange(side * side), side)
    moves = ((-1, 0), (0, 1), (1, 0), (0, -1))
    ways = [
        np.clip(row + down, 0, side - 1) * side + np.clip(column + right, 0, side - 1)
        for down, right in moves
    ]
    next_states = np.stack(
        [np.stack([ways[a], ways[(a + 1) % 4], ways[a - 1]], axis=1) for a in range(4)], axis=1
    ).astype(np.int32)
    rewards = np.full((side * side, 4), -1.0)
    next_states[-1], rewards[-1] = side * side - 1, 0.0
    probabilities = np.broadcast_to([0.8, 0.1, 0.1], next_states.shape).copy()
    return SparseProblem(probabilities, next_states, rewards, discount)


def problem_of(kind: str, *numbers: int) -> SparseProblem:
    """By its name, as it travels to the process of a side."""
    return {"garnet": garnet, "grid": grid}[kind](*numbers)


def finite_problem_of(problem: SparseProblem) -> FiniteProblem:
    """As our solvers take it. What stays where it is for nothing is a terminal state."""
    states, actions, outcomes = problem.shape
    rows = states * actions
    stays = (problem.next_states == np.arange(states)[:, None, None]).all(axis=(1, 2))
    terminal = stays & (problem.rewards == 0.0).all(axis=1)
    table = SparseTable.of_arrays(
        states,
        actions,
        np.arange(0, rows * outcomes + 1, outcomes, dtype=np.int32),
        problem.probabilities.ravel(),
        problem.next_states.ravel(),
        np.repeat(problem.rewards.ravel(), outcomes),
        np.zeros(rows * outcomes, np.uint8),
        terminal.astype(np.uint8),
    )
    return FiniteProblem(table, problem.discount, int, str)

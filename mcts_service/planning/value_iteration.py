"""Value iteration: each value becomes that of the best action, until they stay."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.planning.backups import Backups
from mcts_service.planning.finite import finite_problem
from mcts_service.planning.solution import Solution

__all__ = ["value_iteration"]


def value_iteration(
    model: Any,
    discount: float | None = None,
    *,
    tolerance: float = 1e-8,
    max_iterations: int = 100_000,
    initial_values: np.ndarray | None = None,
    sweep: Literal["at_once", "in_place"] = "at_once",
    threads: int = 1,
) -> Solution[Any]:
    """Solves a model by backing up all of its states again and again.

    At discount 1 the values are those of the best policy that ends from every state. To go round
    for ever, or to stay for nothing where there is another action, is no choice, however bad the
    end. Where the policy that was found does not end from some state, `converged` is False and
    `error_bound` inf.

    Args:
      model: a TabularModel, a TabulatedModel, or any DistributionModel with finitely many states.
      discount: per step, from 0 to 1; None: the model's own.
      tolerance: how far a value may be from the exact one, in reward units. What rounding does not
        allow is not waited for: `converged` says so too, and `error_bound` how far it is.
      max_iterations: sweeps over all states; where they do not suffice, `converged` is False.
      initial_values: where to begin, float64[num_states]; None: 0 or, at discount 1 where a round
        may cost nothing, what a policy that ends is worth: there they cannot be given.
      sweep: `at_once` backs every state up from the values before the sweep, and is done as soon as
        all change alike; `in_place` uses what the sweep has already found, by turns from the first
        state to the last and back, and is ahead where an episode has a direction.
      threads: to back up with, at once; the answer is the same for any number.
    Raises:
      InvalidRequest: an argument is out of range; the model has no transitions; the discount is 1
        and from a state no policy ends, or one that never ends gains by it for ever.
    Source: Puterman (1994), sections 6.3 and 6.6; Sutton and Barto (2018), section 4.4.
    """
    if sweep not in ("at_once", "in_place"):
        raise InvalidRequest("sweep", f"is {shown(sweep)}; must be at_once or in_place")
    problem = finite_problem(model, discount)
    backups = Backups(problem, tolerance, max_iterations, threads)
    values = backups.first_values(initial_values)
    iteration = 0
    if sweep == "in_place":
        iteration = _in_place(backups, values)
    while not backups.of(values) and iteration + 1 < backups.max_iterations:
        iteration += 1
        values = backups.next_values(values)
    return backups.solution(iteration + 1)


def _in_place(backups: Backups, values: np.ndarray) -> int:
    """Sweeps until a sweep changes little enough; says how often."""
    kept = backups.discount * backups.table.greatest_mass
    enough = backups.tolerance * ((1.0 - kept) / kept if 0.0 < kept < 1.0 else 1.0)
    for iteration in range(backups.max_iterations - 1):
        least, greatest, largest = backups.table.sweep(
            backups.discount, values, backwards=iteration % 2 == 1
        )
        change = max(greatest, -least)
        if backups.may_gain_by_rounds and iteration & (iteration + 1) == 0:
            backups.refuse_gains(values, iteration + 1)
        if change <= max(enough, largest * np.finfo(np.float64).eps):
            return iteration + 1
    return backups.max_iterations - 1

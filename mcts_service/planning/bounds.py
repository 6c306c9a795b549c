"""How far values are from the best ones, by what a backup of all states changed.

Let v' = Tv be the backup of all states, and d = v' - v what it changed, from `least` to `greatest`.
If the episode goes on with a probability from `least_mass` to `greatest_mass`, whatever the state
and the action, then for every state

    v' + low <= v* <= v' + high,     high = greatest * x / (1 - x),  x = discount * mass,

with the greatest mass where `greatest` is positive, the least where it is negative, and the other
way round for `low`. Where no step ends anything that is MacQueen's bound, whose width shrinks with
the spread of the changes, not with their size: a few sweeps suffice where chance mixes the states,
whatever the discount. The middle of the two is the better value, off by half of their distance.
What holds of v' holds of the action values that it is the maximum of.

At discount 1 there may be no such bound. There, with the policy that is greedy for v and N the
greatest expected number of its steps to an end, no v' is farther than N * max |d| from what the
policy is worth, nor from v* where the policy is a best one. What v* is there, and where an
iteration must begin to find it, says `mcts_service.planning.endings`.

Sources: MacQueen (1966); Porteus (1971), for masses that differ; Puterman (1994), section 6.6;
Bertsekas and Tsitsiklis (1991), for discount 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mcts_service._solvers import Predecessors, SparseTable

__all__ = ["Bounds", "bounds_after", "greatest_steps"]

# Expected steps are added up until a sweep adds so few: they are then known to 1 %.
_STEPS_RESIDUAL = 0.01
_MOST_SWEEPS = 100_000


@dataclass(frozen=True)
class Bounds:
    """low <= v* - v' <= high in every state that is not terminal.

    Attributes:
      low, high: in reward units; infinite where nothing is known.
      residual: the greatest |v' - v|.
      spread: greatest - least change.
      rounding: a residual that may be rounding alone.
    """

    low: float
    high: float
    residual: float
    spread: float
    rounding: float

    @property
    def middle(self) -> float:
        """To be added to v', 0 where nothing is known."""
        return 0.5 * (self.low + self.high) if math.isfinite(self.high - self.low) else 0.0

    @property
    def radius(self) -> float:
        """How far v' + middle may be from v*."""
        return 0.5 * (self.high - self.low)


def bounds_after(change: tuple[float, float, float], discount: float, table: SparseTable) -> Bounds:
    """What a backup of all states tells.

    Args:
      change: what `SparseTable.back_up` returned.
    """
    least, greatest, largest = change
    if least > greatest:  # all states are terminal
        return Bounds(0.0, 0.0, 0.0, 0.0, 0.0)
    return Bounds(
        low=_times_rest(least, discount, table.greatest_mass, table.least_mass),
        high=_times_rest(greatest, discount, table.least_mass, table.greatest_mass),
        residual=max(abs(least), abs(greatest)),
        spread=greatest - least,
        rounding=float(np.finfo(np.float64).eps) * largest * (4.0 + table.longest_row),
    )


def _times_rest(change: float, discount: float, below: float, above: float) -> float:
    """Change * x / (1 - x): all that may follow a change, by the mass for its sign."""
    kept = discount * (above if change > 0 else below)
    if change == 0.0:
        return 0.0
    return change * kept / (1.0 - kept) if kept < 1.0 else math.copysign(math.inf, change)


def greatest_steps(table: SparseTable, policy: np.ndarray, chain: SparseTable) -> float:
    """The greatest expected number of steps to an end, over where a policy may start.

    Args:
      policy: int32[num_states].
      chain: a table of `table.for_policy()`, which is overwritten.
    Returns:
      At least that number, and at most about 1 % more; inf if the policy does not always end.
    """
    chain.follow(table, policy)
    chain.count_steps()
    nothing = np.zeros(table.num_states, np.int32)
    if not Predecessors(chain).ending_policy(nothing).all():
        return math.inf
    steps = np.zeros(table.num_states)
    for sweep in range(_MOST_SWEEPS):
        _, greatest, largest = chain.sweep(1.0, steps, backwards=sweep % 2 == 0)
        if greatest <= _STEPS_RESIDUAL:
            # Below by at most residual * steps.
            return largest / (1.0 - _STEPS_RESIDUAL)
    return math.inf

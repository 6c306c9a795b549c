"""Undiscounted problems: where an episode ends, and what can go round for ever.

At discount 1 the solvers find, of each state, what the best policy is worth among those that end
from every state (Bertsekas and Tsitsiklis call them proper). To go round for ever is no choice,
not even where a round pays nothing and every end costs: from a state that may stay for 0, or pay
+5 on the way to an end that costs 10, the value is -5.

Those values are a fixpoint of the backup, but where a round may cost nothing not the only one. So
there a solver begins at what one policy that ends is worth. That is never too high, and backups
that begin there only rise, to the best value of all policies that end, in whatever order they come.
Where every round costs, there is one fixpoint, and a solver may begin anywhere.

Where a round gains, no value is the best: the more rounds, the more. That is refused.

Sources: Bertsekas and Tsitsiklis (1991); Bertsekas and Yu (2016), "Stochastic shortest path
problems under weak conditions", for rounds that cost nothing.
"""

from __future__ import annotations

import numpy as np

from mcts_service._solvers import Predecessors, SparseTable

__all__ = ["Endings"]

# Backups by which a round is told to gain, at most; the actions of all of them fit in 64 MiB.
_MOST_STEPS = 1024
_MOST_ACTIONS = 1 << 24
# What is left of a set must soon be closed.
_MOST_TRIES = 64
# How far a row's probabilities may be from 1 by rounding.
_NEARLY = 1e-9


class Endings:
    """How the episodes of a table end, undiscounted.

    Attributes:
      settled: the states that are worth 0 whatever is done: terminal ones, and those that all
        actions stay in, paid 0. bool[num_states].
      has_one_fixpoint: whether every round costs, or there is none.
    """

    def __init__(self, table: SparseTable) -> None:
        self._table = table
        self._links = Predecessors(table)
        nowhere, no_row = self._unset(), np.zeros(table.num_rows, np.uint8)
        self.settled = self._links.ending_policy(nowhere, no_row).astype(np.bool_)
        _, stays = self._links.endless((~self.settled).astype(np.uint8))
        reward = table.rows()[3]
        self.has_one_fixpoint = not bool((reward[stays > 0] >= 0.0).any())

    def _unset(self) -> np.ndarray:
        return np.zeros(self._table.num_states, np.int32)

    def first_policy(self) -> np.ndarray:
        """One by which an episode ends from wherever it can: int32[num_states]."""
        policy = self._unset()
        self._links.ending_policy(policy)
        return policy

    def by(self, policy: np.ndarray) -> np.ndarray:
        """From where a policy ends: bool[num_states].

        To stay for 0 is an end where there is no other action, and there alone.

        Args:
          policy: a legal action of each state that is not terminal. int32[num_states].
        """
        rows = self._table.policy_rows(policy)
        return self._links.ending_policy(self._unset(), rows).astype(np.bool_)

    def gaining_state(self, values: np.ndarray, most_steps: int) -> int | None:
        """A state from which some policy surely gains by going round for ever, if one is found.

        By so many backups, and the policies that are greedy in each: they must raise the values of
        a set of states by more than rounding, and surely lead from each state of the set back into
        it. Done again and again they raise them for ever. No round that gains nothing is taken for
        one that does. One that gains may be found only by more steps, or from better values.

        Args:
          values: float64[num_states].
          most_steps: backups.
        """
        table = self._table
        steps = max(1, min(most_steps, _MOST_STEPS, _MOST_ACTIONS // table.num_states))
        old, new = values.copy(), values.copy()
        policies = np.full((steps, table.num_states), -1, np.int32)
        for policy in policies:
            table.back_up(1.0, old, new, None, policy)
            old, new = new, old
        largest = float(np.abs(old).max())
        rounding = float(np.finfo(np.float64).eps) * largest * (4.0 + table.longest_row)
        kept = old - values > rounding * steps
        for _ in range(_MOST_TRIES):
            if not kept.any():
                return None
            left = ~self._led_into(kept, policies)
            if not (kept & left).any():
                return int(kept.argmax())
            kept &= ~left
        return None

    def _led_into(self, states: np.ndarray, policies: np.ndarray) -> np.ndarray:
        """From where the policies, the last one first, surely lead into some states.

        Args:
          states: bool[num_states].
          policies: int32[steps, num_states].
        """
        state_start, row_action, row_start, _, probability, next_state = self._table.rows()
        row_state = np.repeat(np.arange(len(states)), np.diff(state_start))
        entry_row = np.repeat(np.arange(len(row_state)), np.diff(row_start))
        mass = np.bincount(entry_row, probability, len(row_state))
        ends = mass < 1.0 - _NEARLY
        for policy in policies:  # the first backup is the last step
            misses = ends.copy()
            misses[entry_row[~states[next_state]]] = True
            leads = np.zeros(len(states), np.bool_)
            leads[row_state[(row_action == policy[row_state]) & ~misses]] = True
            states = leads
        return states

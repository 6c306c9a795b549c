"""Background planning from samples: back up first where the values are most wrong."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mcts_service._sweeping import Sweeper
from mcts_service.checks import require_integer, require_number, shown
from mcts_service.errors import InvalidRequest
from mcts_service.planning.action_value_table import ActionValueTable
from mcts_service.planning.acts_on_q import ActsOnQ
from mcts_service.protocols import Experience

__all__ = ["MAX_UPDATES", "Kept", "PrioritizedSweeping", "require_kept", "require_step_size"]

#: What a learned model keeps of each action: its last outcome, or the counts of all of them.
Kept = Literal["last", "counts"]

#: Updates that a call may ask for at most.
MAX_UPDATES = 2**63 - 1


class PrioritizedSweeping(ActsOnQ[int]):
    """Learns a model of a finite world from steps, and action values from the model.

    The world is what was seen of it: the outcomes of an action with their shares ("counts"), or
    its last outcome, as if the world were deterministic ("last"). A pair of state and action that
    was tried is wrong by the distance of its value to its one-step backup,

        |sum p(s', r | s, a) (r + discount * max_a' q(s', a')) - q(s, a)|,

    over what was seen, and a queue holds those that are wrong by more than a threshold. An update
    takes the most wrong of them, moves its value towards its backup, and looks again at what leads
    to its state. Where the queue is empty, q is within threshold / (1 - discount) of the optimum
    of the world as it was seen; pairs never tried count as known, with the value they began with.

    It differs from the book in that a priority follows its error down as well as up, and that a
    pair whose own update leaves it wrong stays in the queue.

    As a model it has `num_actions` and `transitions`, of what was seen.

    Attributes:
      num_states, num_actions: states are 0 .. num_states - 1, actions 0 .. num_actions - 1.
      q: float64[num_states, num_actions], read only; -inf where an action is not legal. It
        changes with `sweep`: copy it to keep it.
      action_values: the table behind q.
      updates: how many there have been.

    Source: Moore and Atkeson (1993); Peng and Williams (1993); Sutton and Barto (2018), section
      8.4.
    """

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        *,
        discount: float = 0.99,
        step_size: float = 1.0,
        threshold: float = 1e-4,
        kept: Kept = "counts",
        initial_value: float = 0.0,
        legal: np.ndarray | None = None,
    ) -> None:
        """A planner that has seen nothing.

        Args:
          num_states, num_actions: at least 1 each, their product at most 2^31 - 2.
          discount: per step, from 0 to 1.
          step_size: the part of the way to its backup that a value goes, above 0 and at most 1.
          threshold: least error that is worth an update, in reward units, >= 0.
          kept: what the model keeps of an action.
          initial_value: of every pair, in reward units. A high one makes what was never tried
            attractive.
          legal: bool[num_states, num_actions]; None: every action is legal in every state.
        Raises:
          InvalidRequest: names the argument and what would be right.
        """
        self.action_values = ActionValueTable(num_states, num_actions, initial_value, legal)
        self.num_states, self.num_actions = (
            self.action_values.num_states,
            self.action_values.num_actions,
        )
        self._sweeper = Sweeper(
            self.action_values.table,
            counts=require_kept(kept) == "counts",
            discount=require_number("discount", discount, 0.0, 1.0),
            step_size=require_step_size(step_size),
            threshold=require_number("threshold", threshold, 0.0, np.inf),
        )
        self.q = self.action_values.view
        self.updates = 0

    def index(self, state: int) -> int:
        """The state itself; raises InvalidRequest if it is not one of the table."""
        return self.action_values.require_state("state", state)

    @property
    def num_queued(self) -> int:
        """How many pairs are more wrong than the threshold allows."""
        return self._sweeper.num_queued

    def observe(self, experience: Experience[int], times: int = 1) -> None:
        """Takes in one step. Changes no value: `sweep` does.

        Args:
          times: how often it was seen, at least 1, its reward being the mean; where the last one is
            kept, that makes no difference.
        Raises:
          InvalidRequest: a state or an action is not one of the table, the action is not legal
            in the state, the reward is not finite, or times is below 1.
        """
        step = self.action_values.require_experience(experience)
        self._sweeper.observe(*step, require_integer("times", times, 1, 2**53))

    def sweep(self, updates: int) -> int:
        """Updates the most wrong pairs, one after the other.

        Args:
          updates: how many at most, >= 0.
        Returns:
          How many there were: fewer than asked for where none is more wrong than the threshold.
        """
        done = self._sweeper.sweep(require_integer("updates", updates, 0, MAX_UPDATES))
        self.updates += done
        return done

    def error(self, state: int, action: int) -> float:
        """How far q is from its one-step backup, in reward units; 0 where nothing was seen."""
        return self._sweeper.error(*self._require_pair(state, action))

    def transitions(self, state: int, action: int) -> list[tuple[float, int, float, bool]]:
        """What was seen of an action: (probability, next_state, reward, terminated) each.

        The reward is the mean of those seen with this outcome or, where the last one is kept, the
        last.

        Raises:
          InvalidRequest: it was never tried in that state.
        """
        outcomes = self._sweeper.outcomes(*self._require_pair(state, action))
        if not outcomes:
            raise InvalidRequest("action", f"is {action}; was never tried in state {state}")
        return outcomes

    def _require_pair(self, state: int, action: int) -> tuple[int, int]:
        return (
            self.index(state),
            require_integer("action", action, 0, self.num_actions - 1),
        )


def require_kept(kept: str) -> str:
    """Raises InvalidRequest unless `kept` is "last" or "counts"."""
    if kept not in ("last", "counts"):
        raise InvalidRequest("kept", f"is {shown(kept)}; must be 'last' or 'counts'")
    return kept


def require_step_size(step_size: float) -> float:
    """Raises InvalidRequest unless it is above 0 and at most 1."""
    if require_number("step_size", step_size, 0.0, 1.0) == 0.0:
        raise InvalidRequest("step_size", "is 0; must be above 0 and at most 1")
    return float(step_size)

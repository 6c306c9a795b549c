"""Dyna-Q and Dyna-Q+: Q-learning from real steps, and from those that a learned model makes up."""

from __future__ import annotations

import numpy as np

from mcts_service._sweeping import Dyna
from mcts_service.checks import MAX_RETURN, require_integer, require_number
from mcts_service.errors import InvalidRequest
from mcts_service.learning.dyna import MAX_PLANNING_STEPS, DynaLearner
from mcts_service.planning.action_value_table import ActionValueTable
from mcts_service.planning.prioritized_sweeping import Kept, require_kept, require_step_size
from mcts_service.protocols import Experience

__all__ = ["DynaQ", "DynaQPlus"]


class DynaQ(DynaLearner):
    """Q-learning from every real step, and from steps that a learned model makes up.

    The model keeps the last outcome of each action, as the book does ("last"); or the counts of
    all outcomes, and draws from them, which stochastic worlds need ("counts"). A simulated step
    begins in a state drawn from those seen, each as likely, with an action drawn from those tried
    there.

    Source: Sutton (1990); Sutton and Barto (2018), section 8.2.
    """

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        *,
        step_size: float = 0.1,
        discount: float = 0.95,
        epsilon: float = 0.1,
        planning_steps: int = 10,
        kept: Kept = "last",
        initial_value: float = 0.0,
        legal: np.ndarray | None = None,
    ) -> None:
        """A learner that has seen nothing.

        Args:
          num_states, num_actions: at least 1 each, their product at most 2^31 - 2.
          step_size: of Q-learning, above 0 and at most 1.
          discount: per step, from 0 to 1.
          epsilon: the probability of exploring, from 0 to 1.
          planning_steps: simulated steps after each real one, >= 0.
          kept: what the model keeps of an action.
          initial_value: of every pair, in reward units.
          legal: bool[num_states, num_actions]; None: every action is legal in every state.
        Raises:
          InvalidRequest: names the argument and what would be right.
        """
        super().__init__(
            ActionValueTable(num_states, num_actions, initial_value, legal), epsilon, planning_steps
        )
        self._dyna = Dyna(
            self._values.table,
            counts=require_kept(kept) == "counts",
            discount=require_number("discount", discount, 0.0, 1.0),
            step_size=require_step_size(step_size),
            bonus=self._bonus(),
        )

    def learn(self, experience: Experience[int], rng: np.random.Generator) -> None:
        """Q-learning from one real step and then from `planning_steps` simulated ones.

        Draws one number from `rng`, as the seed of the planning's own stream; none where there are
        no planning steps.

        Raises:
          InvalidRequest: a state or an action is not one of the table, the action is not legal
            in the state, or the reward is not finite.
        """
        self._dyna.learn(*self._values.require_experience(experience))
        self.updates += 1
        if self.planning_steps:
            self.plan(self.planning_steps, rng)

    def plan(self, steps: int, rng: np.random.Generator) -> None:
        """Q-learning from simulated steps alone; none where nothing was seen yet.

        Args:
          steps: >= 0.
          rng: gives one number, as the seed of the planning's own stream.
        """
        steps = require_integer("steps", steps, 0, MAX_PLANNING_STEPS)
        seed = int(rng.integers(2**64, dtype=np.uint64))
        if self.updates:  # else nothing was seen
            self._dyna.plan(steps, seed)
            self.updates += steps

    def transitions(self, state: int, action: int) -> list[tuple[float, int, float, bool]]:
        """What the learned model says: (probability, next_state, reward, terminated) each.

        Raises:
          InvalidRequest: the action was never tried in that state.
        """
        outcomes = self._dyna.outcomes(
            self.index(state),
            require_integer("action", action, 0, self._values.num_actions - 1),
        )
        if not outcomes:
            raise InvalidRequest("action", f"is {action}; was never tried in state {state}")
        return outcomes

    def _bonus(self) -> float | None:
        """What Dyna-Q+ adds; None: nothing."""
        return None


class DynaQPlus(DynaQ):
    """Dyna-Q whose planning makes what was not tried for long attractive.

    A simulated step is rewarded with exploration_bonus * sqrt(tau) beside what the model says, tau
    being the real steps since its action was last tried in its state. In a state that was seen,
    actions never tried are considered too: the model says of one that it leads back to where it
    starts, rewarded with 0, and tau counts from the first step. What changed in the world is found
    in this way.

    Source: Sutton (1990); Sutton and Barto (2018), section 8.3.
    """

    def __init__(
        self,
        num_states: int,
        num_actions: int,
        *,
        exploration_bonus: float = 1e-3,
        step_size: float = 0.1,
        discount: float = 0.95,
        epsilon: float = 0.1,
        planning_steps: int = 10,
        kept: Kept = "last",
        initial_value: float = 0.0,
        legal: np.ndarray | None = None,
    ) -> None:
        """A learner that has seen nothing.

        Args:
          exploration_bonus: the book's kappa, in reward units, >= 0.
          num_states, num_actions, step_size, discount, epsilon, planning_steps, kept,
            initial_value, legal: as of `DynaQ`.
        Raises:
          InvalidRequest: names the argument and what would be right.
        """
        self.exploration_bonus = require_number(
            "exploration_bonus", exploration_bonus, 0.0, MAX_RETURN
        )
        super().__init__(
            num_states,
            num_actions,
            step_size=step_size,
            discount=discount,
            epsilon=epsilon,
            planning_steps=planning_steps,
            kept=kept,
            initial_value=initial_value,
            legal=legal,
        )

    def _bonus(self) -> float | None:
        return self.exploration_bonus

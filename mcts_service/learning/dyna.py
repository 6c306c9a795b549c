"""Dyna: acting, learning from what happens, and planning with what was learned, all at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mcts_service._sweeping import Dyna, epsilon_greedy
from mcts_service.checks import MAX_RETURN, require_integer, require_number
from mcts_service.errors import InvalidRequest
from mcts_service.learning.iteration import Callback
from mcts_service.learning.live import LiveRun, run
from mcts_service.planning.action_value_table import ActionValueTable
from mcts_service.planning.acts_on_q import HasQ
from mcts_service.planning.prioritized_sweeping import (
    Kept,
    PrioritizedSweeping,
    require_kept,
    require_step_size,
)
from mcts_service.protocols import Experience

__all__ = ["DynaLearner", "DynaQ", "DynaQPlus", "DynaSweeping"]

MAX_PLANNING_STEPS = 2**63 - 1


class DynaLearner(HasQ[int]):
    """Acts epsilon-greedily on a table of action values that it improves at every step.

    States are the integers 0 .. num_states - 1, actions 0 .. num_actions - 1.

    Attributes:
      q: float64[num_states, num_actions], read only; -inf where an action is not legal. It
        changes as learning goes on: copy it to keep it.
      epsilon: how likely a step is one of exploring: any legal action, each as likely.
      planning_steps: updates from the learned model after each real step.
      updates: of q, from real and from simulated steps.
    """

    def __init__(self, values: ActionValueTable, epsilon: float, planning_steps: int) -> None:
        """Raises InvalidRequest: epsilon is not from 0 to 1, or planning_steps is below 0."""
        self._values = values
        self.q = values.view
        self.epsilon = require_number("epsilon", epsilon, 0.0, 1.0)
        self.planning_steps = require_integer(
            "planning_steps", planning_steps, 0, MAX_PLANNING_STEPS
        )
        self.updates = 0

    @abstractmethod
    def learn(self, experience: Experience[int], rng: np.random.Generator) -> None:
        """Takes in one real step, and plans."""

    @abstractmethod
    def transitions(self, state: int, action: int) -> list[tuple[float, int, float, bool]]:
        """What the learned model says: (probability, next_state, reward, terminated) each."""

    def index(self, state: int) -> int:
        """The state itself; raises InvalidRequest if it is not one of the table."""
        return self._values.require_state("state", state)

    def action(self, state: int, rng: np.random.Generator) -> int:
        """An epsilon-greedy action; of equally good ones each is as likely.

        Draws two `rng.random()`: whether to explore, and which of the actions in question.

        Raises:
          InvalidRequest: the state is not one of the table, or has no legal action.
        """
        number = self._values.require_choice(state)
        return epsilon_greedy(self._values.table, number, self.epsilon, rng.random(), rng.random())

    def run(
        self,
        environment: Any,
        rng: np.random.Generator,
        *,
        episodes: int | None = None,
        steps: int | None = None,
        initial_state: int | None = None,
        max_episode_steps: int | None = None,
        on_step: Callable[[Experience[int], bool], bool | None] | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> LiveRun:
        """Acts in a live environment and learns from each step; see `learning.live.run`.

        A second call goes on with what was learned, from a new episode on.
        """
        return run(
            self,
            environment,
            rng,
            episodes=episodes,
            steps=steps,
            initial_state=initial_state,
            max_episode_steps=max_episode_steps,
            on_step=on_step,
            callbacks=callbacks,
        )


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


class DynaSweeping(DynaLearner):
    """Acts epsilon-greedily on what prioritized sweeping makes of the steps so far.

    Attributes:
      sweeping: the learned model and its queue. `planning_steps` updates at most follow each real
        step, fewer where nothing is wrong.

    Source: Sutton and Barto (2018), section 8.4.
    """

    def __init__(
        self, sweeping: PrioritizedSweeping, *, epsilon: float = 0.1, planning_steps: int = 10
    ) -> None:
        """Raises InvalidRequest: epsilon is not from 0 to 1, or planning_steps is below 0."""
        self.sweeping = sweeping
        super().__init__(sweeping.action_values, epsilon, planning_steps)

    def learn(self, experience: Experience[int], rng: np.random.Generator) -> None:
        """Takes in one real step, and sweeps. Draws nothing.

        Raises:
          InvalidRequest: as `PrioritizedSweeping.observe`.
        """
        self.sweeping.observe(experience)
        self.updates += self.sweeping.sweep(self.planning_steps)

    def transitions(self, state: int, action: int) -> list[tuple[float, int, float, bool]]:
        """As `PrioritizedSweeping.transitions`."""
        return self.sweeping.transitions(state, action)

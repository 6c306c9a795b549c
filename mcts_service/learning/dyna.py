"""Dyna: acting, learning from what happens, and planning with what was learned, all at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mcts_service._sweeping import epsilon_greedy
from mcts_service.checks import require_integer, require_number
from mcts_service.learning.iteration import Callback
from mcts_service.learning.live import LiveRun, run
from mcts_service.planning.action_value_table import ActionValueTable
from mcts_service.planning.acts_on_q import HasQ
from mcts_service.protocols import Experience

__all__ = ["MAX_PLANNING_STEPS", "DynaLearner"]

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

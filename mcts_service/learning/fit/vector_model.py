"""What learned models of continuous states have in common: they step rows of vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from mcts_service.checks import require_number, shown
from mcts_service.errors import InvalidRequest
from mcts_service.learning.data.steps import Steps, steps_of
from mcts_service.models import ActionSpec, StateSpec
from mcts_service.models.arrays import state_array
from mcts_service.protocols import Trajectory

__all__ = ["Origin", "RewardFunction", "TerminalFunction", "VectorModel"]

#: (states [N, D], actions [N], next_states [N, D]) -> rewards float64[N].
RewardFunction: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
#: next_states [N, D] -> bool[N].
TerminalFunction: TypeAlias = Callable[[np.ndarray], np.ndarray]

#: First states that a model keeps.
_MOST_INITIAL = 1024
#: How far beyond what was seen a state may go, in widths of that.
_MARGIN = 2.0


@dataclass(frozen=True)
class Origin:
    """What a model must know of the data that it was fitted to.

    Attributes:
      initial_states: where trajectories began, float64[E, D].
      low, high: bounds that next states are kept within, float64[D]: the range that was seen and
        twice its width on both sides. Beyond, a model says nothing, and may grow without end.
      taken: how often each action was taken, int64[num_actions].
    """

    initial_states: np.ndarray
    low: np.ndarray
    high: np.ndarray
    taken: np.ndarray

    @classmethod
    def of(cls, steps: Steps, num_actions: int) -> Origin:
        """What the steps say."""
        both = np.concatenate([steps.states, steps.next_states])
        low, high = both.min(axis=0), both.max(axis=0)
        margin = _MARGIN * (high - low)
        return cls(
            steps.states[steps.first][:_MOST_INITIAL],
            low - margin,
            high + margin,
            np.bincount(steps.actions, minlength=num_actions),
        )


class VectorModel(ABC):
    """A sample model of vectors, learned: one row a question, or one at a time.

    A row draws from its own stream, and its answer does not depend on the others: not in a bit.

    Attributes:
      level: "sample".
      num_actions: actions are the integers 0 .. num_actions - 1.
      discount: per step.
      origin: what is known of the data.
      never_ended: True if no end was learned: no step of the data ended an episode.
      continuing: True if, besides, no function says where episodes end.
      state_spec, action_spec: the form of states, float64[D], and of actions.
      description: the model in a line.
    """

    level: Literal["sample"] = "sample"

    def __init__(
        self,
        origin: Origin,
        *,
        discount: float,
        never_ended: bool,
        description: str,
        reward: RewardFunction | None,
        terminal: TerminalFunction | None,
    ) -> None:
        """What all such models are made of.

        Args:
          reward, terminal: in place of what was learned.
        """
        self.origin = origin
        self.num_actions = len(origin.taken)
        self.discount = require_number("discount", discount, 0, 1)
        self.never_ended = never_ended
        self.continuing = never_ended and terminal is None
        self.description = description
        self.reward = reward
        self.terminal = terminal
        size = origin.initial_states.shape[1]
        self.state_spec = StateSpec("tensor", np.dtype(np.float64), (size,))
        self.action_spec = ActionSpec("discrete", self.num_actions)

    @property
    def num_dimensions(self) -> int:
        """D, of a state."""
        return int(self.origin.initial_states.shape[1])

    @abstractmethod
    def _drawn(
        self, states: np.ndarray, actions: np.ndarray, rng: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draws one change a row.

        Returns:
          (next states [N, D] `within` the bounds, rewards [N], probabilities of an end [N]); what
          follows from the next state follows from it as it is given.
        """

    @abstractmethod
    def _log_density(self, steps: Steps, components: np.ndarray) -> np.ndarray:
        """Of those components, int64[K], of the next state of each step: float64[N]."""

    @abstractmethod
    def _expected(self, steps: Steps) -> tuple[np.ndarray, np.ndarray]:
        """(rewards, probabilities of an end) as they were learned, given the next states."""

    def within(self, states: np.ndarray) -> np.ndarray:
        """States kept within the bounds of `origin`: float64[N, D]."""
        kept: np.ndarray = np.clip(states, self.origin.low, self.origin.high)
        return kept

    def sample_batch(
        self, states: np.ndarray, actions: np.ndarray, rng: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draws one transition a row.

        Args:
          states: float64[N, D].
          actions: int64[N].
          rng: whose answers have N rows.
        Returns:
          (next_states float64[N, D], rewards float64[N], terminated bool[N]).
        """
        states = np.ascontiguousarray(states, np.float64)
        actions = np.asarray(actions, np.int64)
        next_states, rewards, ends = self._drawn(states, actions, rng)
        if self.reward is not None:
            rewards = np.asarray(self.reward(states, actions, next_states), np.float64)
        if self.terminal is not None:
            terminated = np.asarray(self.terminal(next_states), np.bool_)
        elif self.continuing:
            terminated = np.zeros(len(states), np.bool_)
        else:
            terminated = rng.random((len(states),)) < ends
        return next_states, rewards, terminated

    def sample(
        self, state: np.ndarray, action: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, float, bool]:
        """Draws one transition: (next_state float64[D], reward, terminated)."""
        rows = self.sample_batch(np.asarray(state)[np.newaxis], np.array([action]), rng)
        next_states, rewards, terminated = rows
        return next_states[0], float(rewards[0]), bool(terminated[0])

    def initial_state(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """A state in which a trajectory of the data began: drawn, or without `rng` the first."""
        states = self.origin.initial_states
        row = 0 if rng is None else int(rng.integers(len(states)))
        return np.array(states[row])

    def validate_state(self, state: Any) -> None:
        """Raises InvalidRequest: it is no finite vector of the right length."""
        right = f"must be float64[{self.num_dimensions}]"
        array = state_array(state, (self.num_dimensions,), right)
        if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise InvalidRequest("state", f"is {shown(state)}; {right}, finite")

    def plan_warnings(self, state: Any, depth: int) -> Sequence[str]:
        """What a plan must tell: actions that the data never show."""
        never = np.flatnonzero(self.origin.taken == 0).tolist()
        if not never:
            return ()
        return (
            f"actions {never} were never seen in the data; they are taken to do what all others "
            "do on average",
        )

    def log_likelihood(
        self, trajectories: Iterable[Trajectory[Any]], components: np.ndarray | None = None
    ) -> np.ndarray:
        """As of `LearnedModel`: logarithms of densities, in units of the states.

        What a function says of the end is not judged.

        Args:
          components: of the states that are judged, int64[K], ascending; None: all.
        """
        steps = self.steps_of(trajectories)
        if components is None:
            components = np.arange(self.num_dimensions)
        density = self._log_density(steps, components)
        if self.terminal is not None:
            return density
        _, ends = self._expected(steps)
        with np.errstate(divide="ignore"):
            return density + np.log(np.where(steps.terminated, ends, 1.0 - ends))

    def predictions(self, trajectories: Iterable[Trajectory[Any]]) -> tuple[np.ndarray, np.ndarray]:
        """As of `LearnedModel`."""
        steps = self.steps_of(trajectories)
        rewards, ends = self._expected(steps)
        if self.reward is not None:
            rewards = np.asarray(
                self.reward(steps.states, steps.actions, steps.next_states), np.float64
            )
        if self.terminal is not None:
            ends = np.asarray(self.terminal(steps.next_states), np.float64)
        return rewards, ends

    def steps_of(self, trajectories: Iterable[Trajectory[Any]]) -> Steps:
        """The steps of trajectories, checked to be of this model's states and actions."""
        steps = steps_of(trajectories, self.num_actions)
        if steps.states.shape[1] != self.num_dimensions:
            raise InvalidRequest(
                "trajectories",
                f"have states of {steps.states.shape[1]} numbers; must have {self.num_dimensions}",
            )
        return steps

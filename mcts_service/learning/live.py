"""Acting in a live environment and learning from each step of it, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models.environment import numbered_actions
from mcts_service.models.levels import is_environment
from mcts_service.protocols import Experience

__all__ = ["LiveEnvironment", "LiveLearner", "LiveRun", "StepFunction", "live_environment", "run"]

#: (state, action, rng) -> (next_state, reward, terminated), as `SampleModel.sample`.
StepFunction = Callable[[Any, int, np.random.Generator], tuple[Any, float, bool]]

MAX_STEPS = 2**63 - 1


class LiveLearner(Protocol):
    """What acts and learns from every step."""

    def action(self, state: int, rng: np.random.Generator) -> int:
        """The action to take next."""
        ...

    def learn(self, experience: Experience[int], rng: np.random.Generator) -> None:
        """Takes in one step."""
        ...


class LiveEnvironment(Protocol):
    """What is acted in. It cannot be taken back, nor asked what would have been."""

    def reset(self, rng: np.random.Generator) -> Any:
        """Begins an episode, and gives its first state."""
        ...

    def step(
        self, state: Any, action: int, rng: np.random.Generator
    ) -> tuple[Any, float, bool, bool]:
        """(next_state, reward, terminated, truncated)."""
        ...


@dataclass(frozen=True)
class LiveRun:
    """What happened, step by step.

    Attributes:
      rewards: of each step, in reward units. float64[T].
      episode_ends: after how many of the T steps each episode ended that did. int64[E].
      last_state: where the run stopped; None where an episode had just ended.
    """

    rewards: np.ndarray
    episode_ends: np.ndarray
    last_state: Any

    @property
    def cumulative_reward(self) -> np.ndarray:
        """Up to and with each step: float64[T]."""
        total: np.ndarray = np.cumsum(self.rewards)
        return total

    @property
    def steps_per_episode(self) -> np.ndarray:
        """Of each episode that ended: int64[E]."""
        return np.diff(self.episode_ends, prepend=0)


def run(
    learner: LiveLearner,
    environment: Any,
    rng: np.random.Generator,
    *,
    episodes: int | None = None,
    steps: int | None = None,
    initial_state: Any = None,
    max_episode_steps: int | None = None,
    on_step: Callable[[Experience[int], bool], bool | None] | None = None,
) -> LiveRun:
    """Acts and learns until there were that many episodes or steps, whichever comes first.

    Args:
      learner: chooses the actions, and learns from each step before the next.
      environment: a sample model, a step function, or a Gymnasium environment: see
        `live_environment`.
      rng: the only source of randomness.
      episodes, steps: at least 1 each; at least one of them is given.
      initial_state: where every episode begins; default what the environment says. It must be
        given for a step function and cannot be for a Gymnasium environment.
      max_episode_steps: an episode is cut there, which does not make its last state terminal;
        default the `horizon` of a sample model that has one.
      on_step: called after each step was learned from with (experience, ended); the run stops
        where it returns True.
    Raises:
      InvalidRequest: names the argument and what would be right.
      TerminalState: an episode begins in a terminal state of a sample model.
    """
    if episodes is None and steps is None:
        raise InvalidRequest("episodes", "is not given, nor are steps; one of them must be")
    most_episodes = require_integer(
        "episodes", MAX_STEPS if episodes is None else episodes, 1, MAX_STEPS
    )
    most_steps = require_integer("steps", MAX_STEPS if steps is None else steps, 1, MAX_STEPS)
    live = live_environment(environment, initial_state, max_episode_steps)
    rewards: list[float] = []
    episode_ends: list[int] = []
    last_state = None
    for experience, ended in _steps(learner, live, rng):
        rewards.append(experience.reward)
        if ended:
            episode_ends.append(len(rewards))
        last_state = None if ended else experience.next_state
        stopped = on_step is not None and on_step(experience, ended)
        if stopped or len(rewards) == most_steps or len(episode_ends) == most_episodes:
            break
    return LiveRun(np.array(rewards), np.array(episode_ends, dtype=np.int64), last_state)


def _steps(
    learner: LiveLearner, environment: LiveEnvironment, rng: np.random.Generator
) -> Iterator[tuple[Experience[int], bool]]:
    """Each step that was acted and learned from, and whether its episode ended; without end."""
    while True:
        state, ended = environment.reset(rng), False
        while not ended:
            action = learner.action(state, rng)
            following, reward, terminated, truncated = environment.step(state, action, rng)
            experience = Experience(state, action, float(reward), following, bool(terminated))
            learner.learn(experience, rng)
            ended = bool(terminated or truncated)
            yield experience, ended
            state = following


def live_environment(
    environment: Any, initial_state: Any = None, max_episode_steps: int | None = None
) -> LiveEnvironment:
    """Anything that can be stepped, as a live environment.

    Args:
      environment: has `reset` and `step` as Gymnasium's, its actions being numbered from 0
        whatever its space starts at; or is a sample model, whose episodes end where it
        `is_terminal` too; or is a function
        (state, action, rng) -> (next_state, reward, terminated), which may keep a clock of its
        own, so that the world changes with time.
      initial_state, max_episode_steps: as in `run`.
    Raises:
      InvalidRequest: it is none of these, or has no initial state.
    """
    if is_environment(environment):
        if initial_state is not None:
            raise InvalidRequest(
                "initial_state", "is given; a Gymnasium environment begins where it will"
            )
        live: LiveEnvironment = _Gymnasium(environment)
    else:
        live = _Stepped(environment, initial_state)
        if max_episode_steps is None:
            max_episode_steps = getattr(environment, "horizon", None)
    if max_episode_steps is None:
        return live
    return _Cut(live, require_integer("max_episode_steps", max_episode_steps, 1, MAX_STEPS))


class _Gymnasium:
    """An environment with Gymnasium's two methods. Every episode is seeded from the rng."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._num_actions, self._first_action = numbered_actions(environment)

    def reset(self, rng: np.random.Generator) -> Any:
        state, _ = self._environment.reset(seed=int(rng.integers(2**31)))
        return state

    def step(
        self, state: Any, action: int, rng: np.random.Generator
    ) -> tuple[Any, float, bool, bool]:
        if self._num_actions is not None:
            action += self._first_action
        following, reward, terminated, truncated, _ = self._environment.step(action)
        return following, reward, terminated, truncated


class _Stepped:
    """A sample model, or a step function, from an initial state on."""

    def __init__(self, environment: Any, initial_state: Any) -> None:
        sample = getattr(environment, "sample", environment)
        if not callable(sample):
            raise InvalidRequest(
                "environment",
                f"is {shown(environment)}; must be a sample model, a function of (state, action, "
                "rng), or a Gymnasium environment",
            )
        self._draw_initial = getattr(environment, "initial_state", None)
        if initial_state is None and self._draw_initial is None:
            raise InvalidRequest("initial_state", "is not given; the environment has none")
        self._initial_state = initial_state
        self._is_terminal = getattr(environment, "is_terminal", None)
        self._sample: StepFunction = sample

    def reset(self, rng: np.random.Generator) -> Any:
        if self._draw_initial is None or self._initial_state is not None:
            state = self._initial_state
        else:
            state = self._draw_initial(rng)
        if self._ends_in(state):
            raise TerminalState(f"the initial state {shown(state)} is terminal: no step to take")
        return state

    def step(
        self, state: Any, action: int, rng: np.random.Generator
    ) -> tuple[Any, float, bool, bool]:
        following, reward, terminated = self._sample(state, action, rng)
        return following, reward, terminated or self._ends_in(following), False

    def _ends_in(self, state: Any) -> bool:
        return self._is_terminal is not None and bool(self._is_terminal(state))


class _Cut:
    """An environment whose episodes are cut after some steps."""

    def __init__(self, environment: LiveEnvironment, most_steps: int) -> None:
        self._environment = environment
        self._most_steps = most_steps
        self._steps = 0

    def reset(self, rng: np.random.Generator) -> Any:
        self._steps = 0
        return self._environment.reset(rng)

    def step(
        self, state: Any, action: int, rng: np.random.Generator
    ) -> tuple[Any, float, bool, bool]:
        following, reward, terminated, truncated = self._environment.step(state, action, rng)
        self._steps += 1
        return following, reward, terminated, truncated or self._steps >= self._most_steps

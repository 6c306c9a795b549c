"""Acting in a live environment and learning from each step of it, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from mcts_service.checks import require_integer
from mcts_service.errors import InvalidRequest
from mcts_service.learning.iteration import Callback, Iteration, telling
from mcts_service.learning.live_environment import MAX_STEPS, LiveEnvironment, live_environment
from mcts_service.protocols import Experience, Trajectory

__all__ = ["LiveLearner", "LiveRun", "run"]


class LiveLearner(Protocol):
    """What acts and learns from every step."""

    def action(self, state: int, rng: np.random.Generator) -> int:
        """The action to take next."""
        ...

    def learn(self, experience: Experience[int], rng: np.random.Generator) -> None:
        """Takes in one step."""
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
    callbacks: Sequence[Callback] = (),
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
      callbacks: are told of each episode that ended, in their order. Such a run cannot go on from
        a checkpoint: that has the values, but not what the learner's model knows.
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
    last_state, episode = None, _Episode()
    with telling(callbacks) as tell:
        for experience, ended in _steps(learner, live, rng):
            rewards.append(experience.reward)
            stopped = on_step is not None and bool(on_step(experience, ended))
            last_state = None if ended else experience.next_state
            if callbacks:
                episode.add(experience)
            if ended:
                episode_ends.append(len(rewards))
            if ended and callbacks:
                number = len(episode_ends)
                stopped |= tell(episode.iteration(learner, number, episodes, len(rewards), rng))
                episode = _Episode()
            if stopped or len(rewards) == most_steps or len(episode_ends) == most_episodes:
                break
    return LiveRun(np.array(rewards), np.array(episode_ends, dtype=np.int64), last_state)


class _Episode:
    """The steps of one that is being played."""

    def __init__(self) -> None:
        self._steps: list[Experience[int]] = []

    def add(self, experience: Experience[int]) -> None:
        """Takes in the next step."""
        self._steps.append(experience)

    def iteration(
        self,
        learner: Any,
        number: int,
        episodes: int | None,
        steps: int,
        rng: np.random.Generator,
    ) -> Iteration:
        """What callbacks are told of it, now that it has ended."""
        rewards = [step.reward for step in self._steps]
        trajectory = Trajectory(
            [self._steps[0].state, *(step.next_state for step in self._steps)],
            [step.action for step in self._steps],
            rewards,
            self._steps[-1].terminated,
        )
        metrics = {
            "return": float(sum(rewards)),
            "length": len(rewards),
            "terminated": trajectory.terminated,
            "steps": steps,
        }
        q = getattr(learner, "q", None)
        learned = None if q is None else q.copy()
        return Iteration(number, episodes, steps, trajectory, learner, learned, rng, metrics)


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

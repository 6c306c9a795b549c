"""Anything that can be stepped, as what is acted in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models.environment import numbered_actions
from mcts_service.models.levels import is_environment

__all__ = ["MAX_STEPS", "LiveEnvironment", "StepFunction", "live_environment"]

#: (state, action, rng) -> (next_state, reward, terminated), as `SampleModel.sample`.
StepFunction = Callable[[Any, int, np.random.Generator], tuple[Any, float, bool]]

MAX_STEPS = 2**63 - 1


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

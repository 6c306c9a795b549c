"""Gymnasium's classic control problems as models, by setting their state."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.classic_control import AcrobotEnv, CartPoleEnv, MountainCarEnv

from mcts_service.errors import InvalidRequest
from mcts_service.models.spec import ActionSpec, StateSpec

__all__ = ["ClassicControlModel"]


@dataclass(frozen=True)
class _Problem:
    """What Gymnasium keeps in `env.state`, and where an episode ends."""

    variables: str
    is_terminal: Callable[[Any, np.ndarray], bool]


def _pole_fell(env: Any, state: np.ndarray) -> bool:
    return bool(abs(state[0]) > env.x_threshold or abs(state[2]) > env.theta_threshold_radians)


def _car_arrived(env: Any, state: np.ndarray) -> bool:
    return bool(state[0] >= env.goal_position and state[1] >= env.goal_velocity)


def _tip_is_up(env: Any, state: np.ndarray) -> bool:
    return bool(-math.cos(state[0]) - math.cos(state[1] + state[0]) > 1.0)


_PROBLEMS = {
    CartPoleEnv: _Problem("x, x_dot, theta, theta_dot", _pole_fell),
    MountainCarEnv: _Problem("position, velocity", _car_arrived),
    AcrobotEnv: _Problem("theta1, theta2, theta1_dot, theta2_dot", _tip_is_up),
}


class ClassicControlModel:
    """CartPole, MountainCar or Acrobot as Gymnasium steps it.

    A state is the environment's own `state`, float64[4] or float64[2], and not the
    observation, which rounds it. A step runs in a copy of the environment as it was when the
    model was built; a changed constant, such as `env.unwrapped.gravity`, counts if it was
    changed before. Any number of threads may use one model.

    Attributes:
      num_actions, first_action: action a of the model is a + first_action of Gymnasium.
      discount: per step.
      horizon: steps in an episode, or None.
      deterministic: False only for an Acrobot with torque noise.
    """

    def __init__(self, env: Any, *, discount: float, horizon: int | None):
        """A model of an unwrapped environment with Discrete actions; see `supports`."""
        self._problem = _PROBLEMS[type(env)]
        self._env = copy.copy(env)
        self._env.render_mode = None
        # A pole that fell in the environment that was given has not fallen in the model.
        self._env.steps_beyond_terminated = None
        self.num_actions = int(self._env.action_space.n)
        self.first_action = int(self._env.action_space.start)
        self.discount = discount
        self.horizon = horizon
        self.deterministic = getattr(env, "torque_noise_max", 0.0) <= 0.0
        self._shape = (len(self._problem.variables.split(", ")),)
        self.state_spec = StateSpec(
            "tensor", np.dtype(np.float64), self._shape, description=self._problem.variables
        )
        self.action_spec = ActionSpec("discrete", self.num_actions, "as Gymnasium numbers them")
        self.description = f"Gymnasium's {type(env).__name__}"

    @staticmethod
    def supports(env: gymnasium.Env[Any, Any]) -> bool:
        """True for the environments themselves; a subclass may keep more than `state`."""
        return type(env) in _PROBLEMS

    def sample(
        self, state: np.ndarray, action: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, float, bool]:
        """(next_state, reward, terminated) of one step of the environment."""
        env = self._private_environment(rng)
        env.state = np.array(state, dtype=np.float64)
        _, reward, terminated, _, _ = env.step(int(action) + self.first_action)
        return np.array(env.state, dtype=np.float64), float(reward), bool(terminated)

    def initial_state(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """A state as `reset` draws it: with `rng`, or always the same without it."""
        env = self._private_environment(np.random.default_rng(0) if rng is None else rng)
        env.reset()
        return np.array(env.state, dtype=np.float64)

    def is_terminal(self, state: np.ndarray) -> bool:
        """True where Gymnasium says `terminated` on arrival."""
        return self._problem.is_terminal(self._env, state)

    def validate_state(self, state: Any) -> None:
        """Accepts an array of this problem's shape, all finite.

        Raises:
          InvalidRequest: saying what is wrong.
        """
        try:
            values = np.asarray(state, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.empty(0)
        wanted = f"must be float64{list(self._shape)}: {self._problem.variables}"
        if values.shape != self._shape:
            raise InvalidRequest("state", f"is {state!r}; {wanted}")
        if not np.isfinite(values).all():
            raise InvalidRequest("state", f"is {values.tolist()}; {wanted}, all finite")

    def state_of(self, env: gymnasium.Env[Any, Any]) -> np.ndarray:
        """The state that a live environment is in.

        Raises:
          InvalidRequest: another kind of environment, or one that was never reset.
        """
        live: Any = env.unwrapped
        if type(live) is not type(self._env):
            raise InvalidRequest(
                "env", f"is a {type(live).__name__}; must be a {type(self._env).__name__}"
            )
        if getattr(live, "state", None) is None:
            raise InvalidRequest("env", "has no state yet; call env.reset() first")
        return np.array(live.state, dtype=np.float64)

    def _private_environment(self, rng: np.random.Generator) -> Any:
        """A copy to step once."""
        # A shallow one will do: a step rebinds `state` and changes nothing in place.
        env = copy.copy(self._env)
        env.np_random = rng
        return env

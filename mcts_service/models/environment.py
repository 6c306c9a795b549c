"""A live Gymnasium environment as a trajectory model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models.levels import is_environment
from mcts_service.models.unrolled import MAX_STEPS
from mcts_service.protocols import Policy, Trajectory

if TYPE_CHECKING:
    import gymnasium

__all__ = ["EnvironmentModel", "numbered_actions"]


class EnvironmentModel:
    """policy -> trajectory, by playing an environment as it is, wrappers and all.

    A state is what the environment shows: an int where observations are Discrete, else an
    observation of its own. It is all that a trajectory model knows; to plan from a state, or to
    ask what else might have happened, takes `from_gymnasium(env)` or a model learned from what
    was seen.

    Every episode is seeded from the generator that it is given, so that the same generator and
    policy give the same trajectory, whatever was played before.

    Attributes:
      env: the environment. Whoever made it closes it.
      num_actions: None where the actions are not Discrete: they are then passed on as they are.
      first_action: action a of a policy is a + first_action of Gymnasium.
      max_steps: of one episode.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any] | str,
        *,
        max_steps: int | None = None,
        **make_arguments: Any,
    ):
        """Plays an environment.

        Args:
          env: an environment, or the id of one.
          max_steps: after which an episode is cut; default: where the environment says
            `truncated`.
          make_arguments: with an id: of `gymnasium.make`.
        Raises:
          InvalidRequest: it is no environment, cannot be made, or Gymnasium is not installed.
        """
        self.env = _made(env, make_arguments)
        self.max_steps = require_integer(
            "max_steps", MAX_STEPS if max_steps is None else max_steps, 1, MAX_STEPS
        )
        self.num_actions, self.first_action = numbered_actions(self.env)

    def trajectory(self, policy: Policy[Any], rng: np.random.Generator) -> Trajectory[Any]:
        """One episode of a policy.

        Args:
          policy: asked once a step for an action of 0 .. num_actions - 1.
          rng: seeds the environment with its first number, and is handed to the policy.
        Returns:
          One that is terminated only where the environment says so; where it is `truncated`
          alone, or cut after max_steps, it is not.
        Raises:
          InvalidRequest: the policy takes an action that there is not.
          ModelFault: the environment shows an observation or a reward that is not finite.
        """
        observation, _ = self.env.reset(seed=int(rng.integers(2**31)))
        states, actions, rewards = [_kept(observation)], list[Any](), list[float]()
        terminated = truncated = False
        while not (terminated or truncated) and len(actions) < self.max_steps:
            action = self._checked(policy.action(states[-1], rng), states[-1])
            observation, reward, terminated, truncated, _ = self.env.step(self._numbered(action))
            if not np.isfinite(reward):
                raise ModelFault(f"step({shown(action)}) gives the reward {shown(reward)}")
            states.append(_kept(observation))
            actions.append(action)
            rewards.append(float(reward))
        return Trajectory(states, actions, rewards, bool(terminated))

    def _checked(self, action: Any, state: Any) -> Any:
        if self.num_actions is None:
            return action
        if isinstance(action, np.integer):
            action = int(action)
        if type(action) is not int or not 0 <= action < self.num_actions:
            raise InvalidRequest(
                "policy",
                f"takes the action {shown(action)} in state {shown(state)}; must take an integer "
                f"from 0 to {self.num_actions - 1}",
            )
        return action

    def _numbered(self, action: Any) -> Any:
        return action if self.num_actions is None else action + self.first_action


def numbered_actions(env: Any) -> tuple[int | None, int]:
    """(num_actions, first_action) as of `EnvironmentModel`; (None, 0) where not Discrete."""
    space = getattr(env, "action_space", None)
    count = getattr(space, "n", None)
    if count is None or np.ndim(count) != 0:  # MultiBinary has an n of another kind
        return None, 0
    return int(count), int(getattr(space, "start", 0))


def _made(env: Any, make_arguments: Mapping[str, Any]) -> Any:
    if not isinstance(env, str) and is_environment(env) and not make_arguments:
        return env
    # The rest is Gymnasium's: ids, and what to say of anything else.
    from mcts_service.models.gymnasium import made_environment

    return made_environment(env, make_arguments)


def _kept(observation: Any) -> Any:
    """An observation as a state: of its own, because environments write into theirs again.

    Raises:
      ModelFault: a number in it is not finite.
    """
    if isinstance(observation, (int, np.integer)):
        return int(observation)
    if isinstance(observation, dict):
        return {name: _kept(part) for name, part in observation.items()}
    if isinstance(observation, tuple):
        return tuple(_kept(part) for part in observation)
    if not isinstance(observation, np.ndarray):
        return observation
    if observation.dtype.kind == "f" and not np.isfinite(observation).all():
        raise ModelFault(f"the environment shows {shown(observation)}; must be finite")
    return observation.copy()

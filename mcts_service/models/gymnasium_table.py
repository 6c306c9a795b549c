"""Toy-text environments as native tables, by their own `P`."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium
import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.models.tabular import TabularModel

__all__ = ["EnvironmentTable"]

# How long a table is tried against its environment.
_EPISODES = 5
_STEPS_PER_EPISODE = 100


class EnvironmentTable(TabularModel):
    """An environment's table.

    Attributes:
      first_action: action a of the model is a + first_action of Gymnasium.
      horizon: steps in an episode, or None.
    """

    first_action: int
    horizon: int | None

    @classmethod
    def of(cls, env: Any, *, discount: float, horizon: int | None) -> EnvironmentTable:
        """The table of an unwrapped environment; see `supports`.

        Raises:
          InvalidRequest: `P` does not give every action of every state a distribution.
        """
        model = cls.from_transitions(
            _transitions(env),
            discount=discount,
            initial=np.asarray(env.initial_state_distrib, dtype=np.float64),
            description=f"Gymnasium's {type(env).__name__}, by its own table",
            state_description="as Gymnasium numbers them",
            action_description="as Gymnasium numbers them",
        )
        model.first_action = int(env.action_space.start)
        model.horizon = horizon
        return model

    @staticmethod
    def supports(env: Any) -> bool:
        """True where `P` tells the whole environment."""
        if not all(hasattr(env, name) for name in ("P", "initial_state_distrib")):
            return False
        space = env.observation_space
        if not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0:
            return False
        # A fickle passenger (Taxi) changes the destination behind the table's back.
        if getattr(env, "fickle_passenger", False):
            return False
        return type(env).__module__.startswith("gymnasium.") or _follows_table(env)

    def state_of(self, env: gymnasium.Env[Any, Any]) -> int:
        """The state that a live environment is in.

        Raises:
          InvalidRequest: the environment keeps no table's state, or was never reset.
        """
        state = getattr(env.unwrapped, "s", None)
        if state is None:
            raise InvalidRequest(
                "env", f"{type(env.unwrapped).__name__} has no state `s`; call env.reset() first"
            )
        return int(state)


def _follows_table(env: Any) -> bool:
    """Plays random episodes in a copy: is each step one of the table's outcomes?"""
    try:
        env = copy.deepcopy(env)
    except Exception:  # whatever a part of the environment raises; copying it will tell
        return False
    rng = np.random.default_rng(0)
    for seed in range(_EPISODES):
        state, _ = env.reset(seed=seed)
        for _ in range(_STEPS_PER_EPISODE):
            action = int(env.action_space.start + rng.integers(env.action_space.n))
            outcomes = {tuple(outcome[1:]) for outcome in env.P[state][action] if outcome[0] > 0}
            state, reward, terminated, truncated, _ = env.step(action)
            if truncated or (state, reward, terminated) not in outcomes:
                return False
            if terminated:
                break
    return True


def _transitions(env: Any) -> list[list[list[tuple[float, int, float, bool]]]]:
    """`P` in plain Python numbers, where Gymnasium mixes in NumPy's."""
    first = int(env.action_space.start)
    return [
        [
            [
                (float(probability), int(next_state), float(reward), bool(terminated))
                for probability, next_state, reward, terminated in env.P[state][action]
            ]
            for action in range(first, first + int(env.action_space.n))
        ]
        for state in range(int(env.observation_space.n))
    ]

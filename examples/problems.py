"""What the agent plays: Gymnasium's environments and connect four, with what is known of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from connect_four_against_random import ConnectFourAgainstRandom

__all__ = ["PROBLEMS", "Problem"]


@dataclass(frozen=True)
class Problem:
    """An environment to play and the server's model to plan it with.

    Attributes:
      title: as the table shows it.
      model: the server's name of the model.
      make_environment: takes the step limit and gives the environment.
      state_of: observation -> the model's state.
      steps: an episode is cut after so many.
      simulations: of one plan.
      best: mean return of the best play possible, in reward units.
      random: mean return of uniformly random play.
    """

    title: str
    model: str
    make_environment: Callable[[int], gym.Env[Any, Any]]
    state_of: Callable[[Any], Any]
    steps: int
    simulations: int
    best: float
    random: float


def _gymnasium(name: str) -> Callable[[int], gym.Env[Any, Any]]:
    """The newest version that is installed: releases of Gymnasium number them differently."""
    version = gym.envs.registration.find_highest_version(None, name)
    return lambda steps: gym.make(f"{name}-v{version}", max_episode_steps=steps)


#: Toy text: best and random are exact, by backward induction over the environment's own table
#: from its initial distribution. Cart-pole at random: 20,000 episodes, standard error 0.08.
#: Connect four: the sides take turns to begin, so random play against random play is even, and
#: a random opponent loses to good play but for luck.
PROBLEMS = (
    Problem(
        title="FrozenLake 4x4",
        model="frozen_lake_4x4",
        make_environment=_gymnasium("FrozenLake"),
        state_of=int,
        steps=100,
        simulations=1_000,
        best=0.744,
        random=0.014,
    ),
    Problem(
        title="FrozenLake 8x8",
        model="frozen_lake_8x8",
        make_environment=_gymnasium("FrozenLake8x8"),
        state_of=int,
        steps=200,
        simulations=1_000,
        best=0.913,
        random=0.002,
    ),
    Problem(
        title="CliffWalking",
        model="cliff_walking",
        make_environment=_gymnasium("CliffWalking"),
        state_of=int,
        steps=200,
        simulations=1_000,
        best=-13.0,
        random=-2079.1,
    ),
    Problem(
        title="Taxi",
        model="taxi",
        make_environment=_gymnasium("Taxi"),
        state_of=int,
        steps=200,
        simulations=1_000,
        best=7.93,
        random=-771.1,
    ),
    Problem(
        title="CartPole",
        model="cart_pole",
        make_environment=_gymnasium("CartPole"),
        state_of=lambda observation: np.asarray(observation, np.float64),
        steps=500,
        simulations=200,
        best=500.0,
        random=22.2,
    ),
    Problem(
        title="Connect four",
        model="connect_four",
        make_environment=lambda _: ConnectFourAgainstRandom(),
        state_of=np.asarray,
        steps=42,
        simulations=1_000,
        best=1.0,
        random=0.0,
    ),
)

"""Whether copies of an environment are faithful, found out by trying.

A copy is faithful where stepping it shows what stepping the original then shows. That fails,
for instance, where the state lives behind a handle that copies share, where copying starts the
environment afresh, and where a step draws from a global random generator.
"""

from __future__ import annotations

import random
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest
from mcts_service.models.gymnasium_copy import Environment, copy_environment, draw_positions

__all__ = ["require_faithful"]

_EPISODES = 5
_STEPS_PER_EPISODE = 64
# How far a copy runs ahead of its original.
_LOOKAHEAD = 8

# (observation, reward, terminated, truncated)
Step = tuple[Any, float, bool, bool]


def require_faithful(env: Environment) -> bool:
    """Plays random episodes with copies that run ahead of their original.

    Args:
      env: unwrapped, with Discrete actions. It is copied and stays as it is.
    Returns:
      True if no step drew a random number: the environment seems to be deterministic.
    Raises:
      InvalidRequest: the environment cannot be copied, or its copies are not faithful.
    """
    drew = False
    for seed in range(_EPISODES):
        original, _ = _copy(env)
        try:
            original.reset(seed=seed)
        except Exception as error:
            raise _refusal(env, f"its copy cannot be reset: {_told(error)}") from error
        drew = _play_episode(original, np.random.default_rng(seed)) or drew
    return not drew


def _play_episode(original: Environment, rng: np.random.Generator) -> bool:
    """True if a step drew a random number."""
    drew = False
    space: Any = original.action_space
    for _ in range(_STEPS_PER_EPISODE // _LOOKAHEAD):
        actions = [int(space.start + rng.integers(space.n)) for _ in range(_LOOKAHEAD)]
        duplicate, generators = _copy(original)
        positions, global_position = draw_positions(generators), _global_position()
        expected = _play(duplicate, actions)
        if _global_position() != global_position:
            raise _refusal(original, "a step draws from a global random generator")
        _require_equal(original, expected, _play(original, actions))
        drew = drew or draw_positions(generators) != positions
        _, _, terminated, truncated = expected[-1]
        if terminated or truncated:
            break
    return drew


def _copy(env: Environment) -> tuple[Environment, Sequence[Any]]:
    try:
        return copy_environment(env)
    except Exception as error:  # whatever a part of the environment raises
        raise _refusal(env, f"it cannot be copied: {_told(error)}") from error


def _play(env: Environment, actions: Sequence[int]) -> Sequence[Step]:
    """Steps to the end of the actions or of the episode."""
    steps: list[Step] = []
    for action in actions:
        try:
            observation, reward, terminated, truncated, _ = env.step(action)
        except Exception as error:
            raise _refusal(env, f"step({action}) raised {_told(error)}") from error
        # An environment may give the same array again and again, and write into it.
        steps.append((_frozen(observation), float(reward), bool(terminated), bool(truncated)))
        if terminated or truncated:
            break
    return steps


def _require_equal(env: Environment, expected: Sequence[Step], actual: Sequence[Step]) -> None:
    for copied, original in zip(expected, actual, strict=True):
        for name, ahead, after in zip(
            ("observation", "reward", "terminated", "truncated"), copied, original, strict=True
        ):
            if not _equal(ahead, after):
                raise _refusal(
                    env,
                    f"a copy that ran ahead gave {name} {_shown(ahead)}, the original "
                    f"{_shown(after)}",
                )


def _refusal(env: Environment, reason: str) -> InvalidRequest:
    return InvalidRequest(
        "env",
        f"{type(env).__name__} cannot be planned in by copies: {reason}; a model needs an "
        "environment that copy.deepcopy reproduces (without render_mode), or a sample(state, "
        "action, rng) of its own",
    )


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _shown(value: Any) -> str:
    """On one short line: an observation may be an image."""
    return " ".join(reprlib.repr(value).split())


def _global_position() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()
    return (name, np.asarray(keys).tobytes(), *rest, random.getstate())


def _frozen(observation: Any) -> Any:
    if isinstance(observation, np.ndarray):
        return observation.copy()
    if isinstance(observation, Mapping):
        return {key: _frozen(value) for key, value in observation.items()}
    if isinstance(observation, (tuple, list)):
        return tuple(_frozen(value) for value in observation)
    return observation


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return bool(np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind in "fc"))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)

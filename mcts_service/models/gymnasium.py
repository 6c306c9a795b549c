"""Gymnasium environments as models.

    from_gymnasium("FrozenLake-v1")      its own table P, compiled
    from_gymnasium("CartPole-v1")        classic control, by setting the state
    from_gymnasium(my_environment)       any other, by copying it before every step

Gymnasium is an optional extra, so it is imported where it is used. Whatever else imports it at
its top is imported by `from_gymnasium` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from mcts_service.errors import InvalidRequest
from mcts_service.models.toy_text import DISCOUNT

if TYPE_CHECKING:
    import gymnasium

    from mcts_service.models.gymnasium_classic import ClassicControlModel
    from mcts_service.models.gymnasium_copy import CopiedEnvironmentModel
    from mcts_service.models.gymnasium_table import EnvironmentTable

    GymnasiumModel: TypeAlias = EnvironmentTable | ClassicControlModel | CopiedEnvironmentModel

__all__ = ["from_gymnasium", "made_environment"]

# Wrappers that change neither the dynamics nor the rewards nor the numbering of actions.
_TRANSPARENT_WRAPPERS = (
    "TimeLimit",
    "OrderEnforcing",
    "PassiveEnvChecker",
    "RecordEpisodeStatistics",
    "RecordVideo",
    "RenderCollection",
    "HumanRendering",
)


def from_gymnasium(
    env: gymnasium.Env[Any, Any] | str,
    *,
    discount: float | None = None,
    deterministic: bool | None = None,
    **make_arguments: Any,
) -> GymnasiumModel:
    """The model of an environment, which stays as it is.

    Besides what every model has, it has `state_of(env)`, the state that a live environment
    is in; `horizon`, from TimeLimit; and `first_action`, where Gymnasium starts to count.

    Args:
      env: an environment with Discrete actions, or the id of one. The model is of
        `env.unwrapped`.
      discount: per step; default 0.99 for a table, else 1.
      deterministic: of an environment that is copied: whether (state, action) fixes the
        outcome. Default: found out by playing it.
      make_arguments: with an id: of `gymnasium.make`.
    Raises:
      InvalidRequest: Gymnasium is not installed; the actions are not Discrete; a wrapper
        changes what a step does; the environment does not copy faithfully.
    """
    env = made_environment(env, make_arguments)
    from mcts_service.models.gymnasium_classic import ClassicControlModel
    from mcts_service.models.gymnasium_copy import CopiedEnvironmentModel
    from mcts_service.models.gymnasium_faithful import require_faithful
    from mcts_service.models.gymnasium_table import EnvironmentTable

    horizon = _horizon(env)
    bare = env.unwrapped
    _require_discrete_actions(bare)
    if EnvironmentTable.supports(bare):
        discount = DISCOUNT if discount is None else discount
        return EnvironmentTable.of(bare, discount=discount, horizon=horizon)
    discount = 1.0 if discount is None else discount
    if ClassicControlModel.supports(bare):
        return ClassicControlModel(bare, discount=discount, horizon=horizon)
    seems_deterministic = require_faithful(bare)
    return CopiedEnvironmentModel(
        bare,
        discount=discount,
        horizon=horizon,
        deterministic=seems_deterministic if deterministic is None else deterministic,
    )


def _require_gymnasium() -> None:
    try:
        import gymnasium  # noqa: F401
    except ImportError as error:
        raise InvalidRequest(
            "env", "needs Gymnasium, which is not installed; pip install 'mcts-service[gymnasium]'"
        ) from error


def made_environment(
    env: gymnasium.Env[Any, Any] | str, make_arguments: Mapping[str, Any]
) -> gymnasium.Env[Any, Any]:
    """The environment, or a new one where `env` is an id.

    Raises:
      InvalidRequest: Gymnasium is not installed; it is neither, or cannot be made; there are
        arguments and nothing to make.
    """
    _require_gymnasium()
    import gymnasium

    if isinstance(env, str):
        try:
            return gymnasium.make(env, **make_arguments)
        except (gymnasium.error.Error, TypeError) as error:
            raise InvalidRequest("env", f"{env!r} cannot be made: {error}") from error
    if not isinstance(env, gymnasium.Env):
        raise InvalidRequest(
            "env", f"is a {type(env).__name__}; must be a gymnasium.Env or the id of one"
        )
    if make_arguments:
        raise InvalidRequest(
            next(iter(make_arguments)), "goes with an environment's id; this one is made already"
        )
    return env


def _horizon(env: gymnasium.Env[Any, Any]) -> int | None:
    """The least limit of the TimeLimit wrappers, or None.

    Raises:
      InvalidRequest: a wrapper may change what a step does.
    """
    import gymnasium

    transparent = tuple(getattr(gymnasium.wrappers, name) for name in _TRANSPARENT_WRAPPERS)
    limits: list[int] = []
    while isinstance(env, gymnasium.Wrapper):
        if not isinstance(env, (*transparent, gymnasium.ObservationWrapper)):
            raise InvalidRequest(
                "env",
                f"wrapper {type(env).__name__} may change what a step does; pass the environment "
                "below it: its own actions and rewards are planned with",
            )
        if isinstance(env, gymnasium.wrappers.TimeLimit):
            limits.append(env._max_episode_steps)
        env = env.env
    return min(limits, default=None)


def _require_discrete_actions(env: gymnasium.Env[Any, Any]) -> None:
    import gymnasium

    space = getattr(env, "action_space", None)
    if not isinstance(space, gymnasium.spaces.Discrete):
        raise InvalidRequest(
            "env", f"{type(env).__name__} has the actions {space}; must have Discrete ones"
        )

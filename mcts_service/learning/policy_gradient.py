"""Updates of policies, alone and together with a critic.

    actor    trajectory x actor parameters x V-function -> change of the actor
    critic   trajectory x critic parameters             -> change of the critic
    values   critic parameters                          -> V-function

`actor_critic` composes the three by their types and knows nothing else of them. The critic is
any trajectory update: `TDLambda(v, discount, 0.8)`, or `lifted(TD(v, discount))`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from mcts_service.checks import require_number
from mcts_service.learning.change import Change, Changes
from mcts_service.learning.softmax_linear import SoftmaxLinear
from mcts_service.learning.steps import rewards_of
from mcts_service.learning.targets import lambda_errors
from mcts_service.learning.values import TrajectoryUpdate, VFunction
from mcts_service.protocols import Trajectory

__all__ = ["Actor", "PolicyGradient", "actor_critic", "reinforce"]


class Actor(Protocol):
    """trajectory x actor parameters x V-function -> change."""

    def __call__(
        self,
        trajectory: Trajectory[Any],
        parameters: Any,
        v_function: VFunction,
        rng: np.random.Generator,
    ) -> Changes:
        """What to add to the policy's parameters, before a step size."""
        ...


@dataclass(frozen=True)
class PolicyGradient:
    """An actor: sum over t of discount^t * advantage_t * gradient of log pi(a_t | s_t).

    The advantage is by how much more came after step t than v(s_t), as `lambda_errors` has it: with
    a trace decay of 1 the return less the baseline v(s_t), with 0 the error of one step. Where
    the trajectory was cut, v of its last state stands for the rest.

    Attributes:
      policy: parameters -> policy.
      discount: per step, from 0 to 1.
      trace_decay: lambda, from 0 to 1.
    Source: Sutton and Barto (2018), sections 13.3 to 13.5; Schulman et al. (2016).
    """

    policy: SoftmaxLinear
    discount: float
    trace_decay: float = 1.0

    def __post_init__(self) -> None:
        require_number("discount", self.discount, 0.0, 1.0)
        require_number("trace_decay", self.trace_decay, 0.0, 1.0)

    def __call__(
        self,
        trajectory: Trajectory[Any],
        parameters: np.ndarray,
        v_function: VFunction,
        rng: np.random.Generator,
    ) -> Change:
        """The change; `rng` is not asked."""
        rewards = rewards_of(trajectory)
        values = np.array([v_function(state) for state in trajectory.states], dtype=np.float64)
        if trajectory.terminated:
            values[-1] = 0.0
        advantages = lambda_errors(rewards, values, self.discount, self.trace_decay)
        from_start = self.discount ** np.arange(len(rewards))
        return self.policy.scores(parameters, trajectory, from_start * advantages)


def reinforce(
    policy: SoftmaxLinear, discount: float, baseline: VFunction | None = None
) -> TrajectoryUpdate:
    """REINFORCE: climbs the expected return from the start, by returns alone.

    Args:
      policy: parameters -> policy.
      discount: per step, from 0 to 1.
      baseline: state -> what its return is compared with; default 0. Of a trajectory that was cut
        it stands for the rest: without one, nothing does.
    Source: Williams (1992); Sutton and Barto (2018), sections 13.3 and 13.4.
    """
    actor = PolicyGradient(policy, discount)
    v_function = _zero if baseline is None else baseline

    def update(
        trajectory: Trajectory[Any], parameters: np.ndarray, rng: np.random.Generator
    ) -> Changes:
        return actor(trajectory, parameters, v_function, rng)

    return update


def actor_critic(
    actor: Actor, critic: TrajectoryUpdate, values: Callable[[Any], VFunction]
) -> TrajectoryUpdate:
    """An update of (actor parameters, critic parameters), whatever the three parts are.

    `weighted(critic, 2.0)` learns twice as fast as the actor.
    """

    def update(
        trajectory: Trajectory[Any], parameters: tuple[Any, Any], rng: np.random.Generator
    ) -> Changes:
        actor_parameters, critic_parameters = parameters
        v_function = values(critic_parameters)
        return (
            actor(trajectory, actor_parameters, v_function, rng),
            critic(trajectory, critic_parameters, rng),
        )

    return update


def _zero(state: Any) -> float:
    return 0.0

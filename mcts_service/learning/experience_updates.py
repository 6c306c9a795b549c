"""experience x parameters -> change: methods that learn from a single step.

Each moves a value towards the reward and the discounted value of what comes after it,

    error = reward + discount * (value after the step, or 0 if terminated) - value,
    change = error * gradient of the value,

and they differ in what they take for the value after the step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mcts_service._learning import OnlineSteps
from mcts_service.checks import require_number
from mcts_service.learning.change import Change, scaled
from mcts_service.learning.linear_values import LinearQ, LinearV
from mcts_service.learning.values import ActionValues, StateValues
from mcts_service.policies import EpsilonGreedy, Greedy, LegalActions, QFunction
from mcts_service.protocols import Experience, StochasticPolicy

__all__ = ["TD", "DoubleQ", "ExpectedSarsa", "NativeForm", "QLearning", "Sarsa"]

#: Takes steps, parameters and a step size, and updates the parameters in place, step by step.
NativeForm = Callable[[OnlineSteps, np.ndarray, float], None]


@dataclass(frozen=True)
class TD:
    """TD(0): towards the value of the next state.

    Attributes:
      v: parameters -> V-function.
      discount: per step, from 0 to 1.
    Source: Sutton and Barto (2018), equation 6.2.
    """

    v: StateValues
    discount: float

    def __post_init__(self) -> None:
        require_number("discount", self.discount, 0.0, 1.0)

    def __call__(
        self, experience: Experience[Any], parameters: np.ndarray, rng: np.random.Generator
    ) -> Change:
        """The change; `rng` is not asked."""
        values = self.v(parameters)
        following = 0.0 if experience.terminated else values(experience.next_state)
        error = _error(experience, self.discount, following, values(experience.state))
        return _moved(self.v.gradient(parameters, experience.state), error)

    def native(self) -> NativeForm | None:
        """The same for whole trajectories, compiled; None where the values are not linear."""
        if type(self.v) is not LinearV:
            return None
        return lambda steps, parameters, step_size: steps.td(parameters, self.discount, step_size)


@dataclass(frozen=True)
class _OfActions(ABC):
    """What learns the value of an action; they differ in what they take for the value after it."""

    q: ActionValues
    discount: float

    def __post_init__(self) -> None:
        require_number("discount", self.discount, 0.0, 1.0)

    def __call__(
        self, experience: Experience[Any], parameters: np.ndarray, rng: np.random.Generator
    ) -> Change:
        """The change; `rng` is not asked."""
        values = self.q(parameters)
        following = 0.0 if experience.terminated else self._following(values, experience)
        if following is None:
            return Change.none()
        return _towards(self.q, values, experience, parameters, self.discount, following)

    @abstractmethod
    def _following(self, values: QFunction, experience: Experience[Any]) -> float | None:
        """What the next state is worth, which is not terminal; None: nothing is learned."""


@dataclass(frozen=True)
class Sarsa(_OfActions):
    """Towards the value of the action that was taken next.

    Where the trajectory was cut there is no next action, and the change is none.

    Attributes:
      q: parameters -> Q-function.
      discount: per step, from 0 to 1.
    Source: Sutton and Barto (2018), equation 6.7.
    """

    def _following(self, values: QFunction, experience: Experience[Any]) -> float | None:
        if experience.next_action is None:
            return None
        return float(values(experience.next_state)[experience.next_action])

    def native(self) -> NativeForm | None:
        """The same for whole trajectories, compiled; None where the values are not linear."""
        if type(self.q) is not LinearQ:
            return None
        return lambda steps, parameters, step_size: steps.sarsa(
            parameters, self.discount, step_size
        )


@dataclass(frozen=True)
class ExpectedSarsa(_OfActions):
    """Towards what a policy expects in the next state.

    Attributes:
      q: parameters -> Q-function.
      discount: per step, from 0 to 1.
      policy: Q-function -> the policy that is learned about, such as
        `partial(EpsilonGreedy, epsilon=0.1)`. It need not be the one that acts.
    Source: Sutton and Barto (2018), equation 6.9.
    """

    policy: Callable[[QFunction], StochasticPolicy[Any]]

    def _following(self, values: QFunction, experience: Experience[Any]) -> float | None:
        probabilities = self.policy(values).probabilities(experience.next_state)
        # A sum in the order of the actions; see `linear_values`.
        return float((probabilities * values(experience.next_state)).cumsum()[-1])

    def native(self) -> NativeForm | None:
        """The same, compiled, of linear values and an epsilon-greedy policy over all actions."""
        epsilon = _epsilon_of(self.policy)
        if epsilon is None or type(self.q) is not LinearQ:
            return None
        return lambda steps, parameters, step_size: steps.expected_sarsa(
            parameters, self.discount, step_size, epsilon
        )


@dataclass(frozen=True)
class QLearning(_OfActions):
    """Towards the greatest value in the next state.

    Attributes:
      q: parameters -> Q-function.
      discount: per step, from 0 to 1.
      legal_actions: state -> the actions that the greatest is of; default all.
    Source: Watkins (1989); Sutton and Barto (2018), equation 6.8.
    """

    legal_actions: LegalActions | None = None

    def _following(self, values: QFunction, experience: Experience[Any]) -> float | None:
        return float(_legal(values, experience.next_state, self.legal_actions).max())

    def native(self) -> NativeForm | None:
        """The same, compiled, of linear values where all actions are legal."""
        if type(self.q) is not LinearQ or self.legal_actions is not None:
            return None
        return lambda steps, parameters, step_size: steps.q_learning(
            parameters, self.discount, step_size
        )


@dataclass(frozen=True)
class DoubleQ:
    """Q-learning of two sets of parameters: one chooses the next action, the other values it.

    A fair coin says which of the two is changed, and which chooses. Parameters are a tuple of the
    two.

    Attributes:
      q: parameters -> Q-function, of either.
      discount: per step, from 0 to 1.
      legal_actions: state -> the actions to choose from; default all.
    Source: van Hasselt (2010); Sutton and Barto (2018), equation 6.10.
    """

    q: ActionValues
    discount: float
    legal_actions: LegalActions | None = None

    def __post_init__(self) -> None:
        require_number("discount", self.discount, 0.0, 1.0)

    def __call__(
        self,
        experience: Experience[Any],
        parameters: tuple[np.ndarray, np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[Change, Change]:
        """The change of the one or of the other; one `rng.random()` says which."""
        changed = int(rng.random() < 0.5)
        choosing, valuing = self.q(parameters[changed]), self.q(parameters[1 - changed])
        following = 0.0
        if not experience.terminated:
            chosen = _legal(choosing, experience.next_state, self.legal_actions).argmax()
            following = _legal(valuing, experience.next_state, self.legal_actions)[chosen]
        change = _towards(
            self.q, choosing, experience, parameters[changed], self.discount, following
        )
        return (Change.none(), change) if changed else (change, Change.none())

    def mean(self, parameters: tuple[np.ndarray, np.ndarray]) -> QFunction:
        """The mean of the two Q-functions, for policies to act by."""
        first, second = self.q(parameters[0]), self.q(parameters[1])
        return partial(_mean, first, second)


def _mean(first: QFunction, second: QFunction, state: Any) -> np.ndarray:
    values: np.ndarray = 0.5 * (first(state) + second(state))
    return values


def _epsilon_of(policy: Callable[[QFunction], Any]) -> float | None:
    """How much an epsilon-greedy policy over all actions explores; None of any other policy."""

    def unasked(state: Any) -> np.ndarray:
        raise _AskedTooEarlyError

    try:
        made = policy(unasked)
    except _AskedTooEarlyError:  # it is more than a form around the Q-function
        return None
    if type(made) not in (Greedy, EpsilonGreedy) or made.legal_actions is not None:
        return None
    return float(getattr(made, "epsilon", 0.0)) if made.q is unasked else None


class _AskedTooEarlyError(Exception):
    """A policy asked for values when it was made."""


def _legal(values: QFunction, state: Any, legal_actions: LegalActions | None) -> np.ndarray:
    """The values of the actions that are legal, in their order."""
    found = values(state)
    return found if legal_actions is None else found[list(legal_actions(state))]


def _towards(
    q: ActionValues,
    values: QFunction,
    experience: Experience[Any],
    parameters: np.ndarray,
    discount: float,
    following: float,
) -> Change:
    """The change of the value of the action that was taken."""
    value = values(experience.state)[experience.action]
    error = _error(experience, discount, following, value)
    return _moved(q.gradient(parameters, experience.state, experience.action), error)


def _error(experience: Experience[Any], discount: float, following: float, value: float) -> float:
    reward = require_number("experience.reward", experience.reward, -1e300, 1e300)
    return reward + discount * following - value


def _moved(gradient: Change, error: float) -> Change:
    change = scaled(gradient, error)
    assert isinstance(change, Change)
    return change

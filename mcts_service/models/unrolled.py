"""From a sample model to a trajectory model: the rung that repeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest, ModelFault, NoLegalAction, TerminalState
from mcts_service.labels import is_labelled
from mcts_service.models.batch import UnbatchedModel
from mcts_service.models.ladder import SampledModel
from mcts_service.models.levels import Level, require_level
from mcts_service.protocols import Policy, Trajectory

__all__ = ["MAX_STEPS", "Episode", "UnrolledModel"]

S = TypeVar("S")

#: The greatest limit that may be given.
MAX_STEPS = 2**31 - 1
#: Where no limit is given, an episode of so many steps is taken for one that never ends.
PATIENCE = 1_000_000


class UnrolledModel(Generic[S]):
    """A sample model as a trajectory model: policy and model by turns, until the episode ends.

    An episode ends where a step is `terminated` or arrives in a state that `is_terminal`; one
    that is cut after `max_steps` is not terminated. With the same generator, policy and model,
    the trajectory is the same.

    Alone it cannot go back to a state and try another action there; `model` can.

    Attributes:
      model: the sample model; of a distribution model or a batch model, the one that it induces.
      num_actions: as there; None where the model labels its actions.
      max_steps: of one episode; None where nothing limits it.
    """

    def __init__(self, model: Any, *, initial_state: Any = None, max_steps: int | None = None):
        """Unrolls a model.

        Args:
          model: a sample model, a batch model or a distribution model.
          initial_state: where an episode starts: a state, or a function of a generator that draws
            one; default the model's own `initial_state`.
          max_steps: of one episode, from 1; default the model's `horizon`, if it has one.
        Raises:
          InvalidRequest: the model is a trajectory model already, says nowhere where an episode
            starts, or is `continuing`, so that its episodes never end, and there is no limit.
        """
        require_level(model, Level.SAMPLE, "unrolling it step by step")
        self.model = _sample_model(model)
        self.num_actions: int | None = getattr(model, "num_actions", None)
        self.max_steps = _max_steps(model, max_steps)
        self._start = _start(model, initial_state)
        self._is_terminal = _optional(model, "is_terminal")
        self._legal = _legal_actions(model)

    def trajectory(self, policy: Policy[S], rng: np.random.Generator) -> Trajectory[S]:
        """One episode of a policy.

        Args:
          policy: asked once a step; `rng` is handed to it too.
          rng: of the initial state, the policy's actions and the model's samples, by turns.
        Returns:
          One with a step at least. Of a model for several players, a reward is a tuple of one
          for each.
        Raises:
          InvalidRequest: the policy takes an action that is not legal; or nothing limits an
            episode, and this one has not ended after a million steps.
          TerminalState: the initial state is terminal.
          NoLegalAction: a state that is not terminal has no legal action.
          ModelFault: the model gives a reward that is not finite.
        """
        episode = self._begun(rng)
        while not episode.is_over():
            action = episode.chosen(policy)
            episode.take(action, *self.model.sample(episode.states[-1], action, rng))
        return episode.trajectory()

    def _begun(self, rng: np.random.Generator) -> Episode[S]:
        """An episode in its initial state."""
        return Episode(self._start(rng), rng, self._is_terminal, self._legal, self)


class Episode(Generic[S]):
    """A trajectory that is being made.

    Attributes:
      states, actions, rewards, terminated: as of a `Trajectory`.
      rng: of all that the episode draws.
    """

    def __init__(
        self,
        state: S,
        rng: np.random.Generator,
        is_terminal: Callable[[S], bool] | None,
        legal: Callable[[S], Sequence[Any]],
        unrolled: UnrolledModel[S],
    ):
        """Begins in a state; raises TerminalState where it ends there."""
        self.states, self.rng = [state], rng
        self.actions: list[Any] = []
        self.rewards: list[Any] = []
        self.terminated = False
        self._is_terminal, self._legal = is_terminal, legal
        self._max_steps = unrolled.max_steps
        self._is_numbered = unrolled.num_actions is not None
        if is_terminal is not None and is_terminal(state):
            raise TerminalState(f"the initial state {shown(state)} is terminal: no step to take")

    def is_over(self) -> bool:
        """True where it has ended or is cut; InvalidRequest where it seems that it never will."""
        if self._max_steps is None and len(self.actions) >= PATIENCE and not self.terminated:
            raise InvalidRequest(
                "max_steps",
                f"is not given, and an episode has not ended after {PATIENCE:,} steps; must be "
                "the steps after which one is cut",
            )
        return self.terminated or len(self.actions) == self._max_steps

    def chosen(self, policy: Policy[S]) -> Any:
        """The policy's action, of Python's own type where it is a number; or InvalidRequest."""
        state = self.states[-1]
        action = policy.action(state, self.rng)
        if self._is_numbered and isinstance(action, np.integer):
            action = int(action)
        legal = self._legal(state)
        if (self._is_numbered and type(action) is not int) or action not in legal:
            if len(legal) == 0:
                raise NoLegalAction(f"state {shown(state)} is not terminal and has no legal action")
            raise InvalidRequest(
                "policy",
                f"takes the action {shown(action)} in state {shown(state)}; must take one of "
                f"{shown(list(legal))}",
            )
        return action

    def take(self, action: Any, state: S, reward: Any, ended: bool) -> None:
        """Adds the step that the model answered an action with."""
        _require_finite(reward, self.states[-1], action)
        self.terminated = bool(ended) or bool(self._is_terminal and self._is_terminal(state))
        self.states.append(state)
        self.actions.append(action)
        self.rewards.append(reward)

    def trajectory(self) -> Trajectory[S]:
        """What happened."""
        return Trajectory(self.states, self.actions, self.rewards, self.terminated)


def _sample_model(model: Any) -> Any:
    """The model if it can be sampled, else the sample model that it induces."""
    if callable(getattr(model, "sample", None)):
        return model
    if callable(getattr(model, "sample_batch", None)):
        return UnbatchedModel(model)
    return SampledModel(model)


def _max_steps(model: Any, max_steps: int | None) -> int | None:
    if max_steps is not None:
        return require_integer("max_steps", max_steps, 1, MAX_STEPS)
    horizon = getattr(model, "horizon", None)
    if horizon is not None:
        return require_integer("horizon", horizon, 1, MAX_STEPS)
    if getattr(model, "continuing", False):
        raise InvalidRequest(
            "max_steps",
            "is not given, and the model is continuing and has no horizon: no episode would end; "
            "must be the steps after which one is cut",
        )
    return None


def _start(model: Any, initial_state: Any) -> Callable[[np.random.Generator], Any]:
    """Draws where an episode starts."""
    if callable(initial_state):
        start: Callable[[np.random.Generator], Any] = initial_state
        return start
    if initial_state is not None:
        return lambda rng: initial_state
    own = _optional(model, "initial_state")
    if own is None:
        raise InvalidRequest(
            "initial_state",
            "is not given, and the model has none; must be a state, or a function of a generator",
        )
    return own


def _legal_actions(model: Any) -> Callable[[Any], Sequence[Any]]:
    """What a policy may take, as a function of the state."""
    labels = _optional(model, "actions")
    if labels is not None and is_labelled(model):
        return labels
    everywhere = range(int(model.num_actions))
    return _optional(model, "legal_actions") or (lambda state: everywhere)


def _optional(model: Any, name: str) -> Callable[..., Any] | None:
    """An optional capability, or None."""
    found = getattr(model, name, None)
    return found if callable(found) else None


def _require_finite(reward: Any, state: Any, action: Any) -> None:
    if not np.isfinite(reward).all():
        raise ModelFault(
            f"sample({shown(state)}, {shown(action)}) gives the reward {shown(reward)}; "
            "must be finite"
        )

"""The model under check, and the steps that it was seen to make."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from mcts_service.labels import is_labelled
from mcts_service.models.identity import state_identity
from mcts_service.models.ladder import SampledModel
from mcts_service.models.streams import generator_of_rows
from mcts_service.testing.report import Problem, shown

__all__ = [
    "Step",
    "Subject",
    "copied",
    "is_flag",
    "is_index",
    "is_number",
    "require_numbers",
    "same",
]

# A walk starts afresh after as many steps, so that it sees several initial states.
_STEPS_PER_EPISODE = 50


@dataclass(frozen=True)
class Step:
    """One transition: what `sample(state, action, default_rng(seed))` gave."""

    state: Any
    action: Any
    seed: int
    next_state: Any
    reward: Any
    terminated: bool


class Subject:
    """A model, asked so that no check can disturb another: it gets copies of states.

    Attributes:
      model: the model; a distribution model is sampled, a batch model asked for one row.
      num_players: as the model says, default 1.
      steps: of a random walk, once `walk` has run.
    """

    def __init__(self, model: Any, initial_state: Any, num_steps: int, seed: int):
        self.model = model
        self.num_players = getattr(model, "num_players", 1)
        self.steps: Sequence[Step] = ()
        self.rng = np.random.default_rng(seed)
        self._initial_state = initial_state
        self._num_steps = num_steps

    def has(self, capability: str) -> bool:
        """True if the model has the capability; None stands for its absence."""
        return getattr(self.model, capability, None) is not None

    def initial_state(self, seed: int) -> Any:
        """The state that was given with the model, or the model's own."""
        if self._initial_state is not None:
            return copied(self._initial_state)
        if not self.has("initial_state"):
            raise Problem(
                "the model has none; pass initial_state=, or give it initial_state(rng=None)"
            )
        return self.model.initial_state(np.random.default_rng(seed))

    def sample(self, state: Any, action: Any, seed: int) -> Any:
        """The model's unchecked answer for a copy of the state."""
        return self.sample_in_place(copied(state), action, seed)

    def sample_in_place(self, state: Any, action: Any, seed: int) -> Any:
        """The model's unchecked answer for the state itself."""
        rng: Any = np.random.default_rng(seed)
        if self.has("sample"):
            return self.model.sample(state, action, rng)
        if self.has("transitions"):
            return SampledModel[Any](self.model).sample(state, action, rng)
        if self.has("sample_batch"):
            rng = generator_of_rows([seed])
            rows = self.model.sample_batch(np.asarray(state)[None], np.array([action]), rng)
            next_states, rewards, terminated = rows
            return next_states[0], rewards[0], terminated[0]
        raise Problem("the model has no sample(state, action, rng); give it one")

    def transition(self, state: Any, action: Any, seed: int) -> Step:
        """One checked step.

        Raises:
          Problem: the model raised, or its answer is no (next_state, reward, terminated).
        """
        asked = f"sample({shown(state)}, {shown(action)}, rng)"
        try:
            answer = self.sample(state, action, seed)
        except Problem:
            raise
        except Exception as error:
            raise Problem(f"{asked} raised {type(error).__name__}: {error}") from error
        if not (isinstance(answer, tuple) and len(answer) == 3):
            raise Problem(
                f"{asked} gave {shown(answer)}; must be a tuple (next_state, reward, terminated)"
            )
        next_state, reward, terminated = answer
        require_numbers(f"{asked}: reward", reward, self.num_players)
        if not is_flag(terminated):
            raise Problem(f"{asked}: terminated is {shown(terminated)}; must be a bool")
        self._require_alike(asked, state, next_state)
        return Step(state, action, seed, copied(next_state), reward, bool(terminated))

    def walk(self) -> None:
        """Takes random legal actions, over several episodes.

        Raises:
          Problem: a step is not what `sample` must give.
        """
        taken: list[Step] = []
        while len(taken) < self._num_steps:
            state = self.initial_state(self.draw_seed())
            for _ in range(_STEPS_PER_EPISODE):
                step = self.transition(state, self._random_action(state), self.draw_seed())
                taken.append(step)
                if step.terminated or len(taken) == self._num_steps:
                    break
                state = step.next_state
        self.steps = taken

    def draw_seed(self) -> int:
        """A seed for one question."""
        return int(self.rng.integers(2**31))

    def some_steps(self, count: int) -> Sequence[Step]:
        """At most `count` of the steps, spread over the walk."""
        return self.steps[:: max(1, math.ceil(len(self.steps) / count))]

    def states(self) -> Iterator[Any]:
        """The states of the walk that are not terminal, each as a fresh copy."""
        return (copied(step.state) for step in self.steps)

    def key(self, state: Any) -> Hashable:
        """The state's identity, as the planner takes it.

        Raises:
          TypeError: it has none.
        """
        return state_identity(self.model, state)

    @property
    def is_labelled(self) -> bool:
        """True if the model names its actions, in place of numbering them."""
        return is_labelled(self.model)

    def legal_actions(self, state: Any) -> Sequence[Any]:
        """What can be tried: the model's legal actions as far as they make sense, or all."""
        if self.is_labelled:
            return self._labels(state)
        every = range(self.model.num_actions)
        try:
            if self.has("legal_actions"):
                answer = self.model.legal_actions(state)
            elif self.has("legal_actions_batch"):
                answer = np.flatnonzero(self.model.legal_actions_batch(np.asarray(state)[None])[0])
            else:
                return every
            legal = [action for action in answer if is_index(action)]
        except Exception:  # the check of legal_actions tells
            return every
        return [int(action) for action in legal if action in every] or every

    def _labels(self, state: Any) -> Sequence[Any]:
        labels = tuple(self.model.actions(state))
        if not labels:
            raise Problem(
                f"actions({shown(state)}) is empty; must name an action in a state that is not "
                "terminal"
            )
        return labels

    def _random_action(self, state: Any) -> Any:
        legal = self.legal_actions(copied(state))
        return legal[int(self.rng.integers(len(legal)))]

    def _require_alike(self, asked: str, state: Any, next_state: Any) -> None:
        if next_state is None and state is not None:
            raise Problem(f"{asked}: next_state is None; must be a state, terminal or not")
        if not isinstance(state, np.ndarray):
            return
        wanted = f"must be an array of {state.dtype}{list(state.shape)}, as the state is"
        if not isinstance(next_state, np.ndarray):
            raise Problem(f"{asked}: next_state is {shown(next_state)}; {wanted}")
        if (next_state.shape, next_state.dtype) != (state.shape, state.dtype):
            got = f"{next_state.dtype}{list(next_state.shape)}"
            raise Problem(f"{asked}: next_state is an array of {got}; {wanted}")
        if next_state.dtype.kind in "fc" and np.isnan(next_state).any():
            raise Problem(f"{asked}: next_state is {shown(next_state)}; must hold no NaN")


def copied(state: Any) -> Any:
    """A deep copy, or the state itself where it cannot be copied."""
    try:
        return copy.deepcopy(state)
    except Exception:  # whatever a part of the state raises
        return state


def same(one: Any, other: Any) -> bool:
    """True if two states have the same content, whatever the model takes for their identity."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    try:
        if bool(one == other):
            return True
    except ValueError:  # an array inside
        pass
    try:
        return pickle.dumps(one) == pickle.dumps(other)
    except Exception:  # whatever a part of the state raises
        return False


def is_index(value: Any) -> bool:
    """True for an integer that is no bool."""
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))


def is_number(value: Any) -> bool:
    """True for a real number, Python's or NumPy's, and no array."""
    return isinstance(value, Real)


def is_flag(value: Any) -> bool:
    """True for a bool, Python's or NumPy's."""
    return isinstance(value, (bool, np.bool_))


def require_numbers(what: str, value: Any, num_players: int) -> None:
    """Checks a reward or a value: one finite number, or one for each of several players.

    Raises:
      Problem: it is something else.
    """
    numbers = [value] if num_players == 1 else value
    wanted = "a number" if num_players == 1 else f"a sequence of {num_players} numbers"
    try:
        fits = len(numbers) == num_players and all(is_number(n) for n in numbers)
    except TypeError:
        fits = False
    if not fits:
        raise Problem(f"{what} is {shown(value)}; must be {wanted}")
    if not all(math.isfinite(number) for number in numbers):
        raise Problem(f"{what} is {shown(value)}; must be finite")

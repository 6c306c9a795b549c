"""What samples show of a finite model: its states, and how often each action led where."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from mcts_service._solvers import SparseTable
from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models.identity import state_identity
from mcts_service.protocols import Experience

__all__ = ["Survey"]

S = TypeVar("S")


class _Count:
    """How often an outcome was seen, and its mean reward."""

    __slots__ = ("mean", "times")

    def __init__(self) -> None:
        self.times, self.mean = 0, 0.0

    def add(self, reward: float) -> None:
        self.times += 1
        self.mean += (reward - self.mean) / self.times


class Survey(Generic[S]):
    """The states found so far, numbered as they come, and what was sampled of them.

    Attributes:
      states: by their numbers.
      samples: asked of the model.
    """

    def __init__(self, model: Any, samples_per_action: int, max_states: int) -> None:
        """Of a model of which nothing was asked yet."""
        self.states: list[S] = []
        self.samples = 0
        self._counts: dict[int, dict[tuple[int, bool], _Count]] = {}
        self._model = model
        self._samples_per_action = samples_per_action
        self._max_states = max_states
        self._numbers: dict[Hashable, int] = {}
        self._legal: dict[int, Sequence[int]] = {}
        self._to_explore: deque[int] = deque()

    def index(self, state: S) -> int:
        """The number of a state; raises InvalidRequest if it was not found."""
        try:
            return self._numbers[state_identity(self._model, state)]
        except (KeyError, TypeError) as error:
            raise InvalidRequest(
                "state",
                f"is {shown(state)}; must be one of the {len(self.states)} states that were found",
            ) from error

    def explore(self, initial_states: Iterable[S], rng: np.random.Generator) -> None:
        """Breadth first, until no state is left."""
        for state in initial_states:
            self._meet(state, ended=False)
        while self._to_explore:
            number = self._to_explore.popleft()
            for action in self._legal[number]:
                for _ in range(self._samples_per_action):
                    self._sample(number, int(action), rng)

    def name(self, number: int) -> str:
        """A state as messages call it."""
        return shown(self.states[number])

    def seen(self) -> Iterator[tuple[Experience[int], int]]:
        """Every outcome, rewarded with the mean, and how often it was seen."""
        for pair, outcomes in self._counts.items():
            state, action = divmod(pair, self._model.num_actions)
            for (following, ended), count in outcomes.items():
                yield Experience(state, action, count.mean, following, ended), count.times

    def as_table(self) -> SparseTable:
        """What was seen, each outcome as probable as it was often."""
        size, num_rows = len(self.states), len(self.states) * self._model.num_actions
        steps = [step for step, _ in self.seen()]
        times = [count for _, count in self.seen()]
        row = np.array([s.state * self._model.num_actions + s.action for s in steps], np.int64)
        # Pairs were met state by state, but the actions of one in any order.
        order = np.argsort(row, kind="stable")
        weight = np.array(times, np.float64)
        share = weight / np.bincount(row, weight, num_rows)[row]
        start = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=num_rows))))
        return SparseTable.of_arrays(
            size,
            self._model.num_actions,
            start.astype(np.int32),
            share[order],
            np.array([step.next_state for step in steps], np.int32)[order],
            np.array([step.reward for step in steps], np.float64)[order],
            np.array([step.terminated for step in steps], np.uint8)[order],
            np.array([number not in self._legal for number in range(size)], np.uint8),
        )

    def legal(self) -> np.ndarray:
        """bool[num_states, num_actions]; False throughout in terminal states."""
        mask = np.zeros((len(self.states), self._model.num_actions), dtype=np.bool_)
        for number, actions in self._legal.items():
            mask[number, list(actions)] = True
        return mask

    def _sample(self, number: int, action: int, rng: np.random.Generator) -> None:
        following, reward, terminated = self._model.sample(self.states[number], action, rng)
        if not np.isfinite(reward):
            raise ModelFault(
                f"sample({self.states[number]!r}, {action}) gives the reward {reward!r}; must be "
                "finite"
            )
        next_number, ended = self._meet(following, ended=bool(terminated))
        of_pair = self._counts.setdefault(number * self._model.num_actions + action, {})
        of_pair.setdefault((next_number, ended), _Count()).add(float(reward))
        self.samples += 1

    def _meet(self, state: S, *, ended: bool) -> tuple[int, bool]:
        """The number of a state, and whether an episode ends there."""
        number = self._numbers.setdefault(state_identity(self._model, state), len(self.states))
        if number == len(self.states):
            if number == self._max_states:
                raise InvalidRequest(
                    "max_states", f"is {number}; the model has more: must be greater"
                )
            self.states.append(state)
        ended = ended or self._is_terminal(state)
        if not ended and number not in self._legal:
            self._legal[number] = self._legal_actions(state)
            self._to_explore.append(number)
        return number, ended

    def _is_terminal(self, state: S) -> bool:
        is_terminal = getattr(self._model, "is_terminal", None)
        return is_terminal is not None and bool(is_terminal(state))

    def _legal_actions(self, state: S) -> Sequence[int]:
        legal_actions = getattr(self._model, "legal_actions", None)
        legal: Sequence[int] = (
            range(self._model.num_actions) if legal_actions is None else legal_actions(state)
        )
        if not len(legal):
            raise ModelFault(
                f"legal_actions({state!r}) is empty; must name an action, or the state be terminal"
            )
        return legal

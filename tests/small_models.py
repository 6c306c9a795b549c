"""Models for one player, small enough to think through, each with one peculiarity."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np


class Chain:
    """A walk on the integers that slips one time in five; +5 pays, both ends end it."""

    num_actions = 2

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        if rng.random() < 0.2:
            action = 1 - action
        following = state + (1 if action else -1)
        return following, float(following == 5), following in (5, -5)


class ValuedChain(Chain):
    """A chain that says what a place is worth."""

    def value(self, state: int) -> float:
        return (state + 5) / 10


class GuidedChain(Chain):
    """A chain whose rollouts mostly go right."""

    def rollout_action(self, state: int, rng: Any) -> int:
        return int(rng.random() < 0.75)


class KeyedChain:
    """A chain whose states are lists, told apart by `state_key`."""

    num_actions = 2

    def sample(self, state: list[int], action: int, rng: Any) -> tuple[list[int], float, bool]:
        following, reward, terminated = Chain().sample(state[0], action, rng)
        return [following], reward, terminated

    def state_key(self, state: list[int]) -> int:
        return state[0]


class StraightGrid:
    """A grid of 5 x 5 without chance: each step costs, the far corner pays and ends it."""

    num_actions = 4
    deterministic = True
    size = 5
    steps = ((-1, 0), (0, 1), (1, 0), (0, -1))

    def sample(
        self, state: tuple[int, int], action: int, rng: Any
    ) -> tuple[tuple[int, int], float, bool]:
        row, column = (
            min(max(at + step, 0), self.size - 1)
            for at, step in zip(state, self.steps[action], strict=True)
        )
        reached = row == column == self.size - 1
        return (row, column), 10.0 if reached else -0.1, reached


class SlipperyGrid(StraightGrid):
    """The same grid on ice: one step in three goes to the side."""

    deterministic = False
    discount = 0.95

    def sample(
        self, state: tuple[int, int], action: int, rng: Any
    ) -> tuple[tuple[int, int], float, bool]:
        drawn = rng.random()
        if drawn < 1 / 3:
            action = (action + (1 if drawn < 1 / 6 else 3)) % 4
        return super().sample(state, action, rng)


class Countdown:
    """A pile of stones: one to three of them are taken, never more than there are."""

    num_actions = 3

    def legal_actions(self, state: int) -> list[int]:
        return [action for action in (2, 0, 1) if action < state]

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        following = state - action - 1
        return following, float(following % 4 == 0) - 0.5 * (rng.random() < 0.1), following == 0


class Drift:
    """A point in the plane, as an array whose zeros come with either sign."""

    num_actions = 3
    discount = 0.9

    def sample(self, state: np.ndarray, action: int, rng: Any) -> tuple[np.ndarray, float, bool]:
        push = (-1.0, 0.0, 1.0)[action] * (1.0 if rng.random() < 0.5 else -1.0)
        position, velocity = state
        velocity = -0.5 * velocity + push * 0.0 + push * (abs(position) < 2)
        following = np.array([position + velocity, velocity * (1.0 if push else -1.0)])
        following[following == 0] = 0.0 if rng.random() < 0.5 else -0.0
        return following, -abs(float(following[0])), abs(float(following[0])) > 3


class Ambush:
    """Waiting leads back to the same state, whether or not it ends the episode there."""

    num_actions = 2

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        if action == 0:
            return state, 1.0, rng.random() < 0.3
        return (state + 1) % 3, 0.5, False


class NoisyRewards:
    """Few states and many rewards: what leads to one state does not always pay the same."""

    num_actions = 3
    discount = 0.9

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        reward = action * 0.1 + rng.random()
        return (state + action + (rng.random() < 0.5)) % 4, reward, rng.random() < 0.05


class TableTwin:
    """A table in Python that draws as the compiled one does: nothing where nothing is open."""

    def __init__(self, table: Any) -> None:
        self.table, self.num_actions, self.discount = table, table.num_actions, table.discount

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        outcomes = self.table.transitions(state, action)
        drawn = rng.random() if len(outcomes) > 1 else 0.0
        ends = accumulate(probability for probability, *_ in outcomes)
        index = next((i for i, end in enumerate(ends) if drawn < end), -1)
        _, following, reward, terminated = outcomes[index]
        return following, reward, terminated


class Arms:
    """A bandit: one pull, and the episode is over. Arm i pays as `pay[i]` says."""

    def __init__(self, *pay: Callable[[Any], float]) -> None:
        self.pay, self.num_actions = pay, len(pay)

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        return 1, self.pay[action](rng), True


class StepCounter:
    """Every step pays 1, and the state says how many were taken; `longest` is the most."""

    num_actions = 2
    discount = 1.0

    def __init__(self) -> None:
        self.longest = 0

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        self.longest = max(self.longest, state + 1)
        return state + 1, 1.0, False


class ValuedStepCounter(StepCounter):
    """The same, worth 100 wherever it is looked at."""

    def value(self, state: int) -> float:
        return 100.0


class FourRooms:
    """A walk over ten by ten cells, of which the last pays 10 and ends it."""

    num_actions = 4
    discount = 0.95

    def __init__(self, slips: bool = True) -> None:
        self.deterministic = not slips

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        if not self.deterministic and (drawn := rng.random()) > 0.8:
            action = (action + (1 if drawn > 0.9 else 3)) % 4
        row, column = divmod(state, 10)
        row = min(9, max(0, row + (action == 2) - (action == 0)))
        column = min(9, max(0, column + (action == 1) - (action == 3)))
        following = 10 * row + column
        return following, 10.0 if following == 99 else -0.1, following == 99


class Wheel:
    """Every action leads anywhere: more outcomes than a fresh read looks at in one go."""

    num_actions = 2
    discount = 0.9

    def __init__(self, outcomes: int = 40, declares: bool = False) -> None:
        self.outcomes = outcomes
        if declares:
            self.max_outcomes = outcomes
            self.transitions = self.all_outcomes

    def all_outcomes(self, state: int, action: int) -> list[tuple[float, int, float, bool]]:
        return [
            (1 / self.outcomes, number, self.reward(number, action), number == 1)
            for number in range(self.outcomes)
        ]

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        number = int(rng.random() * self.outcomes)
        return number, self.reward(number, action), number == 1

    def reward(self, number: int, action: int) -> float:
        return 0.1 * (number % 7) + 0.05 * action

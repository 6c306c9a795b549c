"""Prioritized sweeping and Dyna in plain Python, slow and short, with the core's random stream.

The compiled ones must give the same numbers, bit by bit.
"""

from __future__ import annotations

import math
from typing import Any

from mcts_service._core import SplitMix64


class LearnedModel:
    """pair -> {(next_state, terminated): [count, reward]}, in the order of first sight."""

    def __init__(self, counts: bool) -> None:
        self.counts = counts
        self.seen: dict[tuple[int, int], dict[tuple[int, bool], list[Any]]] = {}

    def add(self, state: int, action: int, reward: float, following: int, ended: bool) -> None:
        outcomes = self.seen.setdefault((state, action), {})
        if not self.counts:
            outcomes.clear()
        entry = outcomes.setdefault((following, ended), [0, 0.0])
        entry[0] += 1
        entry[1] += (reward - entry[1]) / entry[0]

    def draw(self, pair: tuple[int, int], stream: Stream) -> tuple[float, int, bool]:
        outcomes = [(*key, *entry) for key, entry in self.seen[pair].items()]
        rank = 0
        if len(outcomes) > 1:
            rank = int(stream.random() * sum(count for _, _, count, _ in outcomes))
        for following, ended, count, reward in outcomes:
            if rank < count:
                return reward, following, ended
            rank -= count
        raise AssertionError


class Stream:
    """Draws as compiled models do."""

    def __init__(self, seed: int) -> None:
        self.source = SplitMix64(seed)

    def random(self) -> float:
        return (self.source.next_uint64() >> 11) * 2.0**-53

    def below(self, n: int) -> int:
        return ((self.source.next_uint64() >> 32) * n) >> 32


def best(row: list[float]) -> float:
    """Of a row of q; 0 where no action is legal."""
    return max(row) if max(row) > -math.inf else 0.0


class ReferenceSweeping:
    """Looks at every pair to find the most wrong one."""

    def __init__(
        self,
        q: list[list[float]],
        *,
        counts: bool,
        discount: float,
        step_size: float,
        threshold: float,
    ) -> None:
        self.q, self.model = q, LearnedModel(counts)
        self.discount, self.step_size, self.threshold = discount, step_size, threshold

    def backup(self, state: int, action: int) -> float:
        outcomes = self.model.seen[state, action]
        tries = sum(count for count, _ in outcomes.values())
        total = 0.0
        for (following, ended), (count, reward) in outcomes.items():
            value = 0.0 if ended else self.discount * best(self.q[following])
            total += count / tries * (reward + value)
        return total

    def errors(self) -> dict[tuple[int, int], float]:
        return {(s, a): abs(self.backup(s, a) - self.q[s][a]) for s, a in sorted(self.model.seen)}

    def sweep(self, updates: int) -> int:
        for done in range(updates):
            errors = self.errors()
            (state, action), error = max(errors.items(), key=lambda item: item[1])
            if error <= self.threshold:
                return done
            target = self.backup(state, action)
            if self.step_size == 1:
                self.q[state][action] = target
            else:
                self.q[state][action] += self.step_size * (target - self.q[state][action])
        return updates


class ReferenceDyna:
    """Dyna-Q; Dyna-Q+ where there is a bonus."""

    def __init__(
        self,
        q: list[list[float]],
        *,
        counts: bool,
        discount: float,
        step_size: float,
        bonus: float | None,
    ) -> None:
        self.q, self.model = q, LearnedModel(counts)
        self.discount, self.step_size, self.bonus = discount, step_size, bonus
        self.states: list[int] = []
        self.last_tried: dict[tuple[int, int], int] = {}
        self.now = 0

    def update(self, state: int, action: int, reward: float, following: int, ended: bool) -> None:
        value = 0.0 if ended else best(self.q[following])
        q = self.q[state][action]
        self.q[state][action] = q + self.step_size * (reward + self.discount * value - q)

    def learn(self, state: int, action: int, reward: float, following: int, ended: bool) -> None:
        self.model.add(state, action, reward, following, ended)
        if state not in self.states:
            self.states.append(state)
        self.now += 1
        self.last_tried[state, action] = self.now
        self.update(state, action, reward, following, ended)

    def plan(self, steps: int, seed: int) -> None:
        stream = Stream(seed)
        for _ in range(steps if self.states else 0):
            state = self.states[stream.below(len(self.states))]
            row = self.q[state]
            if self.bonus is None:
                actions = [a for a in range(len(row)) if (state, a) in self.model.seen]
            else:
                actions = [a for a in range(len(row)) if row[a] > -math.inf]
            pair = state, actions[stream.below(len(actions))]
            bonus = 0.0
            if self.bonus is not None:
                bonus = self.bonus * math.sqrt(self.now - self.last_tried.get(pair, 0))
            if pair in self.model.seen:
                reward, following, ended = self.model.draw(pair, stream)
                self.update(*pair, reward + bonus, following, ended)
            else:
                self.update(*pair, bonus, state, False)

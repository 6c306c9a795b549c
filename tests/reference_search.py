"""UCT in plain Python, as short as it can be said: what the compiled core must agree with.

It draws the same random numbers in the same order, and adds the same numbers in the same
order, so agreement is exact: every visit count and every bit of every value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mcts_service._core import SplitMix64

MASK = 2**64 - 1


def splitmix64(counter: int) -> tuple[int, int]:
    """(the next counter, the number drawn). Source: Steele, Lea and Flood (2014)."""
    counter = (counter + 0x9E3779B97F4A7C15) & MASK
    z = counter
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return counter, z ^ (z >> 31)


class Stream:
    """The random numbers of one simulation; native models draw from `bit_generator`."""

    def __init__(self, seed: int, simulation: int) -> None:
        key = splitmix64(seed)[1] ^ (simulation * 0xD1342543DE82EF95 & MASK)
        self.bit_generator = SplitMix64(splitmix64(key)[1])

    def draw(self) -> int:
        self.bit_generator.counter, number = splitmix64(self.bit_generator.counter)
        return number

    def random(self) -> float:
        return (self.draw() >> 11) * 2.0**-53

    def below(self, n: int) -> int:
        return ((self.draw() >> 32) * n) >> 32


def logarithm(n: int) -> float:
    """The natural logarithm by the series of the core: libraries differ in the last bit."""
    exponent = n.bit_length() - 1
    m = n / 2**exponent
    if m > math.sqrt(2):
        m, exponent = m / 2, exponent + 1
    s = (m - 1) / (m + 1)
    total = 0.0
    for k in range(11, -1, -1):
        total = total * (s * s) + 1 / (2 * k + 1)
    return exponent * 0.69314718055994531 + 2 * s * total


@dataclass
class Edge:
    action: int
    visits: int = 0
    value: float = 0.0
    #: (key, terminated) -> [visits, child, rewards]
    outcomes: dict[Any, list[Any]] = field(default_factory=dict)


@dataclass
class Node:
    state: Any
    terminal: bool = False
    visits: int = 0
    player: int = 0
    edges: list[Edge] = field(default_factory=list)


class ReferenceSearch:
    """One search from one root; `root` is its tree."""

    def __init__(
        self, model, state, *, seed, exploration, max_depth, horizon=None, use_value=False
    ):
        self.model, self.seed, self.exploration = model, seed, exploration
        self.players = getattr(model, "num_players", 1)
        self.discount = getattr(model, "discount", 1.0)
        self.deterministic = getattr(model, "deterministic", False)
        self.has_value = hasattr(model, "value")
        self.use_value = use_value
        self.bound_is_end = horizon is not None and horizon <= max_depth
        self.bound = horizon if self.bound_is_end else max_depth
        self.low, self.high = math.inf, -math.inf
        self.root = Node(state)

    def run(self, simulations: int) -> Node:
        for simulation in range(simulations):
            self.simulate(Stream(self.seed, simulation))
        return self.root

    def simulate(self, rng: Stream) -> None:
        node, path = self.root, []
        while True:
            if not node.edges:
                node.edges = [Edge(action) for action in self.legal(node.state)]
                node.player = self.player(node.state)
            edge = self.select(node, rng)
            child, rewards = self.follow(node, edge, rng)
            path.append((node, edge, rewards))
            node = child
            if node.visits == 0 or node.terminal or len(path) == self.bound:
                break
        self.backup(path, node, self.evaluate(node, len(path), rng))

    def select(self, node: Node, rng: Stream) -> Edge:
        untried = [edge for edge in node.edges if edge.visits == 0]
        if untried:
            return untried[rng.below(len(untried))]
        scale = 1 / (self.high - self.low) if self.high > self.low else 0.0
        spread = logarithm(node.visits)
        scores = [
            (edge.value - self.low) * scale + self.exploration * math.sqrt(spread / edge.visits)
            for edge in node.edges
        ]
        return node.edges[scores.index(max(scores))]

    def follow(self, node: Node, edge: Edge, rng: Stream) -> tuple[Node, list[float]]:
        if self.deterministic and edge.outcomes:
            [outcome] = edge.outcomes.values()
            outcome[0] += 1
            return outcome[1], outcome[2]
        state, reward, terminated = self.model.sample(node.state, edge.action, rng)
        rewards = [float(r) for r in np.atleast_1d(reward)]
        key = (self.key(state), bool(terminated))
        outcome = edge.outcomes.setdefault(key, [0, Node(state, bool(terminated)), rewards])
        outcome[0] += 1
        return outcome[1], rewards

    def evaluate(self, leaf: Node, depth: int, rng: Stream) -> list[float]:
        if leaf.terminal:
            return [0.0] * self.players
        if depth == self.bound:
            return self.at_bound(leaf.state)
        if self.use_value:
            return self.value(leaf.state)
        returns, weight, state, terminated = [0.0] * self.players, 1.0, leaf.state, False
        while not terminated and depth < self.bound:
            state, reward, terminated = self.model.sample(state, self.rollout(state, rng), rng)
            returns = [
                g + weight * r for g, r in zip(returns, np.atleast_1d(reward).tolist(), strict=True)
            ]
            weight *= self.discount
            depth += 1
        if not terminated and self.has_value and not self.bound_is_end:
            returns = [g + weight * v for g, v in zip(returns, self.value(state), strict=True)]
        return returns

    def backup(self, path, leaf: Node, returns: list[float]) -> None:
        leaf.visits += 1
        for node, edge, rewards in reversed(path):
            returns = [r + self.discount * g for r, g in zip(rewards, returns, strict=True)]
            value = returns[node.player]
            node.visits += 1
            edge.visits += 1
            edge.value += (value - edge.value) / edge.visits
            self.low, self.high = min(self.low, value), max(self.high, value)

    def at_bound(self, state) -> list[float]:
        if self.has_value and not self.bound_is_end:
            return self.value(state)
        return [0.0] * self.players

    def value(self, state) -> list[float]:
        return [float(v) for v in np.atleast_1d(self.model.value(state))]

    def rollout(self, state, rng: Stream) -> int:
        if hasattr(self.model, "rollout_action"):
            return self.model.rollout_action(state, rng)
        legal = self.legal(state)
        return legal[rng.below(len(legal))]

    def legal(self, state) -> list[int]:
        if hasattr(self.model, "legal_actions"):
            return sorted(self.model.legal_actions(state))
        return list(range(self.model.num_actions))

    def player(self, state) -> int:
        return self.model.current_player(state) if hasattr(self.model, "current_player") else 0

    def key(self, state) -> Any:
        if hasattr(self.model, "state_key"):
            return self.model.state_key(state)
        return (state + 0.0).tobytes() if isinstance(state, np.ndarray) else state

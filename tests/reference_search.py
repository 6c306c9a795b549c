"""UCT in plain Python, as short as it can be said: what the compiled core must agree with.

It draws the same random numbers in the same order, and adds the same numbers in the same
order, so agreement is exact: every visit count and every bit of every value.

A node stands for a state, or, where a simulation carries its state down the tree, for a history of
actions and observations or for a sequence of actions; then a node gets an edge for every action
that was ever legal there.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import reference_selection as selections
from reference_numbers import Range, exponential, logarithm

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


@dataclass
class Edge:
    action: int
    visits: int = 0
    value: float = 0.0
    #: squared deviations of the returns
    spread: float = 0.0
    #: (key, terminated) -> [visits, child, rewards], in the order in which they were seen
    outcomes: dict[Any, list[Any]] = field(default_factory=dict)


@dataclass
class Node:
    state: Any
    terminal: bool = False
    solved: bool = False
    visits: int = 0
    player: int = 0
    edges: list[Edge] = field(default_factory=list)
    ordered: bool = False


@dataclass(frozen=True)
class Leaf:
    """How a leaf is valued, where it is not by the model's value alone or a whole rollout."""

    constant: float | None = None
    value_weight: float | None = None
    rollout_depth: int | None = None
    random: bool = False
    decisive: bool = False


@dataclass(frozen=True)
class Widening:
    """How much of a node is looked at, by its visits; factors of 0: all of it."""

    actions: float = 0.0
    outcomes: float = 0.0
    exponent: float = 0.5

    def width(self, factor: float, visits: int) -> int:
        power = exponential(self.exponent * logarithm(max(visits, 1)))
        return max(1, math.ceil(factor * power))


class ReferenceSearch:
    """One search from one root; `root` is its tree.

    With another `outcome_key` than "state", `state` is a list of those that the root may be.
    """

    def __init__(
        self,
        model,
        state,
        *,
        seed,
        exploration,
        max_depth,
        horizon=None,
        use_value=False,
        outcome_key="state",
        selection="ucb1",
        temperature=0.05,
        leaf=None,
        widening=None,
    ):
        self.model, self.seed, self.exploration = model, seed, exploration
        self.players = getattr(model, "num_players", 1)
        self.discount = getattr(model, "discount", 1.0)
        self.outcome_key, self.carries = outcome_key, outcome_key != "state"
        self.deterministic = getattr(model, "deterministic", False) and not self.carries
        self.has_value = hasattr(model, "value")
        self.use_value = use_value
        self.selection, self.temperature = selection, temperature
        self.leaf = leaf or Leaf()
        self.widening = widening or Widening()
        self.bound_is_end = horizon is not None and horizon <= max_depth
        self.bound = horizon if self.bound_is_end else max_depth
        self.ranges: dict[int, Range] = defaultdict(Range)
        self.particles = state if self.carries else [state]
        self.root = Node(None if self.carries else state)
        self.choices(self.root, self.particles[0])

    def run(self, simulations: int) -> Node:
        for simulation in range(simulations):
            if self.root.solved:
                break
            self.simulate(Stream(self.seed, simulation))
        return self.root

    def simulate(self, rng: Stream) -> None:
        node, path, state = self.root, [], self.particles[0]
        if len(self.particles) > 1:
            state = self.particles[rng.below(len(self.particles))]
        while True:
            edge = self.select(node, self.choices(node, state), len(path), rng)
            child, state, rewards = self.follow(edge, state, rng)
            path.append((node, edge, rewards))
            node = child
            if node.visits == 0 or node.terminal or node.solved or len(path) == self.bound:
                break
        self.backup(path, node, self.evaluate(node, state, len(path), rng))

    def choices(self, node: Node, state) -> list[Edge]:
        """The edges to choose among."""
        if node.edges and not self.carries:
            return node.edges
        node.player, legal = self.player(state), self.legal(state)
        known = [edge.action for edge in node.edges]
        node.edges += [Edge(action) for action in legal if action not in known]
        return [edge for edge in node.edges if edge.action in legal]

    def select(self, node: Node, legal: list[Edge], depth: int, rng: Stream) -> Edge:
        legal = self.let_in(node, legal, rng)
        untried = [edge for edge in legal if edge.visits == 0]
        if untried:
            return untried[rng.below(len(untried))]
        others = sum(edge.visits for edge in node.edges) - sum(edge.visits for edge in legal)
        return legal[self.choose(legal, node.visits - others, self.range_at(depth), rng)]

    def let_in(self, node: Node, legal: list[Edge], rng: Stream) -> list[Edge]:
        """Those of the edges that a node has been visited often enough for."""
        if not self.widening.actions:
            return legal
        if not node.ordered:
            for i in range(len(node.edges), 1, -1):
                k = rng.below(i)
                node.edges[i - 1], node.edges[k] = node.edges[k], node.edges[i - 1]
            node.edges.sort(key=lambda edge: -getattr(edge, "prior", 0.0))
            node.ordered = True
        return node.edges[: self.widening.width(self.widening.actions, node.visits)]

    def choose(self, edges: list[Any], total: int, seen: Range, rng: Stream) -> int:
        """Among edges that have all been tried."""
        if self.selection == "thompson":
            return selections.thompson(edges, seen, self.exploration, rng)
        if self.selection == "ments":
            return selections.ments(edges, total, seen, self.exploration, self.temperature, rng)
        rule = {"ucb1": selections.ucb1, "ucb1_tuned": selections.ucb1_tuned}[self.selection]
        return rule(edges, total, seen, self.exploration)

    def follow(self, edge: Edge, state, rng: Stream) -> tuple[Node, Any, list[float]]:
        if self.deterministic and edge.outcomes:
            [outcome] = edge.outcomes.values()
            outcome[0] += 1
            return outcome[1], outcome[1].state, outcome[2]
        if self.is_full(edge):
            outcome = self.drawn(edge, rng)
            outcome[0] += 1
            return outcome[1], outcome[1].state, list(outcome[2])
        state, reward, terminated = self.model.sample(state, edge.action, rng)
        rewards = [float(r) for r in np.atleast_1d(reward)]
        key = (self.outcome(edge.action, state, rng), bool(terminated))
        child = Node(None if self.carries else state, bool(terminated))
        outcome = edge.outcomes.setdefault(key, [0, child, rewards])
        outcome[0] += 1
        if self.widening.outcomes:
            outcome[2] = [
                m + (r - m) / outcome[0] for m, r in zip(outcome[2], rewards, strict=True)
            ]
        return outcome[1], state if self.carries else outcome[1].state, rewards

    def is_full(self, edge: Edge) -> bool:
        """It leads to no other outcomes than those that it has led to."""
        width = self.widening.width(self.widening.outcomes, edge.visits)
        return bool(self.widening.outcomes) and len(edge.outcomes) >= width

    def drawn(self, edge: Edge, rng: Stream) -> list[Any]:
        """One of an edge's outcomes by how often they were seen; the core's list has the first one
        first, and then the newest.
        """
        first, *others = edge.outcomes.values()
        listed = [first, *reversed(others)]
        skip = int(rng.random() * sum(visits for visits, *_ in listed))
        for outcome in listed[:-1]:
            if skip < outcome[0]:
                return outcome
            skip -= outcome[0]
        return listed[-1]

    def outcome(self, action: int, state, rng: Stream) -> Any:
        """What tells the outcomes of an action apart."""
        if self.outcome_key == "none":
            return None
        if self.outcome_key == "observation":
            seen = self.model.observe(action, state, rng)
            return seen.tobytes() if isinstance(seen, np.ndarray) else seen
        return self.key(state)

    def evaluate(self, leaf: Node, state, depth: int, rng: Stream) -> list[float]:
        if leaf.terminal:
            return [0.0] * self.players
        if depth == self.bound:
            return self.at_bound(state)
        if self.use_value:
            return self.value(state)
        if self.leaf.constant is not None:
            return [self.leaf.constant] * self.players
        returns, weight, terminated = [0.0] * self.players, 1.0, False
        if self.leaf.value_weight is not None:
            returns = [self.leaf.value_weight * v for v in self.value(state)]
            weight = 1.0 - self.leaf.value_weight
        end = min(self.bound, depth + (self.leaf.rollout_depth or self.bound))
        while not terminated and depth < end:
            state, reward, terminated = self.model.sample(state, self.rollout(state, rng), rng)
            returns = [
                g + weight * r for g, r in zip(returns, np.atleast_1d(reward).tolist(), strict=True)
            ]
            weight *= self.discount
            depth += 1
        if not terminated and self.has_value and (end < self.bound or not self.bound_is_end):
            returns = [g + weight * v for g, v in zip(returns, self.value(state), strict=True)]
        return returns

    def backup(self, path, leaf: Node, returns: list[float]) -> None:
        leaf.visits += 1
        for depth in reversed(range(len(path))):
            node, edge, rewards = path[depth]
            returns = [r + self.discount * g for r, g in zip(rewards, returns, strict=True)]
            value = returns[node.player]
            node.visits += 1
            edge.visits += 1
            change = value - edge.value
            edge.value += change / edge.visits
            edge.spread += change * (value - edge.value)
            self.range_at(depth).add(value)

    def range_at(self, depth: int) -> Range:
        """Of the values that an edge at that depth is compared by."""
        return self.ranges[depth]

    def at_bound(self, state) -> list[float]:
        if self.has_value and not self.bound_is_end:
            return self.value(state)
        return [0.0] * self.players

    def value(self, state) -> list[float]:
        return [float(v) for v in np.atleast_1d(self.model.value(state))]

    def rollout(self, state, rng: Stream) -> int:
        if self.leaf.decisive:
            return self.decisive(state, rng)
        if hasattr(self.model, "rollout_action") and not self.leaf.random:
            return self.model.rollout_action(state, rng)
        legal = self.legal(state)
        return legal[rng.below(len(legal))]

    def decisive(self, state, rng: Stream) -> int:
        """A win; else one of the actions that let nobody win at once; else any."""
        legal = self.legal(state)
        winning = [action for action in legal if self.wins(state, action)]
        if winning:
            return winning[0]
        safe = [action for action in legal if not self.lets_win(state, action)]
        choice = safe or legal
        return choice[rng.below(len(choice))]

    def wins(self, state, action: int) -> bool:
        _, reward, terminated = self.model.sample(state, action, None)
        mine = np.atleast_1d(reward)[self.player(state)]
        return bool(terminated) and mine >= self.model.return_bounds[1]

    def lets_win(self, state, action: int) -> bool:
        following, _, terminated = self.model.sample(state, action, None)
        return not terminated and any(self.wins(following, a) for a in self.legal(following))

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

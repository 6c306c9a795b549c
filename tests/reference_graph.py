"""Shared nodes and Bellman backups in plain Python, on top of the reference search.

As there, it draws and adds in the order of the compiled core, so that agreement is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from reference_numbers import Range
from reference_search import ReferenceSearch, Stream
from reference_selection import soft_maximum

READ_ALL, ROTATE = 16, 4


@dataclass(eq=False)
class Outcome:
    node: GraphNode
    visits: int = 0
    weight: float = 0.0
    reward: float = 0.0
    used: float = 0.0


@dataclass
class GraphEdge:
    action: int
    visits: int = 0
    value: float = 0.0
    spread: float = 0.0
    sum: float = 0.0
    turn: Outcome | None = None
    #: The first one seen, then the others, the newest first.
    outcomes: list[Outcome] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)


@dataclass(eq=False)
class GraphNode:
    state: Any
    terminal: bool = False
    visits: int = 0
    player: int = 0
    value: float = 0.0
    solved: bool = False
    depth: int = 0
    edges: list[GraphEdge] = field(default_factory=list)


class ReferenceGraph(ReferenceSearch):
    """`sharing` none, depth or state; `backup` mean, bellman, max or soft; `trial`: no leaves."""

    def __init__(self, model, state, *, sharing, backup, trial=False, **rest):
        super().__init__(model, state, **rest)
        self.sharing, self.bellman, self.trial = sharing, backup != "mean", trial
        self.soft = backup == "soft"
        knows = backup in ("bellman", "soft")
        self.exact = knows and not self.deterministic and hasattr(model, "transitions")
        self.nodes: dict[Any, GraphNode] = {}
        self.steps = self.settled_steps = 0
        self.root = self.node_of(state, False, 0)
        self.expand(self.root, 0)

    def run(self, simulations: int) -> GraphNode:
        for simulation in range(simulations):
            if self.root.solved:
                break
            self.simulate(Stream(self.seed, simulation))
            done = simulation + 1
            if self.bellman and self.sharing == "state" and done >= 16 and done & (done - 1) == 0:
                self.settle()
        return self.root

    def simulate(self, rng: Stream) -> None:
        node, path = self.root, []
        while True:
            if not node.edges:
                self.expand(node, len(path))
            edge = self.select_at(node, len(path), rng)
            outcome, rewards = self.step(node, edge, len(path), rng)
            path.append((node, edge, outcome, rewards))
            node = outcome.node
            fresh = node.visits == 0 and not self.trial
            if fresh or node.terminal or node.solved or len(path) == self.bound:
                break
        self.back_up(path, node, self.worth(node, len(path), rng))
        self.steps += len(path)

    # ---- the graph

    def node_of(self, state, terminated: bool, depth: int) -> GraphNode:
        new = GraphNode(state, terminated, solved=terminated, depth=depth)
        if self.sharing == "none":
            return new
        at = depth if self.sharing == "depth" else None
        return self.nodes.setdefault((self.key(state), terminated, at), new)

    def outcome_of(self, edge: GraphEdge, state, terminated: bool, depth: int) -> Outcome:
        for outcome in edge.outcomes:
            known = outcome.node
            if (self.key(known.state), known.terminal) == (self.key(state), terminated):
                return outcome
        outcome = Outcome(self.node_of(state, terminated, depth))
        edge.outcomes.insert(1, outcome)
        return outcome

    def expand(self, node: GraphNode, depth: int) -> None:
        node.edges = [GraphEdge(action) for action in self.legal(node.state)]
        node.player = self.player(node.state)
        if self.exact and self.model.max_outcomes <= READ_ALL:
            for edge in node.edges:
                self.expand_outcomes(node, edge, depth)

    def expand_outcomes(self, node: GraphNode, edge: GraphEdge, depth: int) -> None:
        for p, state, reward, terminated in self.model.transitions(node.state, edge.action):
            outcome = self.outcome_of(edge, state, bool(terminated), depth + 1)
            outcome.weight += p
            outcome.reward += p / outcome.weight * (float(reward) - outcome.reward)
        self.read_all(edge)
        edge.value = edge.sum

    # ---- one step

    def select_at(self, node: GraphNode, depth: int, rng: Stream) -> GraphEdge:
        untried = [edge for edge in node.edges if edge.visits == 0]
        if untried:
            return untried[rng.below(len(untried))]
        if self.bellman:
            for edge in node.edges:
                self.read(edge)
        return node.edges[self.choose(node.edges, node.visits, self.range_at(depth), rng)]

    def step(self, node: GraphNode, edge: GraphEdge, depth: int, rng: Stream):
        if self.exact and not edge.outcomes:
            self.expand_outcomes(node, edge, depth)
        if self.exact and len(edge.outcomes) <= READ_ALL:
            outcome = self.draw(edge, rng)
            return outcome, [outcome.reward]
        if self.deterministic and edge.outcomes:
            return edge.outcomes[0], edge.rewards
        state, reward, terminated = self.model.sample(node.state, edge.action, rng)
        edge.rewards = [float(r) for r in np.atleast_1d(reward)]
        return self.outcome_of(edge, state, bool(terminated), depth + 1), edge.rewards

    def draw(self, edge: GraphEdge, rng: Stream) -> Outcome:
        if len(edge.outcomes) == 1:
            return edge.outcomes[0]
        drawn, cumulative = rng.random(), 0.0
        for outcome in edge.outcomes:
            cumulative += outcome.weight
            if drawn < cumulative:
                break
        return outcome

    def worth(self, leaf: GraphNode, depth: int, rng: Stream) -> list[float]:
        if leaf.solved and self.bellman:
            return [leaf.value]
        return self.evaluate(leaf, leaf.state, depth, rng)

    # ---- backup

    def back_up(self, path, leaf: GraphNode, returns: list[float]) -> None:
        leaf.visits += 1
        if self.bellman and not leaf.edges:
            at_end = len(path) == self.bound and self.bound_is_end
            leaf.solved = leaf.solved or (at_end and self.sharing != "state")
            leaf.value += (returns[0] - leaf.value) / leaf.visits
        for depth in reversed(range(len(path))):
            node, edge, outcome, rewards = path[depth]
            returns = [r + self.discount * g for r, g in zip(rewards, returns, strict=True)]
            node.visits += 1
            edge.visits += 1
            outcome.visits += 1
            if self.bellman:
                self.improve(node, edge, outcome, rewards[0])
                learned = returns[0] if self.soft else edge.value
            else:
                learned = returns[node.player]
                change = learned - edge.value
                edge.value += change / edge.visits
                edge.spread += change * (learned - edge.value)
            self.range_at(depth).add(learned)

    def improve(self, node: GraphNode, edge: GraphEdge, outcome: Outcome, reward: float) -> None:
        if self.deterministic:
            self.read(edge)
        else:
            if not self.exact:
                outcome.weight += 1
                edge.sum += reward + self.discount * outcome.used
                outcome.reward += (reward - outcome.reward) / outcome.weight
            self.refresh(edge, outcome)
            edge.value = edge.sum / (1.0 if self.exact else edge.visits)
        for other in node.edges:
            if other is not edge and len(other.outcomes) <= READ_ALL:
                self.read(other)
        node.value = self.value_of(node)
        self.solve(node)

    def solve(self, node: GraphNode) -> None:
        knows_all = self.deterministic or self.exact
        if knows_all and all(
            self.known(edge) and all(o.node.solved for o in edge.outcomes) for edge in node.edges
        ):
            for edge in node.edges:
                self.read(edge, whole=True)
            node.value = self.value_of(node)
            node.solved = True

    def value_of(self, node: GraphNode) -> float:
        values = [edge.value for edge in node.edges if self.known(edge)]
        if not self.soft:
            return max(values)
        return soft_maximum(values, self.range_at(node.depth), self.temperature)

    def range_at(self, depth: int) -> Range:
        return self.ranges[0 if self.sharing == "state" else depth]

    def settle(self) -> None:
        left, self.settled_steps = (self.steps - self.settled_steps) // 2, self.steps
        seen = self.range_at(0)
        nothing = 1e-9 * (seen.high - seen.low) if seen.high > seen.low else 0.0
        change, sweep = math.inf, []
        while change > nothing and left > 0:
            sweep = list(reversed(self.nodes.values()))[:left]
            change = max(map(self.settle_node, sweep))
            left -= len(sweep)
        knows_all = self.deterministic or self.exact
        is_whole = knows_all and change <= nothing and len(sweep) == len(self.nodes)
        off = 1e-6 * (seen.high - seen.low) * (1 - self.discount) if seen.values else 0.0
        is_whole = is_whole and change * self.discount <= off
        if is_whole and all(map(self.is_closed, self.nodes.values())):
            for node in self.nodes.values():
                node.solved = True

    def is_closed(self, node: GraphNode) -> bool:
        """There is nothing left to try in it, and all of it has been read."""
        if node.solved or node.terminal:
            return True
        return bool(node.edges) and all(
            self.known(edge) and len(edge.outcomes) <= READ_ALL for edge in node.edges
        )

    def settle_node(self, node: GraphNode) -> float:
        if not node.edges or node.solved or not all(map(self.known, node.edges)):
            return 0.0
        for edge in node.edges:
            self.read(edge)
        before, node.value = node.value, self.value_of(node)
        change = abs(node.value - before)
        self.solve(node)
        return change

    def known(self, edge: GraphEdge) -> bool:
        return bool(edge.outcomes) if self.exact else edge.visits > 0

    def read(self, edge: GraphEdge, whole: bool = False) -> None:
        if not self.known(edge):
            return
        if self.deterministic:
            edge.value = edge.rewards[0] + self.discount * edge.outcomes[0].node.value
            return
        if whole or len(edge.outcomes) <= READ_ALL:
            self.read_all(edge)
        else:
            self.rotate(edge)
        edge.value = edge.sum / (1.0 if self.exact else float(edge.visits))

    def read_all(self, edge: GraphEdge) -> None:
        edge.sum = 0.0
        for outcome in edge.outcomes:
            outcome.used = outcome.node.value
            edge.sum += outcome.weight * (outcome.reward + self.discount * outcome.used)

    def rotate(self, edge: GraphEdge) -> None:
        """`turn` is the outcome to go on with: a list grows in front of it, so it is no index."""
        at = 0 if edge.turn is None else edge.outcomes.index(edge.turn)
        for _ in range(ROTATE):
            self.refresh(edge, edge.outcomes[at])
            at = (at + 1) % len(edge.outcomes)
        edge.turn = edge.outcomes[at] if at else None

    def refresh(self, edge: GraphEdge, outcome: Outcome) -> None:
        value = outcome.node.value
        edge.sum += outcome.weight * self.discount * (value - outcome.used)
        outcome.used = value

"""Proven values in plain Python, on top of the reference search."""

from __future__ import annotations

from typing import Any

from reference_search import Edge, Node, ReferenceSearch, Stream


class ReferenceProving(ReferenceSearch):
    """Of a deterministic model with `return_bounds`: nodes whose value is exact are solved."""

    def evaluate(self, leaf: Node, state: Any, depth: int, rng: Stream) -> list[float]:
        return self.proven(leaf) if leaf.solved else super().evaluate(leaf, state, depth, rng)

    def backup(self, path: Any, leaf: Node, returns: list[float]) -> None:
        leaf.visits += 1
        below = leaf
        for depth in reversed(range(len(path))):
            node, edge, rewards = path[depth]
            exact = is_exact(below)
            if exact:
                returns = self.proven(below)
            returns = [r + self.discount * g for r, g in zip(rewards, returns, strict=True)]
            value = returns[node.player]
            node.visits += 1
            edge.visits += 1
            if exact:
                edge.value = value
                is_best = value >= self.model.return_bounds[1]
                node.solved = is_best or all(map(leads_to_exact, node.edges))
            else:
                edge.value += (value - edge.value) / edge.visits
            self.range_at(depth).add(value)
            below = node

    def proven(self, node: Node) -> list[float]:
        """What an exact node is worth: the rewards along its best line."""
        returns, weight = [0.0] * self.players, 1.0
        while not node.terminal:
            best = max(filter(leads_to_exact, node.edges), key=lambda edge: edge.value)
            [(_, node, rewards)] = best.outcomes.values()
            returns = [g + weight * r for g, r in zip(returns, rewards, strict=True)]
            weight *= self.discount
        return returns


def is_exact(node: Node) -> bool:
    return node.terminal or node.solved


def leads_to_exact(edge: Edge) -> bool:
    return edge.visits > 0 and all(is_exact(child) for _, child, _ in edge.outcomes.values())

"""Selection among edges that have been tried, in plain Python: all rules but those with priors.

`edges` are what there is to choose among; `total` is the node's visits among them.
"""

from __future__ import annotations

import math
from typing import Any

from reference_numbers import Range, exponential, inverse, logarithm


def ucb1(edges: list[Any], total: int, seen: Range, exploration: float) -> int:
    spread = logarithm(total)
    return first_best(
        seen.scaled(edge.value) + exploration * math.sqrt(spread / edge.visits) for edge in edges
    )


def ucb1_tuned(edges: list[Any], total: int, seen: Range, exploration: float) -> int:
    spread = logarithm(total)

    def score(edge: Any) -> float:
        variance = scaled_spread(edge, seen) / edge.visits + math.sqrt(2 * spread / edge.visits)
        bonus = math.sqrt(spread / edge.visits * min(variance, 0.25))
        return seen.scaled(edge.value) + exploration * bonus

    return first_best(map(score, edges))


def thompson(edges: list[Any], seen: Range, exploration: float, rng: Any) -> int:
    def score(edge: Any) -> float:
        n = edge.visits
        variance = (0.25 + scaled_spread(edge, seen)) / (n * (n + 1))
        return seen.scaled(edge.value) + exploration * normal(rng) * math.sqrt(variance)

    return first_best(map(score, edges))


def ments(edges: list[Any], total: int, seen: Range, exploration: float, t: float, rng: Any) -> int:
    if rng.random() * (10 * logarithm(total + 1)) < exploration * len(edges):
        return rng.below(len(edges))
    scores = [seen.scaled(edge.value) / t for edge in edges]
    weights = [exponential(score - max(scores)) for score in scores]
    sum_of_weights = 0.0
    for weight in weights:
        sum_of_weights += weight
    left = rng.random() * sum_of_weights
    for chosen, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return chosen
    return len(edges) - 1


def soft_maximum(values: list[float], seen: Range, temperature: float) -> float:
    best = max(values)
    scale = inverse(seen.low, seen.high)
    if scale == 0.0:
        return best
    t = temperature / scale
    total = 0.0
    for value in values:
        total += exponential((value - best) / t)
    return best + t * logarithm(total)


def scaled_spread(edge: Any, seen: Range) -> float:
    scale = inverse(seen.low, seen.high)
    return max(0.0, edge.spread * scale * scale)


def normal(rng: Any) -> float:
    while True:
        x = 2 * rng.random() - 1
        y = 2 * rng.random() - 1
        square = x * x + y * y
        if 1e-300 <= square < 1:
            return x * math.sqrt(-2 * logarithm(square) / square)


def first_best(scores: Any) -> int:
    scores = list(scores)
    return scores.index(max(scores))

"""Selection by priors in plain Python, on top of the reference search: PUCT and Gumbel.

As there, numbers are added in the order of the compiled core, so that agreement is exact: sums run
over the edges in the order of their actions, and a formula is computed from left to right.

A node is opened when it is first valued. It then has the model's priors over its legal actions,
and the model's value v, the own value of the node, which counts as one visit. No choice is random:
of equal scores the lowest action wins.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reference_numbers import exponential, inverse, logarithm
from reference_search import Edge, Node, ReferenceSearch, Stream

#: Below this a prior counts as this much where tried actions are weighed by their priors, as mctx
#: does: with a weight of zero each they would have no mean. The smallest normal float32.
LEAST_WEIGHT = 2.0**-126


@dataclass
class PriorEdge(Edge):
    prior: float = 0.0


class PriorSearch(ReferenceSearch):
    """What PUCT and Gumbel share; each says how an action is selected and recommended.

    The model gives `prior(state)`, a number >= 0 for each of its `num_actions` actions, those of
    illegal ones ignored, and `value(state)`. Without `prior` all legal actions are equal.
    """

    def __init__(self, model, state, *, seed=0, exploration=1.0, max_depth, horizon=None, **rest):
        super().__init__(
            model,
            state,
            seed=seed,
            exploration=exploration,
            max_depth=max_depth,
            horizon=horizon,
            use_value=True,
            **rest,
        )

    def choices(self, node: Node, state) -> list[Edge]:
        if not node.edges:
            node.player = self.player(state)
            node.edges = [PriorEdge(a, prior=p) for a, p in self.priors(state).items()]
        return node.edges

    def priors(self, state) -> dict[int, float]:
        legal = self.legal(state)
        given = self.model.prior(state) if hasattr(self.model, "prior") else None
        weights = [1.0 if given is None else float(given[action]) for action in legal]
        total = added(weights)
        if total == 0:
            return dict.fromkeys(legal, 1 / len(legal))
        return {action: w / total for action, w in zip(legal, weights, strict=True)}

    def select(self, node: Node, legal: list[Edge], depth: int, rng: Stream) -> Edge:
        width = len(self.let_in(node, legal, rng))
        scores = self.scores(node)[:width]
        return node.edges[scores.index(max(scores))]

    def scores(self, node: Node) -> list[float]:
        raise NotImplementedError

    def own_value(self, node: Node) -> float:
        """v, from the side of the player to move."""
        return self.value(node.state)[node.player]

    def node_value(self, node: Node) -> float:
        """V, the mean of all that was backed up through the node, its own value included."""
        passed_on = (edge.visits * edge.value for edge in node.edges)
        return added(passed_on, self.own_value(node)) / (1 + tried(node))


class PuctSearch(PriorSearch):
    """AlphaZero's rule with MuZero's rescaling of values.

    `noise` is added to the priors of the root: (fraction, one number per legal action).
    `value_bounds` are known bounds of values, used in place of the lowest and highest at a node.
    Sources: Silver et al. (2018); Schrittwieser et al. (2020), appendix B.
    """

    def __init__(self, model, state, *, noise=None, value_bounds=None, **rest):
        super().__init__(model, state, **rest)
        self.value_bounds = value_bounds
        if noise is not None:
            fraction, numbers = noise
            for edge, number in zip(self.root.edges, numbers, strict=True):
                edge.prior = (1 - fraction) * edge.prior + fraction * number

    def scores(self, node: Node) -> list[float]:
        n = 1 + tried(node)
        growth = 1.25 + logarithm((n + 19652 + 1) / 19652)
        return [
            value + self.exploration * growth * math.sqrt(n) * edge.prior / (1 + edge.visits)
            for edge, value in zip(node.edges, self.scaled_values(node), strict=True)
        ]

    def scaled_values(self, node: Node) -> list[float]:
        """The values in [0, 1]; untried actions count as the lowest."""
        low, high = self.value_bounds or self.bounds(node)
        return [rescaled(edge.value if edge.visits else low, low, high) for edge in node.edges]

    def bounds(self, node: Node) -> tuple[float, float]:
        values = [self.node_value(node), *(edge.value for edge in node.edges if edge.visits)]
        return min(values), max(values)

    def recommended(self) -> int:
        return max(self.root.edges, key=lambda edge: (edge.visits, edge.value)).action


class GumbelSearch(PriorSearch):
    """Sequential halving at the root, and below it visits in proportion to an improved policy.

    `simulations` is how many will be run. `gumbel` has one number per legal action of the root.
    Values are scaled by (`visit_offset` + the most visits) * `value_scale`, once they have been
    brought to [0, 1] by their range, or by `value_bounds`.
    Source: Danihelka et al. (2022), sections 3 to 5 and appendix D.
    """

    def __init__(
        self,
        model,
        state,
        *,
        simulations,
        gumbel=None,
        considered=16,
        value_scale=0.1,
        visit_offset=50.0,
        value_bounds=None,
        **rest,
    ):
        super().__init__(model, state, **rest)
        self.gumbel = gumbel or [0.0] * len(self.root.edges)
        self.value_scale, self.visit_offset = value_scale, visit_offset
        self.value_bounds = value_bounds
        self.schedule = considered_visits(min(considered, len(self.root.edges)), simulations)

    def scores(self, node: Node) -> list[float]:
        if node is self.root:
            return self.root_scores(self.schedule[tried(node)])
        n = 1 + tried(node)
        return [
            probability - edge.visits / n
            for edge, probability in zip(node.edges, softmax(self.logits(node)), strict=True)
        ]

    def root_scores(self, visits: int) -> list[float]:
        """The scores at the root, where only actions with this many visits are considered."""
        return [
            logit + g if edge.visits == visits else -math.inf
            for edge, g, logit in zip(
                self.root.edges, self.gumbel, self.logits(self.root), strict=True
            )
        ]

    def logits(self, node: Node) -> list[float]:
        """Of the improved policy: the logarithms of the priors plus the scaled values."""
        values = self.completed_values(node)
        low, high = self.value_bounds or (min(values), max(values))
        values = [rescaled(value, low, high) for value in values]
        scale = (self.visit_offset + max(edge.visits for edge in node.edges)) * self.value_scale
        return [
            logarithm(max(LEAST_WEIGHT, edge.prior)) + scale * value
            for edge, value in zip(node.edges, values, strict=True)
        ]

    def completed_values(self, node: Node) -> list[float]:
        """The values, with one mixed of the node's own and those of tried actions for the rest."""
        known = [edge for edge in node.edges if edge.visits]
        mixed = self.own_value(node)
        if known:
            weights = [max(LEAST_WEIGHT, edge.prior) for edge in known]
            weighted = added(w * edge.value for w, edge in zip(weights, known, strict=True))
            n = tried(node)
            mixed = (mixed + n * (weighted / added(weights))) / (1 + n)
        return [edge.value if edge.visits else mixed for edge in node.edges]

    def recommended(self) -> int:
        scores = self.root_scores(max(edge.visits for edge in self.root.edges))
        return self.root.edges[scores.index(max(scores))].action


def considered_visits(num_considered: int, simulations: int) -> list[int]:
    """For each simulation, how many visits an action must have to be considered at the root.

    Each phase visits the actions left equally often and then drops the worse half of them.
    Source: Karnin, Koren and Somekh (2013), as applied by Danihelka et al. (2022).
    """
    if num_considered == 1:
        return list(range(simulations))
    phases = (num_considered - 1).bit_length()
    schedule: list[int] = []
    visits, left = 0, num_considered
    while len(schedule) < simulations:
        for _ in range(max(1, simulations // (phases * left))):
            schedule += [visits] * left
            visits += 1
        left = max(2, left // 2)
    return schedule[:simulations]


def tried(node: Node) -> int:
    """How many simulations went on from the node."""
    return sum(edge.visits for edge in node.edges)


def added(numbers: Iterable[float], start: float = 0.0) -> float:
    """The sum from left to right: `sum` rounds otherwise since Python 3.12."""
    for number in numbers:
        start += number
    return start


def rescaled(value: float, low: float, high: float) -> float:
    return (value - low) * inverse(low, high)


def softmax(logits: list[float]) -> list[float]:
    highest = max(logits)
    weights = [exponential(logit - highest) for logit in logits]
    total = added(weights)
    return [weight / total for weight in weights]

"""Policies: state -> D(action), and by drawing from it state -> action."""

from mcts_service.policies.distribution import ActionDistribution
from mcts_service.policies.from_q import EpsilonGreedy, Greedy, LegalActions, QFunction, Softmax
from mcts_service.policies.table import TabularPolicy
from mcts_service.policies.uniform import Uniform

__all__ = [
    "ActionDistribution",
    "EpsilonGreedy",
    "Greedy",
    "LegalActions",
    "QFunction",
    "Softmax",
    "TabularPolicy",
    "Uniform",
]

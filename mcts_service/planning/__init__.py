"""Choosing actions with a model at decision time."""

from mcts_service.planning.belief import Belief
from mcts_service.planning.budget import Budget
from mcts_service.planning.config import SearchConfig
from mcts_service.planning.mcts import MCTS, CancelFlag
from mcts_service.planning.plan import (
    ActionStatistics,
    Plan,
    PrincipalVariationStep,
    StopReason,
)
from mcts_service.planning.prioritized_sweeping import PrioritizedSweeping
from mcts_service.planning.sweep_model import SweptModel, prioritized_sweeping
from mcts_service.planning.unfinished import UnfinishedPlan
from mcts_service.planning.visit_policy import VisitPolicy

__all__ = [
    "MCTS",
    "ActionStatistics",
    "Belief",
    "Budget",
    "CancelFlag",
    "Plan",
    "PrincipalVariationStep",
    "PrioritizedSweeping",
    "SearchConfig",
    "StopReason",
    "SweptModel",
    "UnfinishedPlan",
    "VisitPolicy",
    "prioritized_sweeping",
]

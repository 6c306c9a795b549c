"""Planning with a model: at decision time by search, in the background by backups."""

from mcts_service.planning.asynchronous import (
    asynchronous_value_iteration,
    prioritized_value_iteration,
)
from mcts_service.planning.backward_induction import backward_induction
from mcts_service.planning.belief import Belief
from mcts_service.planning.budget import Budget
from mcts_service.planning.config import SearchConfig
from mcts_service.planning.continuous_batch import ContinuousBatch
from mcts_service.planning.expectation import q_from_v, q_table_from_v
from mcts_service.planning.kept_tree import KeptTree
from mcts_service.planning.mcts import MCTS, CancelFlag
from mcts_service.planning.modified_policy_iteration import modified_policy_iteration
from mcts_service.planning.plan import (
    ActionStatistics,
    Plan,
    PrincipalVariationStep,
    StopReason,
)
from mcts_service.planning.plans import Plans
from mcts_service.planning.policy_evaluation import evaluate_policy
from mcts_service.planning.policy_iteration import policy_iteration
from mcts_service.planning.prioritized_sweeping import PrioritizedSweeping
from mcts_service.planning.solution import HorizonSolution, Solution
from mcts_service.planning.sweep_model import SweptModel, prioritized_sweeping
from mcts_service.planning.unfinished import UnfinishedPlan
from mcts_service.planning.value_iteration import value_iteration
from mcts_service.planning.visit_policy import VisitPolicy

__all__ = [
    "MCTS",
    "ActionStatistics",
    "Belief",
    "Budget",
    "CancelFlag",
    "ContinuousBatch",
    "HorizonSolution",
    "KeptTree",
    "Plan",
    "Plans",
    "PrincipalVariationStep",
    "PrioritizedSweeping",
    "SearchConfig",
    "Solution",
    "StopReason",
    "SweptModel",
    "UnfinishedPlan",
    "VisitPolicy",
    "asynchronous_value_iteration",
    "backward_induction",
    "evaluate_policy",
    "modified_policy_iteration",
    "policy_iteration",
    "prioritized_sweeping",
    "prioritized_value_iteration",
    "q_from_v",
    "q_table_from_v",
    "value_iteration",
]

"""Planning for many callers at once: models by name, budgets, queues. No gRPC in here."""

from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.config import ModelConfig, ServerConfig, ServerSettings
from mcts_service.service.config_file import read_config
from mcts_service.service.engine import Engine
from mcts_service.service.entry import ModelEntry, describe_model
from mcts_service.service.loading import load_models
from mcts_service.service.margin import DeadlineMargin
from mcts_service.service.query import BatchOutcome, BatchQuery, BatchRow, PlanOutcome, PlanQuery
from mcts_service.service.registry import Registry

__all__ = [
    "BatchOutcome",
    "BatchQuery",
    "BatchRow",
    "BudgetLimits",
    "DeadlineMargin",
    "Engine",
    "ModelConfig",
    "ModelEntry",
    "PlanOutcome",
    "PlanQuery",
    "Registry",
    "ServerConfig",
    "ServerSettings",
    "describe_model",
    "load_models",
    "read_config",
]

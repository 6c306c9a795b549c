"""A client of mcts_service: NumPy in, typed plans out, one exception for each way to fail.

    from mcts_client import PlannerClient

    with PlannerClient("localhost:50051") as client:
        plan = client.plan("connect_four", "4455", simulations=10_000)
        print(plan.action, plan.value)

Importing it loads gRPC and NumPy, and nothing compiled of mcts_service.
"""

from mcts_client.async_client import AsyncPlannerClient
from mcts_client.async_pipeline import AsyncPipeline
from mcts_client.client import PlannerClient
from mcts_client.errors import (
    BudgetTooLarge,
    Cancelled,
    DeadlineExpired,
    FieldViolation,
    InvalidRequest,
    MCTSServiceError,
    ModelFault,
    NoLegalAction,
    Overloaded,
    ReplicaLost,
    TerminalState,
    Unauthenticated,
    UnknownModel,
)
from mcts_client.pipeline import Pipeline
from mcts_client.results import (
    ActionSpec,
    ActionStatistics,
    BatchPlan,
    Budget,
    ModelId,
    ModelInfo,
    ModelSummary,
    Plan,
    PrincipalVariationStep,
    SearchOptions,
    StateSpec,
    StopReason,
)
from mcts_client.settings import SearchSettings
from mcts_client.simulator import ModelServer, serve_model
from mcts_client.tls import Tls

__all__ = [
    "ActionSpec",
    "ActionStatistics",
    "AsyncPipeline",
    "AsyncPlannerClient",
    "BatchPlan",
    "Budget",
    "BudgetTooLarge",
    "Cancelled",
    "DeadlineExpired",
    "FieldViolation",
    "InvalidRequest",
    "MCTSServiceError",
    "ModelFault",
    "ModelId",
    "ModelInfo",
    "ModelServer",
    "ModelSummary",
    "NoLegalAction",
    "Overloaded",
    "Pipeline",
    "Plan",
    "PlannerClient",
    "PrincipalVariationStep",
    "ReplicaLost",
    "SearchOptions",
    "SearchSettings",
    "StateSpec",
    "StopReason",
    "TerminalState",
    "Tls",
    "Unauthenticated",
    "UnknownModel",
    "serve_model",
]

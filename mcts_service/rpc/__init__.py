"""The service over gRPC: messages in and out, errors to statuses, one server."""

from mcts_service.rpc.server import PlannerServer, serve
from mcts_service.rpc.status import STATUS_CODES

__all__ = ["STATUS_CODES", "PlannerServer", "serve"]

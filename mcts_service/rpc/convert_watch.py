"""A request for improving plans, and its answers."""

from __future__ import annotations

from mcts_service.checks import require_number
from mcts_service.planning.watched import LEAST_INTERVAL
from mcts_service.rpc.convert_plan import plan_response
from mcts_service.rpc.durations import seconds
from mcts_service.service.query import PlanOutcome, PlanQuery
from mcts_service.v1 import planner_pb2

__all__ = ["interval", "watch_response"]


def interval(request: planner_pb2.WatchPlanRequest) -> float | None:
    """Seconds from one improving plan to the next; None: they come at doublings.

    Raises:
      InvalidRequest: it is too short, or no length of time.
    """
    if not request.HasField("interval"):
        return None
    return require_number("interval", seconds(request.interval, "interval"), LEAST_INTERVAL, 1e9)


def watch_response(query: PlanQuery, outcome: PlanOutcome) -> planner_pb2.WatchPlanResponse:
    """One of the answers."""
    return planner_pb2.WatchPlanResponse(
        plan=plan_response(query, outcome), final=outcome.plan.is_final
    )

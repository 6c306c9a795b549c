"""PlannerService: each call is read, handed to the service, and answered.

An error ends a call as its exception; `raw_handlers` gives it its status.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial

from mcts_service.checks import shown
from mcts_service.rpc.convert_batch_plan import batch_response
from mcts_service.rpc.convert_batch_query import batch_query
from mcts_service.rpc.convert_model import model_response, model_summary
from mcts_service.rpc.convert_plan import plan_query, plan_response
from mcts_service.rpc.convert_watch import interval, watch_response
from mcts_service.rpc.plan_stream import PlanStream
from mcts_service.rpc.raw_handlers import Context
from mcts_service.service.engine import Engine
from mcts_service.service.margin import ReplyClock
from mcts_service.service.query import PlanQuery
from mcts_service.service.registry import Registry
from mcts_service.service.watching import improving_outcomes
from mcts_service.v1 import planner_pb2

__all__ = ["PlannerServicer"]

logger = logging.getLogger("mcts_service")

#: Rows times actions of a batch that is answered in less than a millisecond.
_FEW_ENTRIES = 1024

_PLAN_BATCH = "/mcts_service.v1.PlannerService/PlanBatch"


class PlannerServicer:
    """The methods of mcts_service.v1.PlannerService."""

    def __init__(
        self,
        registry: Registry,
        engine: Engine,
        clock: ReplyClock,
        batch_clock: ReplyClock,
        *,
        draining: asyncio.Event,
        max_in_flight_per_stream: int,
    ) -> None:
        """Answers for these models.

        Args:
          clock, batch_clock: what replies take, of single plans and of batches.
          draining: set when the server begins to shut down.
          max_in_flight_per_stream: plans of one PlanMany.
        """
        self._registry = registry
        # Built once: an example's encoding may be the model's own code.
        self._descriptions = {entry: model_response(entry) for entry in registry.entries}
        self._engine = engine
        self._clock = clock
        self._batch_clock = batch_clock
        self._draining = draining
        self._max_in_flight = max_in_flight_per_stream

    async def Plan(  # noqa: N802 (the name on the wire)
        self, request: planner_pb2.PlanRequest, context: Context
    ) -> planner_pb2.PlanResponse:
        """The best action for a state. Cancelling the call cancels the search."""
        return await self._planned("Plan", request, context.time_remaining())

    async def WatchPlan(  # noqa: N802 (the name on the wire)
        self, request: planner_pb2.WatchPlanRequest, context: Context
    ) -> AsyncGenerator[planner_pb2.WatchPlanResponse, None]:
        """Improving plans, and a final one. Cancelling the call cancels the search."""
        query = self._query("WatchPlan", request.plan, context.time_remaining())
        search = partial(self._engine.watch, query, interval(request))
        async with aclosing(improving_outcomes(search)) as outcomes:
            async for outcome in outcomes:
                yield watch_response(query, outcome)

    async def PlanMany(  # noqa: N802 (the name on the wire)
        self, requests: AsyncIterator[planner_pb2.PlanManyRequest], context: Context
    ) -> None:
        """Many plans on one stream. Cancelling the call cancels all searches."""

        async def plan(
            request: planner_pb2.PlanRequest, timeout: float | None
        ) -> planner_pb2.PlanResponse:
            limits = [left for left in (timeout, context.time_remaining()) if left is not None]
            return await self._planned("PlanMany", request, min(limits, default=None))

        stream = PlanStream(plan, context.write, self._max_in_flight)
        await stream.serve(requests, self._draining)

    async def PlanBatch(  # noqa: N802 (the name on the wire)
        self, request: planner_pb2.PlanBatchRequest, context: Context
    ) -> planner_pb2.PlanBatchResponse:
        """A plan for each of many states. Cancelling the call cancels all searches."""
        received = time.monotonic()
        _log_request("PlanBatch", request)
        entry = self._registry.find(request.model, request.model_version)
        time_remaining = context.time_remaining()
        query = batch_query(request, entry, received=received, time_remaining=time_remaining)
        outcome = await self._engine.plan_batch(query)
        if len(query.rows) * entry.max_actions <= _FEW_ENTRIES:
            response = batch_response(query, outcome, _PLAN_BATCH)
        else:
            # In another thread: a thousand rows take long enough for others to notice.
            response = await asyncio.to_thread(batch_response, query, outcome, _PLAN_BATCH)
        self._batch_clock.observe(time.monotonic() - outcome.finished)
        return response

    async def ListModels(  # noqa: N802 (the name on the wire)
        self, request: planner_pb2.ListModelsRequest, context: Context
    ) -> planner_pb2.ListModelsResponse:
        """The names of the models."""
        models = [model_summary(entry) for entry in self._registry.entries]
        return planner_pb2.ListModelsResponse(models=models)

    async def GetModel(  # noqa: N802 (the name on the wire)
        self, request: planner_pb2.GetModelRequest, context: Context
    ) -> planner_pb2.GetModelResponse:
        """All about one model."""
        return self._descriptions[self._registry.find(request.model, request.model_version)]

    def _query(
        self, method: str, request: planner_pb2.PlanRequest, time_remaining: float | None
    ) -> PlanQuery:
        """A request that has just been received, read; seconds until its deadline, or None."""
        received = time.monotonic()
        _log_request(method, request)
        entry = self._registry.find(request.model, request.model_version)
        return plan_query(request, entry, received=received, time_remaining=time_remaining)

    async def _planned(
        self, method: str, request: planner_pb2.PlanRequest, time_remaining: float | None
    ) -> planner_pb2.PlanResponse:
        """The answer to a request; arguments as of `_query`."""
        query = self._query(method, request, time_remaining)
        outcome = await self._engine.plan(query)
        response = plan_response(query, outcome)
        self._clock.observe(time.monotonic() - outcome.finished)
        return response


def _log_request(
    method: str, request: planner_pb2.PlanRequest | planner_pb2.PlanBatchRequest
) -> None:
    """A line for a request that the caller has named."""
    if request.request_id:
        logger.info("%s %s: request %s", method, shown(request.model), shown(request.request_id))

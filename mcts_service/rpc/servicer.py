"""PlannerService: each call is read, handed to the service, and answered.

An error ends a call as its exception; `raw_handlers` gives it its status.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

from mcts_service.rpc.caller import caller_of, identity_of
from mcts_service.rpc.convert_batch_plan import batch_response
from mcts_service.rpc.convert_batch_query import batch_query
from mcts_service.rpc.convert_model import model_response, model_summary
from mcts_service.rpc.convert_plan import plan_query, plan_response
from mcts_service.rpc.convert_watch import interval, watch_response
from mcts_service.rpc.plan_stream import PlanStream
from mcts_service.rpc.raw_handlers import Context
from mcts_service.service.call_record import EndedCall
from mcts_service.service.catalogue import Catalogue
from mcts_service.service.engine import Engine
from mcts_service.service.margin import ReplyClock, ReplyClocks
from mcts_service.service.observer import Observer
from mcts_service.service.query import BatchOutcome, PlanOutcome, PlanQuery
from mcts_service.service.registry import Registry
from mcts_service.service.watching import improving_outcomes
from mcts_service.v1 import planner_pb2

__all__ = ["PlannerServicer"]

#: Rows times actions of a batch that is answered in less than a millisecond.
_FEW_ENTRIES = 1024

_PLAN_BATCH = "/mcts_service.v1.PlannerService/PlanBatch"


class PlannerServicer:
    """The methods of mcts_service.v1.PlannerService."""

    def __init__(
        self,
        registry: Registry,
        engine: Engine,
        clocks: ReplyClocks,
        batch_clocks: ReplyClocks,
        observer: Observer,
        ended: EndedCall,
        *,
        draining: asyncio.Event,
        max_in_flight_per_stream: int,
    ) -> None:
        """Answers for these models.

        Args:
          clocks, batch_clocks: what replies take, of single plans and of batches.
          observer: is told of what was searched.
          ended: is told of each plan of a stream.
          draining: set when the server begins to shut down.
          max_in_flight_per_stream: plans of one PlanMany.
        """
        self._catalogue = Catalogue(registry)
        # Built once: an example's encoding may be the model's own code.
        self._descriptions = {entry: model_response(entry) for entry in registry.entries}
        self._engine = engine
        self._clocks = clocks
        self._batch_clocks = batch_clocks
        self._observer, self._ended = observer, ended
        self._draining = draining
        self._max_in_flight = max_in_flight_per_stream

    async def Plan(  # noqa: N802 (the name on the wire)
        self, request: planner_pb2.PlanRequest, context: Context
    ) -> planner_pb2.PlanResponse:
        """The best action for a state. Cancelling the call cancels the search."""
        query = self._query(request, context, context.time_remaining())
        outcome = await self._engine.plan(query)
        self._tell(query, outcome)
        _observe_reply(context, self._clocks.of(query.model.name), outcome)
        return plan_response(query, outcome)

    async def WatchPlan(  # noqa: N802 (the name on the wire)
        self, request: planner_pb2.WatchPlanRequest, context: Context
    ) -> AsyncGenerator[planner_pb2.WatchPlanResponse, None]:
        """Improving plans, and a final one. Cancelling the call cancels the search."""
        query = self._query(request.plan, context, context.time_remaining())
        search = partial(self._engine.watch, query, interval(request))
        async with aclosing(improving_outcomes(search)) as outcomes:
            async for outcome in outcomes:
                if outcome.plan.is_final:
                    self._tell(query, outcome)
                yield watch_response(query, outcome)

    async def PlanMany(  # noqa: N802 (the name on the wire)
        self, requests: AsyncIterator[planner_pb2.PlanManyRequest], context: Context
    ) -> None:
        """Many plans on one stream. Cancelling the call cancels all searches."""

        async def plan(
            request: planner_pb2.PlanRequest, timeout: float | None
        ) -> planner_pb2.PlanResponse:
            limits = [left for left in (timeout, context.time_remaining()) if left is not None]
            query = self._query(request, context, min(limits, default=None))
            outcome = await self._engine.plan(query)
            self._tell(query, outcome)
            response = plan_response(query, outcome)
            clock = self._clocks.of(query.model.name)
            clock.observe(time.monotonic() - outcome.finished, was_cut=outcome.was_cut)
            return response

        stream = PlanStream(plan, context.write, self._ended, self._max_in_flight)
        await stream.serve(requests, self._draining)

    async def PlanBatch(  # noqa: N802 (the name on the wire)
        self, request: planner_pb2.PlanBatchRequest, context: Context
    ) -> planner_pb2.PlanBatchResponse:
        """A plan for each of many states. Cancelling the call cancels all searches."""
        received = time.monotonic()
        entry = self._models(context).find(request.model, request.model_version)
        query = batch_query(
            request,
            entry,
            received=received,
            time_remaining=context.time_remaining(),
            caller=caller_of(context),
        )
        outcome = await self._engine.plan_batch(query)
        self._observer.searched(entry.name, int(outcome.plans.simulations.sum()))
        _observe_reply(context, self._batch_clocks.of(entry.name), outcome)
        if len(query.rows) * entry.max_actions <= _FEW_ENTRIES:
            return batch_response(query, outcome, _PLAN_BATCH)
        # In another thread: a thousand rows take long enough for others to notice.
        return await asyncio.to_thread(batch_response, query, outcome, _PLAN_BATCH)

    async def ListModels(  # noqa: N802 (the name on the wire)
        self, request: planner_pb2.ListModelsRequest, context: Context
    ) -> planner_pb2.ListModelsResponse:
        """The names of the models."""
        models = [model_summary(entry) for entry in self._models(context).entries]
        return planner_pb2.ListModelsResponse(models=models)

    async def GetModel(  # noqa: N802 (the name on the wire)
        self, request: planner_pb2.GetModelRequest, context: Context
    ) -> planner_pb2.GetModelResponse:
        """All about one model."""
        return self._descriptions[self._models(context).find(request.model, request.model_version)]

    def _models(self, context: Context) -> Registry:
        """The models that the caller may use; of any other it learns nothing."""
        return self._catalogue.of(identity_of(context))

    def _tell(self, query: PlanQuery, outcome: PlanOutcome) -> None:
        """Tells the observer of a search."""
        self._observer.searched(query.model.name, outcome.plan.simulations)
        if query.session_id:
            self._observer.session_found(query.model.name, outcome.plan.reused_simulations > 0)

    def _query(
        self, request: planner_pb2.PlanRequest, context: Context, time_remaining: float | None
    ) -> PlanQuery:
        """A request that has just been received, read; seconds until its deadline, or None."""
        received = time.monotonic()
        return plan_query(
            request,
            self._models(context).find(request.model, request.model_version),
            received=received,
            time_remaining=time_remaining,
            caller=caller_of(context),
        )


def _observe_reply(
    context: Context, clock: ReplyClock, outcome: PlanOutcome | BatchOutcome
) -> None:
    """Notes what replying takes, once the reply has been sent."""
    finished, was_cut = outcome.finished, outcome.was_cut

    def sent(_: Any) -> None:
        clock.observe(time.monotonic() - finished, was_cut=was_cut)

    # Its stubs name a class where any function will do.
    context.add_done_callback(sent)  # type: ignore[arg-type]

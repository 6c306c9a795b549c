"""Plans on a stream, by a server that does as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc

from mcts_client._load.stream import StreamMode
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

Many = Callable[[AsyncIterator[Any], Any], AsyncIterator[Any]]


@asynccontextmanager
async def mode_on(many: Many) -> AsyncIterator[StreamMode]:
    """The mode, on a server whose PlanMany that is."""

    class Servicer(planner_pb2_grpc.PlannerServiceServicer):
        async def PlanMany(  # noqa: N802
            self, requests: AsyncIterator[Any], context: Any
        ) -> AsyncIterator[Any]:
            async for response in many(requests, context):
                yield response

    server = grpc.aio.server()
    planner_pb2_grpc.add_PlannerServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            mode = StreamMode(planner_pb2_grpc.PlannerServiceStub(channel))
            yield mode
            await mode.close()
    finally:
        await server.stop(None)


def plan(request: Any, simulations: int) -> planner_pb2.PlanManyResponse:
    response = planner_pb2.PlanResponse(simulations=simulations)
    return planner_pb2.PlanManyResponse(request_id=request.request_id, plan=response)


def asked(simulations: int) -> planner_pb2.PlanRequest:
    return planner_pb2.PlanRequest(budget=planner_pb2.Budget(simulations=simulations))


async def test_answers_find_their_plans_in_whatever_order_they_come() -> None:
    async def backwards(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        taken = [await anext(requests) for _ in range(3)]
        for request in reversed(taken):
            yield plan(request, request.plan.budget.simulations)

    async with mode_on(backwards) as mode:
        attempts = (mode.attempt(asked(number), 60.0) for number in (1, 2, 3))
        answers = await asyncio.gather(*attempts)
    assert [answer.simulations for answer, _ in answers] == [1, 2, 3]
    assert {answer.code for answer, _ in answers} == {grpc.StatusCode.OK}


async def test_an_error_is_that_of_its_plan_alone() -> None:
    async def refuse_odd(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            response = plan(request, 1)
            if request.plan.budget.simulations % 2:
                response.error.code = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
                response.error.message = "full"
            yield response

    async with mode_on(refuse_odd) as mode:
        odd, _ = await mode.attempt(asked(1), 60.0)
        even, _ = await mode.attempt(asked(2), 60.0)
    assert (odd.code, odd.message) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "full")
    assert even.code is grpc.StatusCode.OK


async def test_a_plan_without_an_answer_in_time_is_given_up_and_cancelled() -> None:
    cancelled = asyncio.Event()

    async def silent(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            if request.WhichOneof("kind") == "cancel":
                cancelled.set()
            assert request.WhichOneof("kind") == "cancel" or request.timeout.nanos > 0
        yield  # never reached: a generator all the same

    async with mode_on(silent) as mode:
        answer, _ = await mode.attempt(asked(1), 0.2)
        assert answer.code is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(cancelled.wait(), 60)


async def test_a_stream_that_ends_fails_what_it_carried_and_the_next_opens_another() -> None:
    streams = 0

    async def break_once(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        nonlocal streams
        streams += 1
        request = await anext(requests)
        if streams == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "going down")
        yield plan(request, 1)

    async with mode_on(break_once) as mode:
        lost, _ = await mode.attempt(asked(1), 60.0)
        found, _ = await mode.attempt(asked(1), 60.0)
    assert (lost.code, lost.message) == (grpc.StatusCode.UNAVAILABLE, "going down")
    assert found.code is grpc.StatusCode.OK


async def test_a_stream_that_the_server_closes_in_order_leaves_its_plans_unavailable() -> None:
    async def close(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        await anext(requests)
        return
        yield

    async with mode_on(close) as mode:
        answer, _ = await mode.attempt(asked(1), 60.0)
    assert answer.code is grpc.StatusCode.UNAVAILABLE

"""Many plans in flight on one stream, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Concatenate, ParamSpec

import grpc

from mcts_client import _calls
from mcts_client._flights import Flights, Message
from mcts_client._status import error_from, is_of_writing
from mcts_client.errors import Cancelled, MCTSServiceError, ReplicaLost
from mcts_client.results import Plan
from mcts_service.v1 import planner_pb2_grpc

__all__ = ["AsyncPipeline"]

Arguments = ParamSpec("Arguments")

#: For a stream to end once all is answered, in seconds.
_LAST_WAIT = 5.0


def _awaited(
    build: Callable[Arguments, _calls.Call[Any, Plan]],
) -> Callable[Concatenate[AsyncPipeline, Arguments], Coroutine[Any, Any, Plan]]:
    """The method that builds a call with `build` and awaits its result."""

    @_calls.as_method(build)
    async def method(
        self: AsyncPipeline, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Plan:
        future: asyncio.Future[Plan] = asyncio.get_running_loop().create_future()
        self._flights.launch(build(*args, **kwargs), future)
        return await future

    return method


class AsyncPipeline:
    """Plans on one stream of an `AsyncPlannerClient`: no call a plan, and none waits for another.

        async with client.pipeline() as pipeline:
            plans = await asyncio.gather(
                *(pipeline.plan("taxi", state, simulations=1_000) for state in range(10))
            )

    As `Pipeline`, but that `plan` is awaited: cancelling its task cancels the search.
    """

    def __init__(
        self,
        stub: planner_pb2_grpc.PlannerServiceStub,
        *,
        target: str,
        timeout: float | None,
        max_attempts: int,
    ) -> None:
        """`AsyncPlannerClient.pipeline` makes it."""
        loop = asyncio.get_running_loop()
        self._idle = asyncio.Event()
        self._flights = Flights(
            open_stream=lambda flights: _Stream(stub, target, flights),
            call_later=loop.call_later,
            settle=_settle,
            idle=self._idle,
            target=target,
            timeout=timeout,
            max_attempts=max_attempts,
        )

    plan = _awaited(_calls.plan)

    async def close(self) -> None:
        """Takes no more plans, and waits for those in flight."""
        self._flights.close()
        await self._idle.wait()
        stream = self._flights.stream
        if isinstance(stream, _Stream):
            await stream.end()

    async def __aenter__(self) -> AsyncPipeline:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._flights.abandon()
        await self.close()


def _settle(future: asyncio.Future[Plan], outcome: Plan | MCTSServiceError) -> None:
    if future.done():
        return
    if isinstance(outcome, Plan):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


class _Stream:
    """One call of PlanMany, with a task that sends and one that reads."""

    def __init__(
        self, stub: planner_pb2_grpc.PlannerServiceStub, target: str, flights: Flights
    ) -> None:
        self._target, self._flights = target, flights
        self._outgoing: asyncio.Queue[Message | None] = asyncio.Queue()
        self._call: Any = stub.PlanMany()
        self._writer = asyncio.ensure_future(self._write())
        self._reader = asyncio.ensure_future(self._read())

    def send(self, message: Message) -> None:
        self._outgoing.put_nowait(message)

    async def end(self) -> None:
        """Half-closes it, and sees to its end."""
        self._outgoing.put_nowait(None)
        await asyncio.wait({self._reader}, timeout=_LAST_WAIT)
        self._call.cancel()

    async def _write(self) -> None:
        while (make := await self._outgoing.get()) is not None:
            message = make()
            if message is not None:
                await self._call.write(message)
        await self._call.done_writing()

    async def _read(self) -> None:
        error: MCTSServiceError | None = None
        try:
            async for response in self._call:
                self._flights.answered(self, response)
        except grpc.RpcError as failure:
            if is_of_writing(failure):
                error = ReplicaLost(f"{self._target} has ended the stream")
            else:
                error = error_from(failure, self._target, "")
            error.__cause__ = failure
        except asyncio.CancelledError:  # by the channel that was closed
            error = Cancelled("the call was cancelled")
        finally:
            # If it has failed, it was for the same reason.
            self._writer.cancel()
            self._writer.add_done_callback(lambda writer: writer.cancelled() or writer.exception())
            self._flights.ended(self, error)

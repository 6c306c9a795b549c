"""The client for asyncio: each call is awaited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import grpc

from mcts_client import _batch, _calls, _checks, _watch
from mcts_client._channel import channel_options, channel_target
from mcts_client._security import Token, channel_credentials, token_source, with_token
from mcts_client._status import error_from
from mcts_client.async_pipeline import AsyncPipeline
from mcts_client.tls import Tls
from mcts_service.v1 import planner_pb2_grpc

__all__ = ["AsyncPlannerClient"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _awaited(
    build: Callable[Arguments, _calls.Call[Any, Result]],
) -> Callable[Concatenate[AsyncPlannerClient, Arguments], Coroutine[Any, Any, Result]]:
    """The method that builds a call with `build` and awaits its result."""

    @_calls.as_method(build)
    async def method(
        self: AsyncPlannerClient, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        return await self._answer(build(*args, **kwargs))

    return method


def _iterated(
    build: Callable[Arguments, _calls.Call[Any, Result]],
) -> Callable[Concatenate[AsyncPlannerClient, Arguments], AsyncIterator[Result]]:
    """The method that builds a call with `build` and iterates over its results."""

    @_calls.as_method(build, AsyncIterator)
    def method(
        self: AsyncPlannerClient, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> AsyncIterator[Result]:
        return self._answers(build(*args, **kwargs))

    return method


class AsyncPlannerClient:
    """Plans on a server, from a running event loop. Many calls may be in flight at once.

        async with AsyncPlannerClient("localhost:50051") as client:
            plans = await asyncio.gather(
                *(client.plan("taxi", state, simulations=1_000) for state in range(10))
            )

    Cancelling the task that awaits a call cancels the search on the server.
    """

    def __init__(
        self,
        target: str | Sequence[str],
        *,
        timeout: float | None = None,
        tls: bool | Tls = False,
        token: Token | None = None,
        token_file: str | os.PathLike[str] | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        max_attempts: int = 4,
        wait_for_ready: bool = False,
        route_by_session: bool = False,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """Connects with the first call. The arguments are those of `PlannerClient`.

        Raises:
          InvalidRequest: an argument is wrong.
          RuntimeError: no event loop is running.
        """
        asyncio.get_running_loop()  # a channel made outside of it would serve another loop
        self._target = channel_target(target)
        self._timeout, self._max_attempts = _checks.timeout(timeout), max_attempts
        arguments = channel_options(
            max_attempts=max_attempts,
            wait_for_ready=wait_for_ready,
            route_by_session=route_by_session,
            options=options,
        )
        secure = channel_credentials(tls, credentials)
        own_token = token_source(
            token, token_file, target=self._target, is_encrypted=secure is not None
        )
        if secure is None:
            self._channel = grpc.aio.insecure_channel(self._target, arguments)
        else:
            self._channel = grpc.aio.secure_channel(self._target, secure, arguments)
        self._stub = with_token(planner_pb2_grpc.PlannerServiceStub(self._channel), own_token)

    plan = _awaited(_calls.plan)
    watch = _iterated(_watch.watch)
    plan_batch = _awaited(_batch.plan_batch)
    list_models = _awaited(_calls.list_models)
    get_model = _awaited(_calls.get_model)

    def pipeline(self) -> AsyncPipeline:
        """Many plans in flight on one stream, which costs less than a call for each.

        async with client.pipeline() as pipeline:
            plan = await pipeline.plan("taxi", 7, simulations=1_000)
        """
        return AsyncPipeline(
            self._stub,
            target=self._target,
            timeout=self._timeout,
            max_attempts=self._max_attempts,
        )

    async def close(self) -> None:
        """Closes the connection; calls in flight are cancelled."""
        await self._channel.close()

    async def __aenter__(self) -> AsyncPlannerClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _answer(self, call: _calls.Call[Any, Result]) -> Result:
        try:
            response = await getattr(self._stub, call.method)(
                call.request, timeout=call.deadline(self._timeout), metadata=call.metadata
            )
        except grpc.RpcError as error:
            raise error_from(error, self._target, call.model) from error
        return call.read(response)

    def _answers(self, call: _calls.Call[Any, Result]) -> AsyncIterator[Result]:
        responses = getattr(self._stub, call.method)(
            call.request, timeout=call.deadline(self._timeout), metadata=call.metadata
        )
        return self._read_all(call, responses)

    async def _read_all(
        self, call: _calls.Call[Any, Result], responses: Any
    ) -> AsyncIterator[Result]:
        try:
            async for response in responses:
                yield call.read(response)
        except grpc.RpcError as error:
            raise error_from(error, self._target, call.model) from error
        finally:
            responses.cancel()

"""The client for ordinary code: each call waits for its answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import grpc

from mcts_client import _batch, _calls, _checks, _watch
from mcts_client._channel import channel_options, channel_target
from mcts_client._security import Token, channel_credentials, token_source, with_token
from mcts_client._status import error_from
from mcts_client.pipeline import Pipeline
from mcts_client.tls import Tls
from mcts_service.v1 import planner_pb2_grpc

__all__ = ["PlannerClient"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _blocking(
    build: Callable[Arguments, _calls.Call[Any, Result]],
) -> Callable[Concatenate[PlannerClient, Arguments], Result]:
    """The method that builds a call with `build` and waits for its result."""

    @_calls.as_method(build)
    def method(self: PlannerClient, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return self._answer(build(*args, **kwargs))

    return method


def _iterated(
    build: Callable[Arguments, _calls.Call[Any, Result]],
) -> Callable[Concatenate[PlannerClient, Arguments], Iterator[Result]]:
    """The method that builds a call with `build` and iterates over its results."""

    @_calls.as_method(build, Iterator)
    def method(
        self: PlannerClient, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Iterator[Result]:
        return self._answers(build(*args, **kwargs))

    return method


class PlannerClient:
    """Plans on a server. Safe to share between threads; one connection serves them all.

    with PlannerClient("localhost:50051") as client:
        plan = client.plan("frozen_lake_4x4", 0, simulations=1_000)
        print(plan.action, plan.value)
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
        """Connects with the first call.

        Args:
          target: HOST:PORT, or any name that gRPC resolves; or several HOST:PORT, whose names are
            looked up now.
          timeout: deadline of a call that gives none, in seconds; None: see `plan`.
          tls: True: encrypted, to a server whose certificate a public authority has signed; with
            a `Tls`, to one of your own. False: not, unless there are `credentials`.
          token: goes with every call, over TLS or within this machine only; or a function that
            gives the one that is valid now, asked at each call.
          token_file: in its place, a file with nothing else; it may change.
          credentials: in place of `tls`, as `grpc.secure_channel` takes them.
          max_attempts: tries a call, the first included, 1 .. 5; 1 for no retries.
          wait_for_ready: a call waits for a server that is not there yet, up to its deadline.
          route_by_session: of several servers, all plans with one `session_id` go to the same one
            while it is there, and then to another; other calls to any. Without it, calls go round
            those that are there.
          options: channel arguments, as `grpc.insecure_channel` takes them.

        Raises:
          InvalidRequest: an argument is wrong.
        """
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
            self._channel = grpc.insecure_channel(self._target, arguments)
        else:
            self._channel = grpc.secure_channel(self._target, secure, arguments)
        self._stub = with_token(planner_pb2_grpc.PlannerServiceStub(self._channel), own_token)

    plan = _blocking(_calls.plan)
    watch = _iterated(_watch.watch)
    plan_batch = _blocking(_batch.plan_batch)
    list_models = _blocking(_calls.list_models)
    get_model = _blocking(_calls.get_model)

    def pipeline(self) -> Pipeline:
        """Many plans in flight on one stream, which costs less than a call for each.

        with client.pipeline() as pipeline:
            futures = [pipeline.plan("taxi", state, simulations=1_000) for state in range(10)]
        """
        return Pipeline(
            self._stub,
            target=self._target,
            timeout=self._timeout,
            max_attempts=self._max_attempts,
        )

    def close(self) -> None:
        """Closes the connection; calls in flight end as `Cancelled`."""
        self._channel.close()

    def __enter__(self) -> PlannerClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self, call: _calls.Call[Any, Result]) -> Result:
        try:
            response = getattr(self._stub, call.method)(
                call.request, timeout=call.deadline(self._timeout), metadata=call.metadata
            )
        except grpc.RpcError as error:
            raise error_from(error, self._target, call.model) from error
        return call.read(response)

    def _answers(self, call: _calls.Call[Any, Result]) -> Iterator[Result]:
        responses = getattr(self._stub, call.method)(
            call.request, timeout=call.deadline(self._timeout), metadata=call.metadata
        )
        return self._read_all(call, responses)

    def _read_all(self, call: _calls.Call[Any, Result], responses: Any) -> Iterator[Result]:
        try:
            for response in responses:
                yield call.read(response)
        except grpc.RpcError as error:
            raise error_from(error, self._target, call.model) from error
        finally:
            responses.cancel()

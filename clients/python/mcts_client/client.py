"""The client for ordinary code: each call waits for its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import grpc

from mcts_client import _batch, _calls, _checks, _watch
from mcts_client._channel import channel_options, check_target
from mcts_client._status import error_from
from mcts_client.pipeline import Pipeline
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
        target: str,
        *,
        timeout: float | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        max_attempts: int = 4,
        wait_for_ready: bool = False,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """Connects with the first call.

        Args:
          target: HOST:PORT, or any name that gRPC resolves.
          timeout: deadline of a call that gives none, in seconds; None: see `plan`.
          credentials: for TLS, from `grpc.ssl_channel_credentials`; None: no encryption.
          max_attempts: tries a call, the first included, 1 .. 5; 1 for no retries.
          wait_for_ready: a call waits for a server that is not there yet, up to its deadline.
          options: channel arguments, as `grpc.insecure_channel` takes them.

        Raises:
          InvalidRequest: an argument is wrong.
        """
        self._target = check_target(target)
        self._timeout, self._max_attempts = _checks.timeout(timeout), max_attempts
        arguments = channel_options(
            max_attempts=max_attempts, wait_for_ready=wait_for_ready, options=options
        )
        if credentials is None:
            self._channel = grpc.insecure_channel(target, arguments)
        else:
            self._channel = grpc.secure_channel(target, credentials, arguments)
        self._stub = planner_pb2_grpc.PlannerServiceStub(self._channel)

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
                call.request, timeout=call.deadline(self._timeout)
            )
        except grpc.RpcError as error:
            raise error_from(error, self._target, call.model) from error
        return call.read(response)

    def _answers(self, call: _calls.Call[Any, Result]) -> Iterator[Result]:
        responses = getattr(self._stub, call.method)(
            call.request, timeout=call.deadline(self._timeout)
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

"""Many plans in flight on one stream, for ordinary code."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Concatenate, ParamSpec

import grpc

from mcts_client import _calls
from mcts_client._alarms import Alarms
from mcts_client._flights import Flights, Message
from mcts_client._status import error_from
from mcts_client.errors import MCTSServiceError
from mcts_client.results import Plan
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

__all__ = ["Pipeline"]

Arguments = ParamSpec("Arguments")

#: For a stream to end once all is answered, in seconds.
_LAST_WAIT = 5.0


def _launched(
    build: Callable[Arguments, _calls.Call[Any, Plan]],
) -> Callable[Concatenate[Pipeline, Arguments], Future[Plan]]:
    """The method that builds a call with `build` and gives a future of its result."""

    @_calls.as_method(build, Future)
    def method(
        self: Pipeline, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Plan]:
        future: Future[Plan] = Future()
        self._flights.launch(build(*args, **kwargs), future)
        return future

    return method


class Pipeline:
    """Plans on one stream of a `PlannerClient`: no call a plan, and none waits for another.

        with client.pipeline() as pipeline:
            futures = [pipeline.plan("taxi", state, simulations=1_000) for state in range(10)]
            plans = [future.result() for future in futures]

    `plan` has the arguments and the errors of the client's own, and gives a future at once. To
    cancel it ends the search on the server. What comes to nothing because a server died, shut down
    or had no room is sent again, on another stream if need be, as calls are. To leave the block
    waits for what is in flight; by an exception that is cancelled. Safe to share between threads.

    A stream goes to one server, so with `route_by_session` the plans of a session do not find the
    server that has its tree: make those by `plan`.
    """

    def __init__(
        self,
        stub: planner_pb2_grpc.PlannerServiceStub,
        *,
        target: str,
        timeout: float | None,
        max_attempts: int,
    ) -> None:
        """`PlannerClient.pipeline` makes it."""
        self._stub, self._target = stub, target
        self._alarms, self._idle = Alarms(), threading.Event()
        self._flights = Flights(
            open_stream=lambda flights: _Stream(stub, target, flights),
            call_later=self._alarms.call_later,
            settle=_settle,
            idle=self._idle,
            target=target,
            timeout=timeout,
            max_attempts=max_attempts,
        )

    plan = _launched(_calls.plan)

    def close(self) -> None:
        """Takes no more plans, and waits for those in flight."""
        self._flights.close()
        self._idle.wait()
        stream = self._flights.stream
        if isinstance(stream, _Stream):
            stream.end()
        self._alarms.close()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._flights.abandon()
        self.close()


def _settle(future: Future[Plan], outcome: Plan | MCTSServiceError) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Plan):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


class _Stream:
    """One call of PlanMany. gRPC sends from a thread of its own; another reads here."""

    def __init__(
        self, stub: planner_pb2_grpc.PlannerServiceStub, target: str, flights: Flights
    ) -> None:
        self._target, self._flights = target, flights
        self._outgoing: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._call = stub.PlanMany(self._messages())
        self._reader = threading.Thread(target=self._read, name="mcts-pipeline", daemon=True)
        self._reader.start()

    def send(self, message: Message) -> None:
        self._outgoing.put(message)

    def end(self) -> None:
        """Half-closes it, and sees to its end."""
        self._outgoing.put(None)
        self._reader.join(_LAST_WAIT)
        self._call.cancel()

    def _messages(self) -> Iterator[planner_pb2.PlanManyRequest]:
        while (make := self._outgoing.get()) is not None:
            message = make()
            if message is not None:
                yield message

    def _read(self) -> None:
        error: MCTSServiceError | None = None
        try:
            for response in self._call:
                self._flights.answered(self, response)
        except grpc.RpcError as failure:
            error = error_from(failure, self._target, "")
            error.__cause__ = failure
        finally:
            self._outgoing.put(None)  # so that the thread that sends does not wait for ever
            self._flights.ended(self, error)

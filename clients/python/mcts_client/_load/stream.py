"""Calls that travel on one stream a connection: `PlanMany`.

It speaks to the stub and not through `AsyncPlannerClient.pipeline`, which sends a plan again by
itself and gives errors as exceptions: here each attempt counts, and each status.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, ClassVar

import grpc

from mcts_client._load.records import Answer, code_of
from mcts_client._load.retries import pushback
from mcts_client._status import is_of_writing
from mcts_service.v1 import planner_pb2

__all__ = ["StreamMode"]

_Message = Callable[[], "planner_pb2.PlanManyRequest | None"]

#: What an attempt comes to, as `retries.answer_of` wants it.
_Attempt = tuple[Answer, "float | None"]


class StreamMode:
    """One state, one plan, no call a plan. Where the stream has ended, the next opens another."""

    request_type: ClassVar[Any] = planner_pb2.PlanRequest

    def __init__(self, stub: Any) -> None:
        self._stub = stub
        self._stream: _Stream | None = None
        self._names = map(str, itertools.count(1))

    def write_seeds(self, request: planner_pb2.PlanRequest, seed: int) -> None:
        request.seed = seed % 2**64

    async def attempt(self, request: planner_pb2.PlanRequest, seconds_left: float) -> _Attempt:
        if self._stream is None or self._stream.has_ended:
            self._stream = _Stream(self._stub)
        return await self._stream.answer(next(self._names), request, seconds_left)

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.close()


class _Stream:
    """A call of PlanMany.

    Attributes:
      has_ended: whether it can answer no more.
    """

    def __init__(self, stub: Any) -> None:
        self.has_ended = False
        self._waiting: dict[str, asyncio.Future[_Attempt]] = {}
        self._sent: set[str] = set()  # and not answered
        self._outgoing: asyncio.Queue[_Message] = asyncio.Queue()
        self._call = stub.PlanMany(self._requests())
        self._reading = asyncio.create_task(self._read())

    async def answer(
        self, name: str, request: planner_pb2.PlanRequest, seconds_left: float
    ) -> _Attempt:
        """Sends a plan under a name of its own, and waits for what comes of it."""
        future: asyncio.Future[_Attempt] = asyncio.get_running_loop().create_future()
        self._waiting[name] = future
        end = time.monotonic() + seconds_left
        self._outgoing.put_nowait(partial(self._message, name, request, end))
        try:
            return await asyncio.wait_for(future, seconds_left)
        except asyncio.TimeoutError:
            self._outgoing.put_nowait(partial(self._cancel_message, name))
            late = "no answer came within the deadline"
            return Answer(grpc.StatusCode.DEADLINE_EXCEEDED, message=late), None
        finally:
            del self._waiting[name]

    async def close(self) -> None:
        """Ends it, with whatever it carries."""
        self.has_ended = True
        self._call.cancel()
        self._reading.cancel()
        await asyncio.gather(self._reading, self._call.code(), return_exceptions=True)

    async def _requests(self) -> AsyncIterator[planner_pb2.PlanManyRequest]:
        while True:
            message = (await self._outgoing.get())()
            if message is not None:
                yield message

    def _message(
        self, name: str, request: planner_pb2.PlanRequest, end: float
    ) -> planner_pb2.PlanManyRequest | None:
        """What to send, at the moment of sending: None once nobody waits for the answer.

        Args:
          end: when nobody does, in seconds of time.monotonic().
        """
        seconds_left = end - time.monotonic()
        if name not in self._waiting or seconds_left <= 0:
            return None
        self._sent.add(name)
        message = planner_pb2.PlanManyRequest(request_id=name, plan=request)
        message.timeout.FromNanoseconds(max(1, int(seconds_left * 1e9)))
        return message

    def _cancel_message(self, name: str) -> planner_pb2.PlanManyRequest | None:
        """None: it was never sent, or is answered."""
        if name not in self._sent:
            return None
        return planner_pb2.PlanManyRequest(request_id=name, cancel=planner_pb2.CancelPlan())

    async def _read(self) -> None:
        gone = Answer(grpc.StatusCode.UNAVAILABLE, message="the server ended the stream")
        end: _Attempt = gone, None
        try:
            async for response in self._call:
                self._settle(response.request_id, _attempt(response))
        except grpc.aio.AioRpcError as error:
            if not is_of_writing(error):
                answer = Answer(error.code(), message=error.details() or "")
                end = answer, pushback(error.trailing_metadata())
        self.has_ended = True
        for name in list(self._waiting):
            self._settle(name, end)

    def _settle(self, name: str, attempt: _Attempt) -> None:
        """An answer that nobody waits for any more is dropped."""
        self._sent.discard(name)
        future = self._waiting.get(name)
        if future is not None and not future.done():
            future.set_result(attempt)


def _attempt(response: planner_pb2.PlanManyResponse) -> _Attempt:
    if response.WhichOneof("outcome") == "plan":
        return Answer(grpc.StatusCode.OK, response.plan.simulations), None
    return Answer(code_of(response.error.code), message=response.error.message), None

"""Unary calls over grpc.aio: an empty one, and `Plan` with one simulation.

Both sides have the same client, this process, and their server in another. Requests and
responses are bytes to the client, so that neither side pays for messages there.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from abc import abstractmethod
from pathlib import Path

import grpc
from sides.server_process import ServerProcess
from sides.work import Work

from mcts_service.v1 import planner_pb2

__all__ = ["EmptyCall", "PlanCall"]

EMPTY_SERVER = Path(__file__).with_name("empty_server.py")
PLAN = "/mcts_service.v1.PlannerService/Plan"
EMPTY = "/benchmark.Empty/Answer"

#: Calls that counts are taken from.
COUNTED_CALLS = 200


class UnaryCalls(Work):
    """The same call again and again, `in_flight` at a time, closed loop.

    With one in flight the measure is the median latency in milliseconds, with more it is calls
    a second.
    """

    def __init__(self, server: ServerProcess, method: str, in_flight: int) -> None:
        self._server, self._in_flight = server, in_flight
        self._loop = asyncio.new_event_loop()
        self._channel = self._loop.run_until_complete(_open(server.target))
        self._call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            method
        )

    @abstractmethod
    def request(self) -> bytes:
        """What every call sends."""

    def taken_off(self, response: bytes) -> float:
        """Seconds of a call's latency that do not count."""
        return 0.0

    def turn(self, amount: int) -> float:
        started = time.perf_counter()
        calls = self.make_calls(max(1, amount // self._in_flight))
        seconds = time.perf_counter() - started
        if self._in_flight > 1:
            return len(calls) / seconds
        latencies = [latency - self.taken_off(response) for latency, response in calls]
        return 1e3 * statistics.median(latencies)

    def make_calls(self, calls_each: int) -> list[tuple[float, bytes]]:
        """(latency in seconds, response) of every call, `in_flight` callers together."""

        async def gather() -> list[list[tuple[float, bytes]]]:
            callers = (self._make_calls(calls_each) for _ in range(self._in_flight))
            return await asyncio.gather(*callers)

        return [call for calls in self._loop.run_until_complete(gather()) for call in calls]

    def close(self) -> None:
        self._loop.run_until_complete(self._channel.close())
        self._loop.close()
        self._server.close()

    async def _make_calls(self, calls: int) -> list[tuple[float, bytes]]:
        request, made = self.request(), []
        for _ in range(calls):
            started = time.perf_counter()
            response = await self._call(request)
            made.append((time.perf_counter() - started, response))
        return made


async def _open(target: str) -> grpc.aio.Channel:
    channel = grpc.aio.insecure_channel(target)
    await channel.channel_ready()
    return channel


class PlanCall(UnaryCalls):
    """`Plan` from the first position of tic-tac-toe, with one simulation.

    Args:
      less_search_time: take off a latency what the server says it spent searching.
    """

    def __init__(self, in_flight: int, less_search_time: bool = False) -> None:
        command = [str(Path(sys.executable).with_name("mcts-service")), "serve", "--port", "0"]
        super().__init__(ServerProcess(command), PLAN, in_flight)
        self._less_search_time = less_search_time

    def request(self) -> bytes:
        return _plan_request()

    def taken_off(self, response: bytes) -> float:
        return _search_seconds(response) if self._less_search_time else 0.0

    def counts(self) -> dict[str, float]:
        responses = [response for _, response in self.make_calls(COUNTED_CALLS)]
        search_seconds = statistics.median(_search_seconds(response) for response in responses)
        return {
            "request bytes": len(self.request()),
            "response bytes": len(responses[0]),
            "median search us": 1e6 * search_seconds,
        }


class EmptyCall(UnaryCalls):
    """A call that does nothing: the same request, and bytes back that have been there before.

    Args:
      response_bytes: how many.
    """

    def __init__(self, in_flight: int, response_bytes: int) -> None:
        command = [sys.executable, str(EMPTY_SERVER), str(response_bytes)]
        super().__init__(ServerProcess(command), EMPTY, in_flight)

    def request(self) -> bytes:
        return _plan_request()

    def counts(self) -> dict[str, float]:
        [(_, response), *_] = self.make_calls(1)
        return {"request bytes": len(self.request()), "response bytes": len(response)}


def _search_seconds(response: bytes) -> float:
    search_time = planner_pb2.PlanResponse.FromString(response).search_time
    return float(search_time.ToNanoseconds()) / 1e9


def _plan_request() -> bytes:
    board = planner_pb2.Tensor(dtype=planner_pb2.DTYPE_INT8, shape=[3, 3], data=bytes(9))
    request = planner_pb2.PlanRequest(
        model="tic_tac_toe",
        state=planner_pb2.State(tensor=board),
        budget=planner_pb2.Budget(simulations=1),
        seed=0,
    )
    return request.SerializeToString()

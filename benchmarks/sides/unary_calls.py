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
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
from sides.server_process import ServerProcess
from sides.work import Work

from mcts_service.v1 import planner_pb2

__all__ = ["EmptyCall", "PlanCall"]

EMPTY_SERVER = Path(__file__).with_name("empty_server.py")
PLAN = "/mcts_service.v1.PlannerService/Plan"
EMPTY = "/benchmark.Empty/Answer"

Call = Callable[[bytes], Awaitable[bytes]]


class UnaryCalls(Work):
    """The same call again and again, `in_flight` at a time, closed loop.

    With one in flight the measure is the median latency in milliseconds, with more it is calls
    a second.
    """

    def __init__(self, server: ServerProcess, method: str, in_flight: int) -> None:
        self._server, self._in_flight = server, in_flight
        self._loop = asyncio.new_event_loop()
        self._channel = self._loop.run_until_complete(_open(server.target))
        self._call: Call = self._channel.unary_unary(method)

    @abstractmethod
    def request(self) -> bytes:
        """What every call sends."""

    def turn(self, amount: int) -> float:
        calls = max(1, amount // self._in_flight)
        started = time.perf_counter()
        latencies = self._loop.run_until_complete(self._gather(calls))
        seconds = time.perf_counter() - started
        if self._in_flight == 1:
            return 1e3 * statistics.median(latencies)
        return len(latencies) / seconds

    def answer(self) -> bytes:
        """What one call brings back."""

        async def call_once() -> bytes:
            return await self._call(self.request())

        return self._loop.run_until_complete(call_once())

    def close(self) -> None:
        self._loop.run_until_complete(self._channel.close())
        self._loop.close()
        self._server.close()

    async def _gather(self, calls: int) -> list[float]:
        request = self.request()

        async def caller() -> list[float]:
            latencies = []
            for _ in range(calls):
                started = time.perf_counter()
                await self._call(request)
                latencies.append(time.perf_counter() - started)
            return latencies

        lists = await asyncio.gather(*(caller() for _ in range(self._in_flight)))
        return [latency for latencies in lists for latency in latencies]


async def _open(target: str) -> grpc.aio.Channel:
    channel = grpc.aio.insecure_channel(target)
    await channel.channel_ready()
    return channel


class PlanCall(UnaryCalls):
    """`Plan` from the first position of tic-tac-toe, with one simulation."""

    def __init__(self, in_flight: int) -> None:
        command = [str(Path(sys.executable).with_name("mcts-service")), "serve", "--port", "0"]
        super().__init__(ServerProcess(command), PLAN, in_flight)

    def request(self) -> bytes:
        return _plan_request()

    def counts(self) -> dict[str, float]:
        answer = self.answer()
        search_time = planner_pb2.PlanResponse.FromString(answer).search_time
        return {
            "request bytes": len(self.request()),
            "response bytes": len(answer),
            "search ms": search_time.ToNanoseconds() / 1e6,
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
        return {"request bytes": len(self.request()), "response bytes": len(self.answer())}


def _plan_request() -> bytes:
    board = planner_pb2.Tensor(dtype=planner_pb2.DTYPE_INT8, shape=[3, 3], data=bytes(9))
    request = planner_pb2.PlanRequest(
        model="tic_tac_toe",
        state=planner_pb2.State(tensor=board),
        budget=planner_pb2.Budget(simulations=1),
        seed=0,
    )
    return request.SerializeToString()

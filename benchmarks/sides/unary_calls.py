"""Unary calls over grpc.aio: an empty one, `Plan`, and `PlanBatch`.

All sides have the same client, this process, and their server in another. Requests and
responses are bytes to the client, so that no side pays for messages there.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import sys
import time
from pathlib import Path

import grpc
from sides.server_process import ServerProcess
from sides.work import Work

from mcts_service.v1 import planner_pb2

__all__ = [
    "EMPTY_SERVER",
    "EmptyCall",
    "PlanBatchCall",
    "PlanCall",
    "opened",
    "plan_request",
    "planner",
]

EMPTY_SERVER = Path(__file__).with_name("empty_server.py")
PLAN = "/mcts_service.v1.PlannerService/Plan"
PLAN_BATCH = "/mcts_service.v1.PlannerService/PlanBatch"
EMPTY = "/benchmark.Empty/Answer"

#: Shape of a state, by the model's name; all of them int8.
SHAPES = {"tic_tac_toe": [3, 3], "connect_four": [6, 7]}

#: Calls that counts are taken from.
COUNTED_CALLS = 200


class UnaryCalls(Work):
    """The same call again and again, `in_flight` at a time, closed loop.

    With one in flight the measure is the median latency in milliseconds, with more it is what is
    answered in a second: calls, or states where a call has several.
    """

    def __init__(
        self, server: ServerProcess, method: str, in_flight: int, request: bytes, states: int = 1
    ) -> None:
        """`request` is what every call sends, `states` how many it asks about."""
        self._server, self._in_flight = server, in_flight
        self._request, self._states = request, states
        self._loop = asyncio.new_event_loop()
        self._channel = self._loop.run_until_complete(opened(server.target))
        self._call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            method
        )

    def taken_off(self, response: bytes) -> float:
        """Seconds of a call's latency that do not count."""
        return 0.0

    def turn(self, amount: int) -> float:
        started = time.perf_counter()
        calls = self.make_calls(max(1, amount // (self._in_flight * self._states)))
        seconds = time.perf_counter() - started
        if self._in_flight > 1:
            return len(calls) * self._states / seconds
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
        made = []
        for _ in range(calls):
            started = time.perf_counter()
            response = await self._call(self._request)
            made.append((time.perf_counter() - started, response))
        return made


async def opened(target: str) -> grpc.aio.Channel:
    """A channel that is connected."""
    channel = grpc.aio.insecure_channel(target)
    await channel.channel_ready()
    return channel


class PlanCall(UnaryCalls):
    """`Plan` from the first position of a game.

    Args:
      model, simulations: what is asked for.
      less_search_time: take off a latency what the server says it spent searching.
    """

    def __init__(
        self,
        in_flight: int,
        model: str = "tic_tac_toe",
        simulations: int = 1,
        less_search_time: bool = False,
    ) -> None:
        super().__init__(planner(), PLAN, in_flight, plan_request(model, simulations))
        self._less_search_time = less_search_time

    def taken_off(self, response: bytes) -> float:
        return _search_seconds(response) if self._less_search_time else 0.0

    def counts(self) -> dict[str, float]:
        responses = [response for _, response in self.make_calls(COUNTED_CALLS)]
        search_seconds = statistics.median(_search_seconds(response) for response in responses)
        return {
            "request bytes": len(self._request),
            "response bytes": len(responses[0]),
            "median search us": 1e6 * search_seconds,
        }


class PlanBatchCall(UnaryCalls):
    """`PlanBatch` of the first position of tic-tac-toe, again and again, one simulation each.

    Args:
      states: of a call.
    """

    def __init__(self, in_flight: int, states: int) -> None:
        super().__init__(planner(), PLAN_BATCH, in_flight, _batch_request(states), states)

    def counts(self) -> dict[str, float]:
        [(_, response), *_] = self.make_calls(1)
        return {"request bytes": len(self._request), "response bytes": len(response)}


class EmptyCall(UnaryCalls):
    """A call that does nothing: the same request, and bytes back that have been there before.

    Args:
      response_bytes: how many.
      model, simulations: of the request, as of a `PlanCall`.
      states: of the request, as of a `PlanBatchCall`; 1: it is that of a `PlanCall`.
    """

    def __init__(
        self,
        in_flight: int,
        response_bytes: int,
        model: str = "tic_tac_toe",
        simulations: int = 1,
        states: int = 1,
    ) -> None:
        command = [sys.executable, str(EMPTY_SERVER), str(response_bytes)]
        request = plan_request(model, simulations) if states == 1 else _batch_request(states)
        super().__init__(ServerProcess(command), EMPTY, in_flight, request, states)

    def counts(self) -> dict[str, float]:
        [(_, response), *_] = self.make_calls(1)
        return {"request bytes": len(self._request), "response bytes": len(response)}


def planner() -> ServerProcess:
    """Our server, in a process of its own."""
    command = [str(Path(sys.executable).with_name("mcts-service")), "serve", "--port", "0"]
    return ServerProcess(command)


def _search_seconds(response: bytes) -> float:
    search_time = planner_pb2.PlanResponse.FromString(response).search_time
    return float(search_time.ToNanoseconds()) / 1e9


def plan_request(model: str, simulations: int) -> bytes:
    """The request of a plan from the first position of a game."""
    request = planner_pb2.PlanRequest(
        model=model,
        state=planner_pb2.State(tensor=_empty_boards(SHAPES[model])),
        budget=planner_pb2.Budget(simulations=simulations),
        seed=0,
    )
    return request.SerializeToString()


def _batch_request(states: int) -> bytes:
    request = planner_pb2.PlanBatchRequest(
        model="tic_tac_toe",
        tensor=_empty_boards([states, *SHAPES["tic_tac_toe"]]),
        budget=planner_pb2.Budget(simulations=1),
        seeds=range(states),
    )
    return request.SerializeToString()


def _empty_boards(shape: list[int]) -> planner_pb2.Tensor:
    return planner_pb2.Tensor(
        dtype=planner_pb2.DTYPE_INT8, shape=shape, data=bytes(math.prod(shape))
    )

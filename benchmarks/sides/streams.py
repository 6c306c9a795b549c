"""Messages on one stream over grpc.aio, many in flight: `PlanMany`, and answers that do nothing.

As in `unary_calls`, the client is this process, and requests and responses are bytes to it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from sides.server_process import ServerProcess
from sides.unary_calls import EMPTY_SERVER, opened, plan_request, planner
from sides.work import Work

from mcts_service.v1 import planner_pb2

__all__ = ["EmptyStream", "PlanStream"]

PLAN_MANY = "/mcts_service.v1.PlannerService/PlanMany"
EMPTY = "/benchmark.Empty/AnswerEach"


class Stream(Work):
    """`in_flight` requests on one stream; when one is answered it is sent again, closed loop.

    The measure is what is answered in a second.
    """

    def __init__(
        self, server: ServerProcess, method: str, in_flight: int, model: str, simulations: int
    ) -> None:
        self._server = server
        self._requests = _requests(in_flight, model, simulations)
        self._loop = asyncio.new_event_loop()
        self._channel = self._loop.run_until_complete(opened(server.target))
        self._method: Any = self._channel.stream_stream(method)

    def turn(self, amount: int) -> float:
        started = time.perf_counter()
        self._loop.run_until_complete(self._answered(amount))
        return amount / (time.perf_counter() - started)

    def counts(self) -> dict[str, float]:
        response = self._loop.run_until_complete(self._answered(len(self._requests)))
        [request, *_] = self._requests.values()
        return {"request bytes": len(request), "response bytes": len(response)}

    def close(self) -> None:
        self._loop.run_until_complete(self._channel.close())
        self._loop.close()
        self._server.close()

    async def _answered(self, amount: int) -> bytes:
        """The last of so many responses."""
        call = self._method()
        due: asyncio.Queue[bytes] = asyncio.Queue()
        for request in self._requests.values():
            due.put_nowait(request)
        writing = asyncio.ensure_future(_write(call, due))
        response = b""
        for _ in range(amount):
            response = await call.read()
            due.put_nowait(self._requests[_name(response)])
        writing.cancel()
        call.cancel()
        return response


async def _write(call: Any, due: asyncio.Queue[bytes]) -> None:
    while True:
        await call.write(await due.get())


def _name(message: bytes) -> bytes:
    """The request_id of a request or a response: its first field."""
    return message[2 : 2 + message[1]]


def _requests(in_flight: int, model: str, simulations: int) -> dict[bytes, bytes]:
    """So many requests, by their names."""
    plan = planner_pb2.PlanRequest.FromString(plan_request(model, simulations))
    messages = [
        planner_pb2.PlanManyRequest(request_id=f"{number:02}", plan=plan).SerializeToString()
        for number in range(in_flight)
    ]
    return {_name(message): message for message in messages}


class PlanStream(Stream):
    """`PlanMany` from the first position of a game; arguments as of a `PlanCall`."""

    def __init__(self, in_flight: int, model: str = "tic_tac_toe", simulations: int = 1) -> None:
        super().__init__(planner(), PLAN_MANY, in_flight, model, simulations)


class EmptyStream(Stream):
    """A stream whose server does nothing: the same requests, and as many bytes back.

    Args:
      response_bytes: how many.
      model, simulations: of the requests, as of a `PlanStream`.
    """

    def __init__(
        self,
        in_flight: int,
        response_bytes: int,
        model: str = "tic_tac_toe",
        simulations: int = 1,
    ) -> None:
        server = ServerProcess([sys.executable, str(EMPTY_SERVER), str(response_bytes)])
        super().__init__(server, EMPTY, in_flight, model, simulations)

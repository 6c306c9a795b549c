"""How a call travels: by `Plan`, by `PlanBatch`, or on a stream of `PlanMany`."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import grpc

from mcts_client._load.records import Answer, code_of
from mcts_client._load.retries import pushback
from mcts_client._load.stream import StreamMode
from mcts_service.v1 import planner_pb2

__all__ = ["MODES"]


class _Mode(Protocol):
    """One way, over one connection, whose stub it is given.

    Attributes:
      request_type: of the messages that it sends.
    """

    request_type: ClassVar[Any]

    def __init__(self, stub: Any) -> None: ...

    def write_seeds(self, request: Any, seed: int) -> None:
        """Gives each plan of the request a seed of its own."""

    async def attempt(self, request: Any, seconds_left: float) -> tuple[Answer, float | None]:
        """Asks once; as `answer_of` wants it."""

    async def close(self) -> None:
        """Ends what lasts longer than a call."""


class _Unary:
    """One state, one plan."""

    request_type: ClassVar[Any] = planner_pb2.PlanRequest

    def __init__(self, stub: Any) -> None:
        self._send = stub.Plan

    def write_seeds(self, request: planner_pb2.PlanRequest, seed: int) -> None:
        request.seed = seed % 2**64

    async def attempt(
        self, request: planner_pb2.PlanRequest, seconds_left: float
    ) -> tuple[Answer, float | None]:
        try:
            response = await self._send(request, timeout=seconds_left)
        except grpc.aio.AioRpcError as error:
            return _failure(error)
        return Answer(grpc.StatusCode.OK, response.simulations), None

    async def close(self) -> None:
        pass


class _Batch:
    """Many states; a batch with a row that failed has failed."""

    request_type: ClassVar[Any] = planner_pb2.PlanBatchRequest

    def __init__(self, stub: Any) -> None:
        self._send = stub.PlanBatch

    def write_seeds(self, request: planner_pb2.PlanBatchRequest, seed: int) -> None:
        rows = _rows(request)
        request.seeds.extend((seed * rows + row) % 2**64 for row in range(rows))

    async def attempt(
        self, request: planner_pb2.PlanBatchRequest, seconds_left: float
    ) -> tuple[Answer, float | None]:
        try:
            response = await self._send(request, timeout=seconds_left)
        except grpc.aio.AioRpcError as error:
            return _failure(error)
        simulations = sum(response.simulations)
        if not response.errors:
            return Answer(grpc.StatusCode.OK, simulations), None
        status = response.errors[0].status
        return Answer(code_of(status.code), simulations, message=status.message), None

    async def close(self) -> None:
        pass


MODES: dict[str, type[_Mode]] = {"unary": _Unary, "batch": _Batch, "stream": StreamMode}


def _failure(error: grpc.aio.AioRpcError) -> tuple[Answer, float | None]:
    answer = Answer(error.code(), message=error.details() or "")
    return answer, pushback(error.trailing_metadata())


def _rows(request: planner_pb2.PlanBatchRequest) -> int:
    kind = request.WhichOneof("states")
    if kind == "tensor":
        return int(request.tensor.shape[0])
    return len(request.discrete.values if kind == "discrete" else request.list.states)

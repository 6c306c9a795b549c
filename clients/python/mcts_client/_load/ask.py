"""How one call is made, by the mode of its work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc

from mcts_client._load.prepare import PreparedWork
from mcts_client._load.records import Answer
from mcts_client._load.retries import answer_of, pushback
from mcts_client._load.settings import LoadSettings
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

__all__ = ["Asker"]

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Asker:
    """Makes calls, over several connections in turn."""

    def __init__(
        self,
        channels: Sequence[grpc.aio.Channel],
        work: Sequence[PreparedWork],
        settings: LoadSettings,
    ) -> None:
        """Readies what each call sends.

        Args:
          channels: one or more.
          work: kinds of calls.
        """
        self._stubs = [planner_pb2_grpc.PlannerServiceStub(channel) for channel in channels]
        self._settings = settings
        self._methods = [_METHODS[one.work.mode] for one in work]
        self._requests = [
            [method.request_type.FromString(request) for request in one.requests]
            for method, one in zip(self._methods, work, strict=True)
        ]

    @property
    def requests(self) -> list[int]:
        """How many requests each kind of work has to choose from."""
        return [len(requests) for requests in self._requests]

    async def ask(self, number: int, work: int, request: int) -> Answer:
        """One call.

        Args:
          number: of the call, which gives its seed and its connection.
          work: which kind it is.
          request: which of the kind's requests it sends.
        """
        method = self._methods[work]
        own = method.request_type()
        own.CopyFrom(self._requests[work][request])
        method.write_seeds(own, self._settings.seed + number)
        turn = number // self._settings.processes  # which calls of the process it is
        send = getattr(self._stubs[turn % len(self._stubs)], method.name)

        async def attempt(seconds_left: float) -> tuple[Answer, float | None]:
            try:
                return method.read(await send(own, timeout=seconds_left)), None
            except grpc.aio.AioRpcError as error:
                answer = Answer(error.code(), message=error.details() or "")
                return answer, pushback(error.trailing_metadata())

        return await answer_of(attempt, self._settings.attempts, self._settings.timeout)


class _Plan:
    """`Plan`: one state, one plan."""

    name = "Plan"
    request_type = planner_pb2.PlanRequest

    @staticmethod
    def write_seeds(request: planner_pb2.PlanRequest, seed: int) -> None:
        request.seed = seed % 2**64

    @staticmethod
    def read(response: planner_pb2.PlanResponse) -> Answer:
        return Answer(grpc.StatusCode.OK, response.simulations)


class _PlanBatch:
    """`PlanBatch`: many states; a batch with a row that failed has failed."""

    name = "PlanBatch"
    request_type = planner_pb2.PlanBatchRequest

    @staticmethod
    def write_seeds(request: planner_pb2.PlanBatchRequest, seed: int) -> None:
        rows = _rows(request)
        request.seeds.extend((seed * rows + row) % 2**64 for row in range(rows))

    @staticmethod
    def read(response: planner_pb2.PlanBatchResponse) -> Answer:
        simulations = sum(response.simulations)
        if not response.errors:
            return Answer(grpc.StatusCode.OK, simulations)
        status = response.errors[0].status
        code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
        return Answer(code, simulations, message=status.message)


def _rows(request: planner_pb2.PlanBatchRequest) -> int:
    kind = request.WhichOneof("states")
    if kind == "tensor":
        return int(request.tensor.shape[0])
    return len(request.discrete.values if kind == "discrete" else request.list.states)


_METHODS: dict[str, Any] = {"unary": _Plan, "batch": _PlanBatch}

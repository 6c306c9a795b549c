"""Calls of Plan at a rate that is kept, or one after another, from processes of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import grpc
import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from mcts_service.v1 import planner_pb2

#: A call, as grpc.aio makes one from bytes to bytes.
_Call = Callable[..., Awaitable[bytes]]

__all__ = ["Answers", "Load", "make_calls", "plan_request"]

PLAN = "/mcts_service.v1.PlannerService/Plan"
_DETAILS_KEY = "grpc-status-details-bin"
#: A process in Python cannot keep up with more calls a second than this.
_MOST_CALLS_A_SECOND = 600


@dataclass(frozen=True)
class Load:
    """The same call of Plan again and again.

    Attributes:
      target: HOST:PORT of the server.
      request: what every call sends, as bytes.
      seconds: how long calls are begun.
      rate: calls begun a second, at random times; None: closed loop.
      concurrency: calls in flight in a closed loop.
      timeout: of a call, in seconds.
      seed: of the times.
    """

    target: str
    request: bytes
    seconds: float
    rate: float | None = None
    concurrency: int = 1
    timeout: float = 30.0
    seed: int = 0


@dataclass(frozen=True)
class Answers:
    """What became of the calls, one row each.

    Attributes:
      sent: when it was, in seconds of time.monotonic(). float64[N].
      latency: seconds from then to its end. float64[N].
      status: gRPC's code. int64[N].
      simulations: of its plan; 0 without one. int64[N].
      has_retry_info: whether its status says when to try again. bool[N].
    """

    sent: np.ndarray
    latency: np.ndarray
    status: np.ndarray
    simulations: np.ndarray
    has_retry_info: np.ndarray

    def __len__(self) -> int:
        """Calls."""
        return len(self.sent)

    def where(self, mask: np.ndarray) -> Answers:
        """Those for which `mask`, bool[N], is true."""
        return Answers(*(column[mask] for column in self._columns()))

    def of(self, code: grpc.StatusCode) -> Answers:
        """Those that ended with that status."""
        return self.where(self.status == code.value[0])

    def _columns(self) -> Sequence[np.ndarray]:
        return (self.sent, self.latency, self.status, self.simulations, self.has_retry_info)


def plan_request(
    simulations: int | None = None,
    time_limit: float | None = None,
    model: str = "connect_four",
    shape: Sequence[int] = (6, 7),
) -> bytes:
    """A request for a plan from the first position of a game, as bytes."""
    budget = planner_pb2.Budget()
    if simulations is not None:
        budget.simulations = simulations
    if time_limit is not None:
        budget.time_limit.CopyFrom(Duration(nanos=round(time_limit * 1e9)))
    board = planner_pb2.Tensor(
        dtype=planner_pb2.DTYPE_INT8, shape=shape, data=bytes(int(np.prod(shape)))
    )
    request = planner_pb2.PlanRequest(
        model=model,
        state=planner_pb2.State(tensor=board),
        budget=budget,
        # Every plan is to take what it asks for.
        options=planner_pb2.SearchOptions(early_stop=False, prove=False),
    )
    return request.SerializeToString()


def make_calls(load: Load) -> Answers:
    """Makes the calls, from as many processes as keep the rate."""
    processes = 1 if load.rate is None else int(load.rate // _MOST_CALLS_A_SECOND) + 1
    parts = [
        replace(load, rate=load.rate and load.rate / processes, seed=load.seed + part)
        for part in range(processes)
    ]
    # A process that has used gRPC cannot be forked.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        answers = list(pool.map(_make_part, parts))
    columns = zip(*(part._columns() for part in answers), strict=True)
    return Answers(*map(np.concatenate, columns))


def _make_part(load: Load) -> Answers:
    return asyncio.run(_Caller(load).run())


class _Caller:
    """Makes the calls of one process."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._rows: list[tuple[float, float, int, int, bool]] = []

    async def run(self) -> Answers:
        # Each process has a connection of its own, and no call is tried twice.
        options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(self._load.target, options) as channel:
            await channel.channel_ready()
            self._plan: _Call = channel.unary_unary(PLAN)
            await (self._closed_loop() if self._load.rate is None else self._open_loop())
        return Answers(*map(np.array, zip(*self._rows, strict=True)))

    async def _closed_loop(self) -> None:
        end = time.monotonic() + self._load.seconds

        async def one_after_another() -> None:
            while time.monotonic() < end:
                await self._call()

        await asyncio.gather(*(one_after_another() for _ in range(self._load.concurrency)))

    async def _open_loop(self) -> None:
        load, rng = self._load, np.random.default_rng(self._load.seed)
        assert load.rate is not None
        starts = np.sort(rng.uniform(0, load.seconds, max(1, round(load.rate * load.seconds))))
        calls, begin = [], time.monotonic()
        for start in (begin + starts).tolist():
            await asyncio.sleep(max(0.0, start - time.monotonic()))
            calls.append(asyncio.ensure_future(self._call()))
        await asyncio.gather(*calls)

    async def _call(self) -> None:
        sent = time.monotonic()
        simulations, has_retry_info = 0, False
        try:
            response = await self._plan(self._load.request, timeout=self._load.timeout)
        except grpc.aio.AioRpcError as error:
            latency, code = time.monotonic() - sent, error.code()
            has_retry_info = _has_retry_info(error)
        else:
            latency, code = time.monotonic() - sent, grpc.StatusCode.OK
            simulations = planner_pb2.PlanResponse.FromString(response).simulations
        self._rows.append((sent, latency, code.value[0], simulations, has_retry_info))


def _has_retry_info(error: grpc.aio.AioRpcError) -> bool:
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            details = status_pb2.Status.FromString(value).details
            return any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in details)
    return False

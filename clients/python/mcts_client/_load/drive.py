"""Makes the calls: by the clock (open loop), or one after another (closed loop)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import numpy as np

from mcts_client._channel import channel_options
from mcts_client._load.records import Records
from mcts_client._load.schedule import intended_starts
from mcts_client._load.settings import LoadSettings
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

__all__ = ["drive"]

#: One call: its number, and when it was meant to start.
_MakeCall = Callable[[int, float], Coroutine[Any, Any, None]]


async def drive(
    settings: LoadSettings, request: planner_pb2.PlanRequest, records: Records, begin: float
) -> None:
    """Runs a whole load test, warm-up included. On cancellation it cancels all calls.

    Args:
      request: what each call sends, but for its seed.
      records: where each call is noted.
      begin: the start of the warm-up, in seconds of time.monotonic().
    """
    async with AsyncExitStack() as open_channels:
        stubs = [
            planner_pb2_grpc.PlannerServiceStub(
                await open_channels.enter_async_context(_channel(settings.target))
            )
            for _ in range(settings.connections)
        ]
        call = _caller(stubs, request, settings, records)
        if settings.rate is not None:
            rng = np.random.default_rng(settings.seed)
            starts = intended_starts(
                settings.rate, settings.warmup, settings.duration, settings.arrivals, rng
            )
            await _open_loop(call, begin + starts)
        elif settings.concurrency is not None:
            end = begin + settings.warmup + settings.duration
            await _closed_loop(call, settings.concurrency, end)


def _channel(target: str) -> grpc.aio.Channel:
    """A channel with a connection of its own, and without retries: each failure counts."""
    options = channel_options(
        max_attempts=1, wait_for_ready=False, options=[("grpc.use_local_subchannel_pool", 1)]
    )
    return grpc.aio.insecure_channel(target, options)


def _caller(
    stubs: list[Any], request: planner_pb2.PlanRequest, settings: LoadSettings, records: Records
) -> _MakeCall:
    async def call(number: int, intended: float) -> None:
        row = records.send(intended, time.monotonic())
        own = planner_pb2.PlanRequest()
        own.CopyFrom(request)
        own.seed = (settings.seed + number) % 2**64
        try:
            response = await stubs[number % len(stubs)].Plan(own, timeout=settings.timeout)
        except grpc.aio.AioRpcError as error:
            records.answer(row, time.monotonic(), error.code(), 0, error.details() or "")
        else:
            records.answer(row, time.monotonic(), grpc.StatusCode.OK, response.simulations)

    return call


async def _open_loop(call: _MakeCall, intended_starts: np.ndarray) -> None:
    """Starts each call at its time, whether or not earlier ones have come back."""
    calls = set[asyncio.Task[None]]()
    try:
        for number, intended in enumerate(intended_starts.tolist()):
            # Even a late generator lets the loop run, or it would never send what it starts.
            await asyncio.sleep(max(0.0, intended - time.monotonic()))
            task = asyncio.create_task(call(number, intended))
            calls.add(task)
            task.add_done_callback(calls.discard)
        await _all(calls)
    finally:
        await _cancel(calls)


async def _closed_loop(call: _MakeCall, concurrency: int, end: float) -> None:
    """Keeps `concurrency` calls in flight until `end`, then waits for the last ones."""

    async def one_after_another(first: int) -> None:
        number = first
        while (now := time.monotonic()) < end:
            await call(number, now)
            number += concurrency

    workers = [asyncio.create_task(one_after_another(first)) for first in range(concurrency)]
    try:
        await _all(workers)
    finally:
        await _cancel(workers)


async def _all(tasks: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*tasks)


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    remaining = list(tasks)
    for task in remaining:
        task.cancel()
    await asyncio.gather(*remaining, return_exceptions=True)

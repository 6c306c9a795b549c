"""Makes the calls of one process: by the clock (open loop), or one after another (closed loop)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

import grpc
import numpy as np

from mcts_client._load.ask import Asker
from mcts_client._load.prepare import PreparedWork
from mcts_client._load.records import Records
from mcts_client._load.schedule import Deal, intended_starts
from mcts_client._load.settings import LoadSettings

__all__ = ["drive"]

#: One call: its number, and when it was meant to start.
_MakeCall = Callable[[int, float], Coroutine[Any, Any, None]]


async def drive(
    settings: LoadSettings,
    channels: Sequence[grpc.aio.Channel],
    work: Sequence[PreparedWork],
    records: Records,
    begin: float,
    process: int = 0,
) -> None:
    """Makes one process's part of a run, warm-up included. Cancelled, it cancels all calls.

    Args:
      channels: of this process, one or more.
      work: kinds of calls.
      records: where each call is noted.
      begin: the start of the warm-up, in seconds of time.monotonic().
      process: which of `settings.processes` this is, from 0.
    """
    asker = Asker(channels, work, settings)
    call = _caller(asker, work, settings, records)
    try:
        await _make_calls(call, settings, begin, process)
    finally:
        await asker.close()


async def _make_calls(call: _MakeCall, settings: LoadSettings, begin: float, process: int) -> None:
    if settings.rate is not None:
        rng = np.random.default_rng(settings.seed)
        starts = intended_starts(
            settings.rate, settings.warmup, settings.duration, settings.arrivals, rng
        )
        numbers = range(process, len(starts), settings.processes)
        await _open_loop(call, numbers, begin + starts[process :: settings.processes])
    else:
        end = begin + settings.warmup + settings.duration
        while (now := time.monotonic()) < begin:
            await asyncio.sleep(begin - now)
        await _closed_loop(call, settings, process, end)


def _caller(
    asker: Asker, work: Sequence[PreparedWork], settings: LoadSettings, records: Records
) -> _MakeCall:
    deal = Deal([one.work.weight for one in work], asker.requests, settings.seed)

    async def call(number: int, intended: float) -> None:
        kind, request = deal.of_call(number)
        row = records.send(intended, time.monotonic(), kind)
        answer = await asker.ask(number, kind, request)
        records.answer(row, time.monotonic(), answer)

    return call


async def _open_loop(call: _MakeCall, numbers: Iterable[int], intended_starts: np.ndarray) -> None:
    """Starts each call at its time, whether or not earlier ones have come back."""
    calls = set[asyncio.Task[None]]()
    try:
        for number, intended in zip(numbers, intended_starts.tolist(), strict=True):
            # Even a late client lets the loop run, or it would never send what it starts.
            await asyncio.sleep(max(0.0, intended - time.monotonic()))
            task = asyncio.create_task(call(number, intended))
            calls.add(task)
            task.add_done_callback(calls.discard)
        await _all(calls)
    finally:
        await _cancel(calls)


async def _closed_loop(call: _MakeCall, settings: LoadSettings, process: int, end: float) -> None:
    """Keeps this process's calls in flight until `end`, then waits for the last ones."""

    async def one_after_another(first: int) -> None:
        number = first
        while (now := time.monotonic()) < end:
            await call(number, now)
            number += settings.concurrency or 1

    firsts = [process + settings.processes * i for i in range(settings.callers_of(process))]
    callers = [asyncio.create_task(one_after_another(first)) for first in firsts]
    try:
        await _all(callers)
    finally:
        await _cancel(callers)


async def _all(tasks: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*tasks)


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    remaining = list(tasks)
    for task in remaining:
        task.cancel()
    await asyncio.gather(*remaining, return_exceptions=True)

"""A process that makes calls: it takes orders from the process that a person started.

Over the pipe go, to the worker: `Order`, then perhaps "stop", as often as there are runs; its
end ends the worker. From the worker: "ready" once; for each order `Progress`, again and again,
and then an `Outcome`.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import grpc
import numpy as np

from mcts_client._load.connect import open_channel
from mcts_client._load.drive import drive
from mcts_client._load.prepare import PreparedWork
from mcts_client._load.records import Outcome, Records
from mcts_client._load.settings import LoadSettings

__all__ = ["READY", "STOP", "Order", "Progress", "serve_orders"]

READY, STOP = "ready", "stop"


@dataclass(frozen=True)
class Order:
    """One run.

    Attributes:
      settings: of it.
      begin: the start of its warm-up, in seconds of time.monotonic(), which all processes share.
      progress_interval: seconds between two messages about how it goes.
    """

    settings: LoadSettings
    begin: float
    progress_interval: float


@dataclass(frozen=True)
class Progress:
    """How a run goes, in one process.

    Attributes:
      sent, answered, failed: calls so far.
      latencies: of the answers since the last message, in seconds. float64[N].
    """

    sent: int
    answered: int
    failed: int
    latencies: np.ndarray


def serve_orders(
    pipe: Connection, process: int, settings: LoadSettings, work: Sequence[PreparedWork]
) -> None:
    """What a worker process does.

    Args:
      process: which of `settings.processes` this is, from 0.
    """
    # Ctrl-C reaches every process of a terminal; here the first one decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Other selectors round waiting times up to whole milliseconds, and calls would start late.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    try:
        loop.run_until_complete(_serve(pipe, process, settings, work))
    finally:
        loop.close()


async def _serve(
    pipe: Connection, process: int, settings: LoadSettings, work: Sequence[PreparedWork]
) -> None:
    messages = _messages(pipe)
    async with AsyncExitStack() as open_channels:
        channels = [
            await open_channels.enter_async_context(open_channel(settings))
            for _ in range(settings.connections_of(process))
        ]
        await _connect(channels, settings.timeout)
        pipe.send(READY)
        while (message := await messages.get()) is not None:
            if isinstance(message, Order):
                pipe.send(await _run(message, pipe, messages, channels, work, process))


def _messages(pipe: Connection) -> asyncio.Queue[Any]:
    """What comes through the pipe; None when the other side has gone."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Any] = asyncio.Queue()

    def receive() -> None:
        try:
            queue.put_nowait(pipe.recv())
        except (EOFError, OSError):
            loop.remove_reader(pipe.fileno())
            queue.put_nowait(None)

    loop.add_reader(pipe.fileno(), receive)
    return queue


async def _connect(channels: Sequence[grpc.aio.Channel], timeout: float) -> None:
    """Connects before the first call is timed. A server that is not there shows in the calls."""
    ready = asyncio.gather(*(channel.channel_ready() for channel in channels))
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(ready, timeout)


async def _run(
    order: Order,
    pipe: Connection,
    messages: asyncio.Queue[Any],
    channels: Sequence[grpc.aio.Channel],
    work: Sequence[PreparedWork],
    process: int,
) -> Outcome:
    """Until the run is done, or any message says that it is not wanted any more."""
    records = Records()
    driving = asyncio.create_task(
        drive(order.settings, channels, work, records, order.begin, process)
    )
    progress = asyncio.create_task(_tell(pipe, records, order.progress_interval))
    stopped = asyncio.create_task(messages.get())
    await asyncio.wait({driving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if stopped.done() and stopped.result() is None:
        messages.put_nowait(None)  # for the loop that reads orders
    for task in (driving, progress, stopped):
        task.cancel()
    results = await asyncio.gather(driving, progress, stopped, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):  # which a cancellation is not
            raise result
    return records.outcome()


async def _tell(pipe: Connection, records: Records, interval: float) -> None:
    since = 0
    begin = time.monotonic()
    for count in range(1, 2**63):
        await asyncio.sleep(max(0.0, begin + count * interval - time.monotonic()))
        latencies = records.recent_latencies(since)
        since = records.answered
        pipe.send(Progress(len(records), since, records.failed, latencies))

"""A long run of calls, many of them cancelled: nothing may be left of them."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter

import grpc

from benchmarks.chaos.row import Row, Scale
from benchmarks.chaos.served import Holding, Server
from mcts_service.v1 import planner_pb2

__all__ = ["soak"]

_CONFIGURATION = """
[server]
max_waiting = 4096
"""
_PLAN = "/mcts_service.v1.PlannerService/Plan"
_IN_FLIGHT = 64
#: Of the calls, how many are cancelled, after up to so long.
_CANCELLED, _LATEST_CANCEL_SECONDS = 0.3, 0.02
#: Of the calls, how many are made before what the server holds is first looked at.
_WARM_UP = 0.1
_MOST_GROWTH, _MOST_DESCRIPTORS = 5_000_000, 8
#: Those that search start as they are needed: as many as there are cores.
_MORE_THREADS = os.cpu_count() or 1
#: gRPC loses the operations of each call that is cancelled, grpc/grpc#43360: 96 bytes of malloc, an
#: empty server as much. Scattered, they also keep others' pages.
_GRPC_LOSES = 120
_SEED = 7
_SETTLING_SECONDS = 2.0


def soak(scale: Scale) -> list[Row]:
    """Short plans and long ones, of which a part is cancelled under way."""
    with Server(_CONFIGURATION) as server:
        found, before, after = asyncio.run(_run(server, scale.soak_calls))
    lost = _GRPC_LOSES * (1 - _WARM_UP) * found["CANCELLED"]
    grown = after.bytes - before.bytes
    kept = after.descriptors - before.descriptors <= _MOST_DESCRIPTORS
    told = ", ".join(f"{code} {count:,}" for code, count in found.most_common())
    return [
        Row(
            f"{scale.soak_calls:,} calls, 30 % of them cancelled",
            "no growth of memory, descriptors or threads, but what gRPC loses",
            f"{told}; {after.since(before)}, of which gRPC may have lost {lost / 1e6:.1f} MB",
            grown < _MOST_GROWTH + lost
            and kept
            and after.threads <= before.threads + _MORE_THREADS
            and set(found) <= {"OK", "CANCELLED"},
        )
    ]


async def _run(server: Server, count: int) -> tuple[Counter[str], Holding, Holding]:
    """How the calls ended, and what the server held early on and at the end."""
    found: Counter[str] = Counter()
    warm = int(_WARM_UP * count)
    async with grpc.aio.insecure_channel(server.target) as channel:
        await _call_all(channel, warm, found, _SEED)
        await asyncio.sleep(_SETTLING_SECONDS)
        before = Holding(server.pid)
        await _call_all(channel, count - warm, found, _SEED + 1)
        await asyncio.sleep(_SETTLING_SECONDS)
        return found, before, Holding(server.pid)


async def _call_all(channel: grpc.aio.Channel, count: int, found: Counter[str], seed: int) -> None:
    left = iter(range(count))
    plan: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_PLAN)

    async def work(number: int) -> None:
        rng = random.Random(1_000 * seed + number)
        for _ in left:
            found[await _call(plan, rng)] += 1

    await asyncio.gather(*(work(number) for number in range(_IN_FLIGHT)))


async def _call(plan: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes], rng: random.Random) -> str:
    """The name of the status that one call ends with."""
    is_cancelled = rng.random() < _CANCELLED
    request = planner_pb2.PlanRequest(
        model="taxi",
        state={"discrete": rng.randrange(0, 500, 4) or 1},
        budget={"simulations": 1_000_000 if is_cancelled else rng.choice([1, 20, 200])},
        options={"preset": "uct"},
    )
    call = plan(request.SerializeToString(), timeout=60)
    if is_cancelled:
        await asyncio.sleep(_LATEST_CANCEL_SECONDS * rng.random())
        call.cancel()
    try:
        await call
    except asyncio.CancelledError:
        return "CANCELLED"
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"

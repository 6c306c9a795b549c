"""Mutated messages, to every method of every service."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from benchmarks.chaos.messages import mutated
from benchmarks.chaos.row import Row, Scale
from benchmarks.chaos.seeds import Method, methods
from benchmarks.chaos.served import Holding, Server
from mcts_service.v1 import planner_pb2

__all__ = ["mutated_messages"]

#: Budgets that a mutation cannot make long.
_CONFIGURATION = """
[budget]
max_simulations = 1000
default_simulations = 20
max_time_limit_seconds = 0.05
max_bytes = 4194304
max_batch = 64
"""
_IN_FLIGHT = 32
#: A stream may go on for ever, as one that watches the health does: it is left after so long.
_STREAM_SECONDS = 0.2
_CALL_SECONDS = 30.0
#: Messages of a stream from the client.
_MOST_IN_STREAM = 4
#: Of all messages, what is sent before memory is first looked at.
_WARM_UP = 0.1
_MOST_GROWTH = 5_000_000
_SEED = 20_26

#: What blames the caller, or the budget that it asked for. Anything else is the server's fault.
_ALLOWED = {
    "OK",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "FAILED_PRECONDITION",
    "RESOURCE_EXHAUSTED",
    "DEADLINE_EXCEEDED",
    "UNIMPLEMENTED",
}

_NAMES: dict[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}


def mutated_messages(scale: Scale) -> list[Row]:
    """None may crash the server, or end in a fault of its own."""
    with Server(_CONFIGURATION) as server:
        found, growth = asyncio.run(_send_all(server, scale.messages))
        alive = _is_alive(server)
    wrong = {code: count for code, count in found.items() if code not in _ALLOWED}
    told = ", ".join(f"{code} {count:,}" for code, count in found.most_common())
    return [
        Row(
            f"{found.total():,} mutated messages over {len(methods())} methods",
            "0 crashes, only statuses that blame the caller, memory grows by < 5 MB",
            f"{'alive' if alive else 'DEAD'}; {told}; memory {growth / 1e6:+.1f} MB",
            alive and not wrong and growth < _MOST_GROWTH,
        )
    ]


async def _send_all(server: Server, count: int) -> tuple[Counter[str], int]:
    """How calls ended, by status, and by how many bytes the server grew after a while."""
    found: Counter[str] = Counter()
    warm = int(_WARM_UP * count)
    async with grpc.aio.insecure_channel(server.target) as channel:
        await _send(channel, warm, found, seed=_SEED)
        before = Holding(server.pid)
        await _send(channel, count - warm, found, seed=_SEED + 1)
        return found, Holding(server.pid).bytes - before.bytes


async def _send(channel: grpc.aio.Channel, count: int, found: Counter[str], *, seed: int) -> None:
    left = iter(range(count))
    kinds = methods()

    async def work(number: int) -> None:
        rng = random.Random(seed * 1_000 + number)
        for _ in left:
            found[await _call(channel, rng.choice(kinds), rng)] += 1

    await asyncio.gather(*(work(number) for number in range(_IN_FLIGHT)))


async def _call(channel: grpc.aio.Channel, method: Method, rng: random.Random) -> str:
    """The name of the status that one call ends with."""
    messages = [
        mutated(method.seeds, rng)
        for _ in range(rng.randint(1, _MOST_IN_STREAM) if method.streams_requests else 1)
    ]
    try:
        if method.streams_responses or method.streams_requests:
            return await _stream(channel, method, messages)
        unary: Any = channel.unary_unary(method.path)
        return _worst(method, await unary(messages[0], timeout=_CALL_SECONDS))
    except grpc.aio.AioRpcError as error:
        return error.code().name


async def _stream(channel: grpc.aio.Channel, method: Method, messages: list[bytes]) -> str:
    multi: Any
    if method.streams_requests:
        multi = channel.stream_stream(method.path)
        call = multi(timeout=_CALL_SECONDS)
    else:
        multi = channel.unary_stream(method.path)
        call = multi(messages.pop(), timeout=_CALL_SECONDS)
    try:
        return await asyncio.wait_for(_end(method, call, messages), _STREAM_SECONDS)
    except asyncio.TimeoutError:
        call.cancel()
        return "OK"


async def _end(method: Method, call: Any, messages: list[bytes]) -> str:
    """The name of the status of a stream, once all is written and read or it has ended.

    What is written next waits for an answer: grpc.aio's client forgets the status of a stream that
    ended while it was writing.
    """
    response, found = None, "OK"
    with contextlib.suppress(grpc.aio.AioRpcError):
        for message in messages:
            await call.write(message)
            if not _is_answered(method, message):
                continue
            response = await call.read()
            if response is grpc.aio.EOF:
                break
            found = _worse(found, _worst(method, response))
        else:
            if messages:
                await call.done_writing()
        while response is not grpc.aio.EOF:
            response = await call.read()
            if response is not grpc.aio.EOF:
                found = _worse(found, _worst(method, response))
    code: grpc.StatusCode = await call.code()
    return _worse(found, code.name)


def _is_answered(method: Method, message: bytes) -> bool:
    """False for what ends a plan that is in flight: nothing answers to that."""
    if not method.path.endswith("/PlanMany"):
        return True
    try:
        return planner_pb2.PlanManyRequest.FromString(message).WhichOneof("kind") != "cancel"
    except DecodeError:
        return True


def _worst(method: Method, response: bytes) -> str:
    """The name of the worst status inside of a response: that of a row, or of a plan."""
    name = method.path.rpartition("/")[2]
    codes: list[int] = []
    if name == "PlanBatch":
        codes = [e.status.code for e in planner_pb2.PlanBatchResponse.FromString(response).errors]
    elif name == "PlanMany":
        codes = [planner_pb2.PlanManyResponse.FromString(response).error.code]
    found = "OK"
    for code in codes:
        found = _worse(found, _NAMES[code])
    return found


def _worse(one: str, other: str) -> str:
    """That one of two names of statuses which says more against the server."""
    return max(one, other, key=lambda name: (name not in _ALLOWED, name != "OK"))


def _is_alive(server: Server) -> bool:
    with grpc.insecure_channel(server.target) as channel:
        call: Any = channel.unary_unary("/mcts_service.v1.PlannerService/ListModels")
        try:
            return bool(call(b"", timeout=_CALL_SECONDS))
        except grpc.RpcError:
            return False

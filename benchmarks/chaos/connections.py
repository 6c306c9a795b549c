"""Clients that are many, slow, or half gone: the others do not notice."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

import grpc

from benchmarks.chaos.row import Row, Scale, percentile
from benchmarks.chaos.served import Holding, Server
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

__all__ = ["connections"]

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#: An empty SETTINGS frame, and one that allows the other side to send no data at all.
_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_NO_WINDOW = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00" + b"\x00\x04\x00\x00\x00\x00"
_PROBES = 50
_PATIENCE_SECONDS = 30.0
#: How much slower the calls of others may get, as a factor and in seconds.
_MOST_TIMES, _MOST_MORE = 2.0, 0.01
_REQUEST = planner_pb2.PlanRequest(
    model="taxi", state={"discrete": 328}, budget={"simulations": 20}
)
_WATCH = planner_pb2.WatchPlanRequest(plan=_REQUEST)


def connections(scale: Scale) -> list[Row]:
    """A thousand idle ones, ones that never say a word, ones that stop in the middle."""
    rows = []
    kinds: list[tuple[str, Callable[[socket.socket], None]]] = [
        ("idle connections", _idle),
        ("connections that never say a word", _silent),
        ("clients that stop in the middle of a frame", _half_a_frame),
        ("clients that never read", _never_reading),
    ]
    for name, begin in kinds:
        with Server() as server:
            rows.append(_row(server, f"{scale.connections:,} {name}", scale.connections, begin))
    return rows


def _row(server: Server, name: str, count: int, begin: Callable[[socket.socket], None]) -> Row:
    with grpc.insecure_channel(server.target) as channel:
        stub = planner_pb2_grpc.PlannerServiceStub(channel)
        alone = _latency(stub)
        before = Holding(server.pid)
        with ExitStack() as held:
            for _ in range(count):
                begin(held.enter_context(_connected(server.target)))
            time.sleep(0.5)
            _wait_for_room(stub)
            beside = _latency(stub)
            during = Holding(server.pid)
        time.sleep(1.0)
        after = Holding(server.pid)
    left = after.descriptors - before.descriptors
    slower = beside > max(_MOST_TIMES * alone, alone + _MOST_MORE)
    each = (during.bytes - before.bytes) / count
    return Row(
        name,
        "others' p99 < 2x (or 10 ms more), nothing is left of them",
        f"p99 of others {1e3 * alone:.2g} -> {1e3 * beside:.2g} ms; {each / 1e3:.0f} kB each; "
        f"{left:+d} descriptors afterwards",
        left <= 0,
        not slower,
    )


def _wait_for_room(stub: planner_pb2_grpc.PlannerServiceStub) -> None:
    """Until what all the connections have asked for at once is done.

    Raises:
      grpc.RpcError: it never is.
    """
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            stub.Plan(_REQUEST, timeout=30)
            return
        except grpc.RpcError as error:
            is_full = error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            if not is_full or time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def _latency(stub: planner_pb2_grpc.PlannerServiceStub) -> float:
    """The 99th percentile of a few short plans, in seconds."""
    seconds = []
    for _ in range(_PROBES):
        started = time.perf_counter()
        stub.Plan(_REQUEST, timeout=30)
        seconds.append(time.perf_counter() - started)
    return percentile(seconds, 99)


def _connected(target: str) -> socket.socket:
    host, _, port = target.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def _idle(connection: socket.socket) -> None:
    connection.sendall(_PREFACE + _SETTINGS)


def _silent(connection: socket.socket) -> None:
    """Nothing is said."""


def _half_a_frame(connection: socket.socket) -> None:
    """A frame of headers that says it has 1,000 bytes, and has 10."""
    frame = b"\x00\x03\xe8\x01\x04\x00\x00\x00\x01" + b"\x00" * 10
    connection.sendall(_PREFACE + _SETTINGS + frame)


def _never_reading(connection: socket.socket) -> None:
    """Has a plan watched, and allows the server to send nothing of it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    message = _WATCH.SerializeToString()
    data = b"\x00" + len(message).to_bytes(4, "big") + message
    connection.sendall(
        _PREFACE + _NO_WINDOW + _frame(0x1, 0x4, _headers()) + _frame(0x0, 0x1, data)
    )


def _frame(kind: int, flags: int, payload: bytes) -> bytes:
    """A frame of HTTP/2, on stream 1."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags, 0, 0, 0, 1]) + payload


def _headers() -> bytes:
    """Of a call of WatchPlan."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/mcts_service.v1.PlannerService/WatchPlan",
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    return b"".join(_literal(name, value) for name, value in headers.items())


def _literal(name: str, value: str) -> bytes:
    """A header as HPACK has it where nothing is indexed and nothing compressed."""
    return b"\x00" + b"".join(bytes([len(text)]) + text.encode() for text in (name, value))

"""Requests that are wrong: the right status, the field by its name, and soon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from benchmarks.chaos.row import Row, Scale, percentile
from benchmarks.chaos.served import Server
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

__all__ = ["bad_requests"]

_BOARD = {"dtype": planner_pb2.DTYPE_INT8, "shape": [3, 3], "data": bytes(9)}
_FLOATS = {"dtype": planner_pb2.DTYPE_FLOAT64, "shape": [4]}
_NAN = b"\x00\x00\x00\x00\x00\x00\xf8\x7f"
_MOST_SECONDS = 0.005
_ROUNDS = 20


def _cases() -> Iterator[tuple[dict[str, Any], str, str]]:
    """What is unlike a good request, the status, and the field that is to be named; "": none."""
    invalid = "INVALID_ARGUMENT"
    yield {"state": {"tensor": {**_BOARD, "shape": [9]}}}, invalid, "state.tensor.shape"
    yield (
        {"state": {"tensor": {**_BOARD, "dtype": planner_pb2.DTYPE_INT16, "data": bytes(18)}}},
        invalid,
        "state.tensor.dtype",
    )
    yield {"state": {"tensor": {**_BOARD, "data": bytes(8)}}}, invalid, "state.tensor.data"
    yield {"state": {"discrete": 3}}, invalid, "state"
    yield {"state": None}, invalid, "state"
    yield (
        {"model": "cart_pole", "state": {"tensor": {**_FLOATS, "data": _NAN * 4}}},
        invalid,
        "state.tensor.data",
    )
    yield {"model": "tic_tac_tow"}, "NOT_FOUND", ""
    yield {"model": ""}, invalid, "model"
    yield {"budget": {"simulations": -1}}, invalid, "budget.simulations"
    yield {"budget": {"simulations": 2**62}}, "RESOURCE_EXHAUSTED", ""
    yield {"budget": {"time_limit": {"seconds": -1}}}, invalid, "budget.time_limit"
    yield {"budget": {"time_limit": {"seconds": 10**9}}}, "RESOURCE_EXHAUSTED", ""
    yield {"budget": {"max_bytes": 1}}, invalid, "budget.max_bytes"
    yield {"horizon": 0}, invalid, "horizon"
    yield {"options": {"exploration": float("nan")}}, invalid, "options.exploration"
    yield {"options": {"preset": "best"}}, invalid, "options.preset"
    yield {"allowed_actions": {}}, invalid, "allowed_actions"


def bad_requests(scale: Scale) -> list[Row]:
    """Each kind of them a few times, one after the other."""
    seconds: list[float] = []
    wrong: list[str] = []
    with Server() as server, grpc.insecure_channel(server.target) as channel:
        stub = planner_pb2_grpc.PlannerServiceStub(channel)
        for changes, status, field in _cases():
            request = _request(changes)
            for _ in range(_ROUNDS):
                started = time.perf_counter()
                found = _end(stub, request)
                seconds.append(time.perf_counter() - started)
                if found[0] != status or (field and field not in found[1]):
                    wrong.append(f"{changes}: {found[0]} {found[1]}")
    latest = percentile(seconds, 99)
    told = f"{len(seconds):,} calls, wrong: {wrong or 'none'}; p50 {_ms(percentile(seconds, 50))}"
    return [
        Row(
            "wrong shape, dtype, NaN, unknown model, huge or negative budget",
            "right status and field named, < 5 ms",
            f"{told}, p99 {_ms(latest)}",
            not wrong,
            latest < _MOST_SECONDS,
        )
    ]


def _request(changes: dict[str, Any]) -> planner_pb2.PlanRequest:
    whole = {
        "model": "tic_tac_toe",
        "state": {"tensor": _BOARD},
        "budget": {"simulations": 10},
        **changes,
    }
    return planner_pb2.PlanRequest(
        **{key: value for key, value in whole.items() if value is not None}
    )


def _end(
    stub: planner_pb2_grpc.PlannerServiceStub, request: planner_pb2.PlanRequest
) -> tuple[str, list[str]]:
    """The status of a call, and the fields that it names."""
    try:
        stub.Plan(request, timeout=10)
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        fields: list[str] = []
        for detail in status.details if status is not None else ():
            bad = error_details_pb2.BadRequest()
            if detail.Unpack(bad):
                fields += [violation.field for violation in bad.field_violations]
        return error.code().name, fields
    return "OK", []


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.2g} ms"

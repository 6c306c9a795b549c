"""Every method of a server, and requests of each that it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from mcts_service.v1 import planner_pb2

__all__ = ["Method", "methods"]

_SERVICES = {
    "mcts_service.v1.PlannerService": planner_pb2.DESCRIPTOR.services_by_name["PlannerService"],
    "grpc.health.v1.Health": health_pb2.DESCRIPTOR.services_by_name["Health"],
    "grpc.reflection.v1alpha.ServerReflection": reflection_pb2.DESCRIPTOR.services_by_name[
        "ServerReflection"
    ],
    "grpc.reflection.v1.ServerReflection": reflection_pb2.DESCRIPTOR.services_by_name[
        "ServerReflection"
    ],
}

_PLAN: dict[str, Any] = {
    "model": "tic_tac_toe",
    "state": {"tensor": {"dtype": planner_pb2.DTYPE_INT8, "shape": [3, 3], "data": bytes(9)}},
    "budget": {"simulations": 20},
    "seed": 1,
}
_PLANS = [
    planner_pb2.PlanRequest(**_PLAN),
    planner_pb2.PlanRequest(
        model="taxi",
        state={"discrete": 328},
        budget={"simulations": 20, "max_bytes": 2**20, "time_limit": {"nanos": 10**6}},
        horizon=20,
        options={"preset": "uct", "exploration": 1.5, "selection": 2, "rollout_depth": 5},
        allowed_actions={"actions": [{"discrete": 0}, {"discrete": 3}]},
        request_id="a-request",
    ),
    planner_pb2.PlanRequest(
        model="connect_four", state={"json": {"string_value": "4455"}}, budget={"simulations": 9}
    ),
]

_NAMED = list(zip("abc", _PLANS, strict=True))

#: Requests by the name of their type; what is not here begins from the empty one.
_SEEDS: dict[str, list[Message]] = {
    "PlanRequest": list(_PLANS),
    "PlanBatchRequest": [
        planner_pb2.PlanBatchRequest(
            model="taxi",
            discrete={"values": [328, 12, 77]},
            budget={"simulations": 9},
            seeds=[1, 2, 3],
        ),
        planner_pb2.PlanBatchRequest(
            model="tic_tac_toe",
            tensor={"dtype": planner_pb2.DTYPE_INT8, "shape": [2, 3, 3], "data": bytes(18)},
            budget={"simulations": 9},
        ),
        planner_pb2.PlanBatchRequest(
            model="taxi", list={"states": [{"discrete": 1}, {"json": {"number_value": 2.0}}]}
        ),
    ],
    "WatchPlanRequest": [
        planner_pb2.WatchPlanRequest(plan=_PLANS[0]),
        planner_pb2.WatchPlanRequest(plan=_PLANS[1], interval={"nanos": 10**6}),
        planner_pb2.WatchPlanRequest(plan=_PLANS[2]),
    ],
    "PlanManyRequest": [
        *(planner_pb2.PlanManyRequest(request_id=name, plan=plan) for name, plan in _NAMED),
        planner_pb2.PlanManyRequest(request_id="b", plan=_PLANS[0], timeout={"nanos": 10**7}),
        planner_pb2.PlanManyRequest(request_id="a", cancel=planner_pb2.CancelPlan()),
    ],
    "GetModelRequest": [planner_pb2.GetModelRequest(model="taxi", model_version="1")],
    "HealthCheckRequest": [
        health_pb2.HealthCheckRequest(service="mcts_service.v1.PlannerService"),
    ],
    "ServerReflectionRequest": [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(
            file_containing_symbol="mcts_service.v1.PlannerService"
        ),
        reflection_pb2.ServerReflectionRequest(
            file_containing_extension={"containing_type": "a.b", "extension_number": 1}
        ),
    ],
}


@dataclass(frozen=True)
class Method:
    """A method, and what a mutation begins from.

    Attributes:
      path: as gRPC calls it: "/service/method".
      streams_requests, streams_responses: of which kind it is.
      seeds: requests, encoded.
    """

    path: str
    streams_requests: bool
    streams_responses: bool
    seeds: tuple[bytes, ...]


def methods() -> list[Method]:
    """All of them, health and reflection included."""
    return [
        _method(f"/{name}/{method.name}", method)
        for name, service in _SERVICES.items()
        for method in service.methods
    ]


def _method(path: str, method: MethodDescriptor) -> Method:
    request = method.input_type
    seeds = _SEEDS.get(request.name) or [GetMessageClass(request)()]
    return Method(
        path,
        method.client_streaming,
        method.server_streaming,
        tuple(seed.SerializeToString() for seed in seeds),
    )

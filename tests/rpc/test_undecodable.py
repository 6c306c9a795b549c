import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from mcts_service.v1 import planner_pb2

SERVICES = [
    service
    for module in (planner_pb2, health_pb2, reflection_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
]
METHODS = [(service.full_name, method) for service in SERVICES for method in service.methods]
METHODS += [
    ("grpc.reflection.v1.ServerReflection", method)
    for service in SERVICES
    for method in service.methods
    if service.name == "ServerReflection"
]


@pytest.mark.parametrize(
    ("service", "method"), METHODS, ids=[f"{service}.{method.name}" for service, method in METHODS]
)
@pytest.mark.parametrize("data", [b"\xff", b"\x0a\xff\xff\xff\xff\x7f", b"\x08"])
def test_undecodable_bytes_are_the_callers_mistake_on_every_method(served, service, method, data):
    path = f"/{service}/{method.name}"
    make = {
        (False, False): served.channel.unary_unary,
        (False, True): served.channel.unary_stream,
        (True, True): served.channel.stream_stream,
    }[method.client_streaming, method.server_streaming]
    call = make(path)
    request = iter([data]) if method.client_streaming else data
    with pytest.raises(grpc.RpcError) as caught:
        first_answer(call(request, timeout=60), method)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    message = method.input_type.full_name
    assert caught.value.details() == f"request: cannot be decoded as {message}"
    assert served.plan().simulations == 100


def first_answer(answer, method):
    return next(answer) if method.server_streaming else answer


def test_text_that_is_no_utf8_is_undecodable(served):
    call = served.channel.unary_unary("/mcts_service.v1.PlannerService/Plan")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"\x0a\x02\xff\xfe", timeout=60)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_method_that_does_not_exist_is_unimplemented(served):
    with pytest.raises(grpc.RpcError) as caught:
        served.channel.unary_unary("/mcts_service.v1.PlannerService/Guess")(b"", timeout=60)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_request_above_the_greatest_size_is_refused_and_the_server_goes_on(served):
    state = planner_pb2.State(opaque=bytes(5 * 2**20))
    assert served.error("panel", state).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert served.plan().simulations == 100

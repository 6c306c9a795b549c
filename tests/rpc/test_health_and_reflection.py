import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from served_models import Slow, entry_of

from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2

SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("service", ["", "mcts_service.v1.PlannerService"])
def test_the_server_and_its_service_are_healthy(served, service):
    stub = health_pb2_grpc.HealthStub(served.channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=60)
    assert answer.status == SERVING


def test_the_health_of_an_unknown_service_is_not_found(served):
    stub = health_pb2_grpc.HealthStub(served.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="x.Y"), timeout=60)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_health_answers_while_every_worker_plans(server_of):
    slow = Slow()
    with server_of(Registry([entry_of(slow, "slow")])) as served:
        request = planner_pb2.PlanRequest(model="slow", state=planner_pb2.State(discrete=4))
        call = served.stub.Plan.future(request, timeout=600)
        assert slow.asked.wait(60)
        stub = health_pb2_grpc.HealthStub(served.channel)
        for _ in range(20):
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=60)
            assert answer.status == SERVING
        assert not call.done()
        call.cancel()


def test_watching_tells_the_health_at_once(served):
    stub = health_pb2_grpc.HealthStub(served.channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=60)
    assert next(watch).status == SERVING
    watch.cancel()


@pytest.mark.parametrize(
    "service", ["grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection"]
)
def test_reflection_lists_the_services(served, service):
    listed = reflect(served, reflection_pb2.ServerReflectionRequest(list_services=""), service)
    assert [found.name for found in listed.list_services_response.service] == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "mcts_service.v1.PlannerService",
    ]


def test_reflection_gives_the_contract(served):
    request = reflection_pb2.ServerReflectionRequest(
        file_containing_symbol="mcts_service.v1.PlannerService"
    )
    answer = reflect(served, request, "grpc.reflection.v1alpha.ServerReflection")
    files = answer.file_descriptor_response.file_descriptor_proto
    assert any(b"mcts_service/v1/planner.proto" in file for file in files)


def reflect(served, request, service):
    """The first answer to one question."""
    call = served.channel.stream_stream(
        f"/{service}/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    (answer,) = call(iter([request]), timeout=60)
    return answer


def test_a_reflection_stub_answers_question_after_question(served):
    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
    questions = [reflection_pb2.ServerReflectionRequest(list_services="")] * 3
    assert len(list(stub.ServerReflectionInfo(iter(questions), timeout=60))) == 3

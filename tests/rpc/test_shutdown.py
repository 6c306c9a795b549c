"""A server that is told to stop finishes what runs and turns away what is new."""

import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from served_models import Gated, Slow, entry_of

from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2

REQUEST = planner_pb2.PlanRequest(
    model="model",
    state=planner_pb2.State(discrete=4),
    budget=planner_pb2.Budget(simulations=10_000_000),
)
SHORT_REQUEST = planner_pb2.PlanRequest(
    model="model",
    state=planner_pb2.State(discrete=4),
    budget=planner_pb2.Budget(simulations=5),
)


def test_what_runs_is_finished_and_what_is_new_is_turned_away(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model)]), grace_seconds=600) as served:
        running = served.stub.Plan.future(SHORT_REQUEST, timeout=600)
        waiting = served.stub.Plan.future(SHORT_REQUEST, timeout=600)
        assert model.asked.wait(60)
        served.shut_down.set()
        error = served.wait_until_it_takes_no_calls()
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert not running.done()
        model.gate.set()
        assert running.result().simulations == 5
        assert waiting.result().simulations == 5


def test_the_health_says_that_the_server_stops_while_it_goes_on_serving(server_of):
    with server_of(Registry([entry_of(Slow())]), leave_seconds=3.0) as served:
        health = health_pb2_grpc.HealthStub(served.channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=600)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        served.shut_down.set()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=60)
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert served.stub.Plan(SHORT_REQUEST, timeout=60).simulations == 5
        watch.cancel()


def test_after_the_grace_period_a_search_answers_with_what_it_has(server_of):
    model = Slow()
    with server_of(Registry([entry_of(model)]), grace_seconds=0.1) as served:
        running = served.stub.Plan.future(REQUEST, timeout=600)
        while model.steps < 500:
            time.sleep(0.001)
        served.shut_down.set()
        response = running.result()
    assert response.stop_reason == planner_pb2.STOP_REASON_CANCELLED
    assert response.simulations >= 1


def test_a_model_that_never_answers_does_not_hold_up_the_end(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model)]), grace_seconds=0.1) as served:
        running = served.stub.Plan.future(REQUEST, timeout=600)
        assert model.asked.wait(60)
        served.shut_down.set()
        with pytest.raises(grpc.RpcError):
            running.result()
    model.gate.set()


def test_a_watcher_of_the_health_is_told_and_does_not_hold_up_the_end(server_of):
    with server_of(Registry([entry_of(Slow())]), grace_seconds=600) as served:
        stub = health_pb2_grpc.HealthStub(served.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=600)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        served.shut_down.set()
        seen = []
        with pytest.raises(grpc.RpcError) as caught:
            seen.extend(answer.status for answer in watch)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert seen in ([], [health_pb2.HealthCheckResponse.NOT_SERVING])

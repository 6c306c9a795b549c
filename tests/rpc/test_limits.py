"""What a server does to connections that ask too much of it, seen frame by frame."""

import contextlib
import time
from dataclasses import fields

import grpc
import pytest
from http2_peer import (
    ACK,
    GOAWAY,
    MAX_CONCURRENT_STREAMS,
    MAX_HEADER_LIST_SIZE,
    PING,
    SETTINGS,
    Http2Peer,
)
from served_models import Corridor, Gated, entry_of

from mcts_service.errors import InvalidRequest
from mcts_service.service.connection_limits import ConnectionLimits
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2

REGISTRY = Registry([entry_of(Corridor(), "corridor")])


@pytest.fixture
def limited(server_of):
    """Runs a server with some limits."""

    def run(registry=REGISTRY, **limits):
        return server_of(registry, tables={"limits": ConnectionLimits(**limits)})

    return run


def test_one_connection_more_is_closed_and_the_others_go_on(limited):
    with limited(max_connections=3) as served:
        served.plan("corridor")
        with Http2Peer(served.address) as first, Http2Peer(served.address) as second:
            assert first.until(SETTINGS)
            assert second.until(SETTINGS)
            with Http2Peer(served.address) as third:
                third.until_closed()
            served.plan("corridor")
        # One that is closed makes room.
        give_up = time.monotonic() + 60
        while True:
            with Http2Peer(served.address) as later:
                if later.until(SETTINGS):
                    break
            assert time.monotonic() < give_up


def test_calls_at_once_and_the_size_of_headers_are_told(limited):
    with limited(max_streams=7, max_header_bytes=9000) as served, Http2Peer(served.address) as peer:
        settings = peer.until(SETTINGS).settings
    assert settings[MAX_CONCURRENT_STREAMS] == 7
    assert settings[MAX_HEADER_LIST_SIZE] == 9000


def test_a_client_holds_back_the_call_that_is_too_many(limited):
    model = Gated()
    with limited(Registry([entry_of(model)]), max_streams=1) as served:
        request = planner_pb2.PlanRequest(
            model="model",
            state=planner_pb2.State(discrete=4),
            budget=planner_pb2.Budget(simulations=5),
        )
        first = served.stub.Plan.future(request, timeout=600)
        assert model.asked.wait(60)
        models = served.stub.ListModels.future(planner_pb2.ListModelsRequest(), timeout=600)
        time.sleep(0.3)
        assert not models.done()
        model.gate.set()
        assert first.result().simulations == 5
        assert models.result().models


def test_headers_that_are_too_large_cost_the_call_only(limited):
    with limited(max_header_bytes=4096) as served:
        with pytest.raises(grpc.RpcError) as caught:
            served.stub.ListModels(
                planner_pb2.ListModelsRequest(), metadata=[("x", "y" * 5000)], timeout=60
            )
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        served.stub.ListModels(
            planner_pb2.ListModelsRequest(), metadata=[("x", "y" * 3000)], timeout=60
        )


def test_who_pings_too_often_is_sent_away(limited):
    with limited(min_ping_seconds=60) as served:
        with Http2Peer(served.address) as peer:
            with contextlib.suppress(BrokenPipeError):  # it is sent away before the last of them
                for number in range(6):
                    peer.send(PING, bytes([number] * 8))
            assert peer.until_closed() == b"too_many_pings"
        served.plan("corridor")


def test_who_pings_as_often_as_allowed_stays(limited):
    with limited(min_ping_seconds=0.1) as served, Http2Peer(served.address) as peer:
        for number in range(6):
            time.sleep(0.15)
            payload = bytes([number] * 8)
            peer.send(PING, payload)
            while (answer := peer.until(PING)).payload != payload:
                peer.send(PING, answer.payload, ACK)


def test_who_shows_no_sign_of_life_is_given_up(limited):
    with limited(keepalive_seconds=0.2, keepalive_timeout_seconds=0.2) as served:
        with Http2Peer(served.address) as peer:
            assert peer.until(PING)
            assert peer.until_closed() == b"ping_timeout"
        served.plan("corridor")


def test_who_shows_signs_of_life_stays(limited):
    with (
        limited(keepalive_seconds=0.2, keepalive_timeout_seconds=30) as served,
        Http2Peer(served.address) as peer,
    ):
        for _ in range(4):
            peer.send(PING, peer.until(PING).payload, ACK)


def test_an_idle_connection_is_closed_and_its_client_connects_anew(limited):
    with limited(max_idle_seconds=0.3) as served:
        served.plan("corridor")
        with Http2Peer(served.address) as peer:
            assert peer.until_closed() == b"connection idle"
        assert served.plan("corridor").simulations == 100


def test_an_old_connection_is_closed_and_what_runs_is_finished(limited):
    model = Gated()
    with limited(
        Registry([entry_of(model)]), max_age_seconds=0.3, max_age_grace_seconds=600
    ) as served:
        request = planner_pb2.PlanRequest(
            model="model",
            state=planner_pb2.State(discrete=4),
            budget=planner_pb2.Budget(simulations=5),
        )
        running = served.stub.Plan.future(request, timeout=600)
        assert model.asked.wait(60)
        with Http2Peer(served.address) as peer:
            assert peer.until(GOAWAY)
        model.gate.set()
        assert running.result().simulations == 5


def test_who_never_says_hello_is_given_up(limited):
    with limited(handshake_seconds=0.3) as served:
        with Http2Peer(served.address, speaks=False) as peer:
            peer.until_closed()
        with Http2Peer(served.address, agrees=False) as peer:
            assert peer.until_closed() == b"settings_timeout"
        served.plan("corridor")


@pytest.mark.parametrize("limit", [field.name for field in fields(ConnectionLimits)])
@pytest.mark.parametrize("value", [-1, "1", 10**12, None, True])
def test_a_limit_that_cannot_be_is_named(limit, value):
    with pytest.raises(InvalidRequest) as caught:
        ConnectionLimits(**{limit: value})
    assert caught.value.violations[0].field == limit

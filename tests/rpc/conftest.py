"""A real server on a real port, in a thread with an event loop of its own."""

import asyncio
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from served_models import (
    FAULTS,
    Corridor,
    Crew,
    Faulty,
    Grid,
    Herd,
    Orders,
    Panel,
    Point,
    Slow,
    Streets,
    entry_of,
)

from mcts_service.rpc.server import PlannerServer
from mcts_service.service.config import ServerConfig, ServerSettings
from mcts_service.service.loading import load_models
from mcts_service.service.margin import DeadlineMargin
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2, planner_pb2_grpc


@dataclass
class Served:
    """A server that runs, and the way to it."""

    address: str
    registry: Registry
    channel: grpc.Channel
    stub: planner_pb2_grpc.PlannerServiceStub
    shut_down: threading.Event

    def plan(self, model="corridor", state=4, *, timeout=60, **fields):
        """Plan, with an integer as a discrete state and 100 simulations unless told."""
        if isinstance(state, int):
            state = planner_pb2.State(discrete=state)
        fields.setdefault("budget", planner_pb2.Budget(simulations=100))
        request = planner_pb2.PlanRequest(model=model, state=state, **fields)
        return self.stub.Plan(request, timeout=timeout)

    def error(self, *arguments, **fields):
        """The error that Plan ends with."""
        with pytest.raises(grpc.RpcError) as caught:
            self.plan(*arguments, **fields)
        return caught.value

    def wait_until_draining(self):
        """Until the health of the server says that it stops."""
        stub = health_pb2_grpc.HealthStub(self.channel)
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=60)
            if answer.status == health_pb2.HealthCheckResponse.NOT_SERVING:
                return
        raise AssertionError("the server goes on serving")


@contextmanager
def running_server(registry, deadline_margin=None, **settings):
    """Runs a server for the length of a block, and shuts it down in order after it."""
    config = ServerConfig(
        server=replace(ServerSettings(port=0, workers=1), **settings),
        deadline_margin=deadline_margin or DeadlineMargin(),
    )
    ready, shut_down, port = threading.Event(), threading.Event(), []

    async def run():
        server = PlannerServer(config, registry)
        port.append(await server.start())
        ready.set()
        await asyncio.get_running_loop().run_in_executor(None, shut_down.wait)
        await server.drain(asyncio.Event())

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(60)
    address = f"127.0.0.1:{port[0]}"
    try:
        with grpc.insecure_channel(address) as channel:
            stub = planner_pb2_grpc.PlannerServiceStub(channel)
            yield Served(address, registry, channel, stub, shut_down)
    finally:
        shut_down.set()
        thread.join()


@pytest.fixture(scope="module")
def served():
    """A server with the built-in models and those of `served_models`."""
    built_in = load_models(ServerConfig()).entries
    own = {"corridor": Corridor(), "grid": Grid(), "point": Point(), "panel": Panel()}
    own |= {"herd": Herd(), "streets": Streets(), "orders": Orders(), "crew": Crew()}
    faulty = {f"faulty_{fault.replace(' ', '_').lower()}": Faulty(fault) for fault in FAULTS}
    models = own | faulty | {"slow": Slow()}
    entries = [entry_of(model, name, max_simulations=10**7) for name, model in models.items()]
    with running_server(Registry([*built_in, *entries])) as server:
        yield server


@pytest.fixture(scope="session")
def server_of():
    """`running_server`, for tests that need a server of their own."""
    return running_server

"""A real server on a real port, in a thread with an event loop of its own."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace

import grpc
import pytest
from patience import eventually
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
from mcts_service.service.observer import EngineState, Observer
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
    engine_state: Callable[[], EngineState]

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

    def wait_until_waiting(self, count):
        """Until so many searches wait for a worker."""
        eventually(lambda: self.engine_state().queue.waiting >= count)

    def wait_until_it_takes_no_calls(self):
        """Until a new call is turned away, or finds nobody; its error."""
        errors = []

        def takes_none():
            try:
                self.stub.ListModels(planner_pb2.ListModelsRequest(), timeout=60)
            except grpc.RpcError as error:
                errors.append(error)
            return errors

        eventually(takes_none)
        return errors[0]


@contextmanager
def running_server(
    registry, deadline_margin=None, *, tables=None, observer=None, credentials=None, **settings
):
    """Runs a server for the length of a block, and shuts it down in order after it.

    Args:
      tables: of the configuration, beside [server]: {"tls": TlsSettings(...)}.
      observer: of the server.
      credentials: of the channel.
      settings: of [server].
    """
    config = ServerConfig(
        server=replace(ServerSettings(port=0, workers=1, leave_seconds=0.0), **settings),
        deadline_margin=deadline_margin or DeadlineMargin(),
        **(tables or {}),
    )
    ready, shut_down, port = threading.Event(), threading.Event(), []
    observer, engine_states = observer or Observer(), []

    def engine_is(read, tell=observer.engine_is):
        engine_states.append(read)
        tell(read)

    observer.engine_is = engine_is

    async def run():
        server = PlannerServer(config, registry, observer)
        port.append(await server.start())
        ready.set()
        await asyncio.get_running_loop().run_in_executor(None, shut_down.wait)
        await server.drain(asyncio.Event())

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(60)
    address = f"127.0.0.1:{port[0]}"
    try:
        with _channel(address, credentials) as channel:
            stub = planner_pb2_grpc.PlannerServiceStub(channel)
            yield Served(address, registry, channel, stub, shut_down, engine_states[0])
    finally:
        shut_down.set()
        thread.join()


def _channel(address, credentials):
    if credentials is None:
        return grpc.insecure_channel(address)
    return grpc.secure_channel(address, credentials)


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

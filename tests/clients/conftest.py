"""Servers for the clients to call: one that answers as a test says, and the real one."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from mcts_client import AsyncPlannerClient, PlannerClient
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

Handler = Callable[[Any, grpc.ServicerContext], Any]


class ScriptedPlanner(planner_pb2_grpc.PlannerServiceServicer):
    """Does what a test's functions do; what they leave open it answers by repeating the request.

    The models it lists are "beta" and "alpha"; a model's example of a state is the number 7.
    """

    def __init__(
        self,
        plan: Handler | None,
        get_model: Handler | None,
        watch_plan: Handler | None,
        plan_many: Handler | None,
    ) -> None:
        self._plan = plan
        self._get_model = get_model
        self._watch_plan = watch_plan
        self._plan_many = plan_many

    def Plan(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        answer = self._plan(request, context) if self._plan is not None else None
        return answer or planner_pb2.PlanResponse(
            action=planner_pb2.Action(discrete=0),
            simulations=request.budget.simulations,
            stop_reason=planner_pb2.STOP_REASON_SIMULATIONS,
            model=planner_pb2.ModelId(name=request.model, version="1"),
            seed=request.seed,
            request_id=request.request_id,
        )

    def WatchPlan(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        assert self._watch_plan is not None
        yield from self._watch_plan(request, context)

    def PlanMany(self, requests: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        assert self._plan_many is not None
        yield from self._plan_many(requests, context)

    def GetModel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        answer = self._get_model(request, context) if self._get_model is not None else None
        return answer or planner_pb2.GetModelResponse(
            model=planner_pb2.ModelId(name=request.model, version="1"),
            state_spec=planner_pb2.StateSpec(
                kind=planner_pb2.VALUE_KIND_DISCRETE, example=planner_pb2.State(discrete=7)
            ),
        )

    def ListModels(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        ids = [planner_pb2.ModelId(name=name, version="1") for name in ("beta", "alpha")]
        summaries = [planner_pb2.ModelSummary(model=i, description=i.name.title()) for i in ids]
        return planner_pb2.ListModelsResponse(models=summaries)


@pytest.fixture
def scripted_server() -> Iterator[Callable[..., str]]:
    """Starts servers; each call takes the functions that answer, and gives HOST:PORT."""
    servers = []

    def start(
        plan: Handler | None = None,
        get_model: Handler | None = None,
        watch_plan: Handler | None = None,
        plan_many: Handler | None = None,
    ) -> str:
        server = grpc.server(ThreadPoolExecutor(max_workers=16))
        planner_pb2_grpc.add_PlannerServiceServicer_to_server(
            ScriptedPlanner(plan, get_model, watch_plan, plan_many), server
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield start
    for server in servers:
        server.stop(grace=None).wait()


def _ask(target: str, method: str, *args: Any, options: dict[str, Any], **arguments: Any) -> Any:
    with PlannerClient(target, **options) as client:
        return getattr(client, method)(*args, **arguments)


async def _ask_async(
    target: str, method: str, *args: Any, options: dict[str, Any], **arguments: Any
) -> Any:
    async with AsyncPlannerClient(target, **options) as client:
        return await getattr(client, method)(*args, **arguments)


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes one call by a client of its own, in each of the two ways.

    The options of the client go in `options`: ask(target, "plan", model, state, options={...}).
    """

    def ask_one(target: str, method: str, *args: Any, **arguments: Any) -> Any:
        arguments.setdefault("options", {})
        if request.param == "sync":
            return _ask(target, method, *args, **arguments)
        return asyncio.run(_ask_async(target, method, *args, **arguments))

    return ask_one


class RealServer:
    """`mcts-service serve`, as a process of its own.

    Attributes:
      target: its HOST:PORT.
    """

    def __init__(self, *arguments: str, folder: Path | None = None) -> None:
        command = str(Path(sys.executable).with_name("mcts-service"))
        self._process = subprocess.Popen(
            [command, "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        self._was_killed = False
        self.target = self._announced()

    def _announced(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("serving on "):
                return line.removeprefix("serving on ").strip()
        self._process.stdout.close()
        raise AssertionError(f"the server ended with status {self._process.wait()}")

    def kill(self) -> None:
        """Ends it as a crash would."""
        self._process.kill()
        self._process.wait(timeout=60)
        self._was_killed = True

    def stop(self) -> None:
        """Asks it to end, waits, and sees that it ended well."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(timeout=60) == 0 or self._was_killed
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def start_real_server() -> Iterator[Callable[..., RealServer]]:
    """Starts servers with arguments, and a working folder, of their own."""
    servers = []

    def start(*arguments: str, folder: Path | None = None) -> RealServer:
        servers.append(RealServer(*arguments, folder=folder))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def real_server() -> Iterator[str]:
    """The address of a server with the built-in models, shared by all tests."""
    server = RealServer()
    yield server.target
    server.stop()

"""`watch` of both clients: plans that improve, and the final one."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from mcts_client import (
    AsyncPlannerClient,
    InvalidRequest,
    Plan,
    PlannerClient,
    ReplicaLost,
    StopReason,
    UnknownModel,
)
from mcts_service.v1 import planner_pb2

Watch = Callable[..., tuple[list[Plan], Exception | None]]
StartServer = Callable[..., Any]
#: Far more than any test waits for.
LONG = 10_000_000


def _watch(target: str, *args: Any, stop_after: int | None, options: Any, **arguments: Any) -> Any:
    plans: list[Plan] = []
    with PlannerClient(target, **options) as client:
        try:
            for plan in client.watch(*args, **arguments):
                plans.append(plan)
                if len(plans) == stop_after:
                    break
        except Exception as error:
            return plans, error
        return plans, None


async def _watch_async(
    target: str, *args: Any, stop_after: int | None, options: Any, **arguments: Any
) -> Any:
    plans: list[Plan] = []
    async with AsyncPlannerClient(target, **options) as client:
        try:
            async for plan in client.watch(*args, **arguments):
                plans.append(plan)
                if len(plans) == stop_after:
                    break
        except Exception as error:
            return plans, error
        return plans, None


@pytest.fixture(params=["sync", "async"])
def watch(request: pytest.FixtureRequest) -> Watch:
    """Plans that a client of its own has seen, and the error at their end, in each way."""

    def watch_one(target: str, *args: Any, **arguments: Any) -> Any:
        arguments.setdefault("stop_after", None)
        arguments.setdefault("options", {})
        if request.param == "sync":
            return _watch(target, *args, **arguments)
        return asyncio.run(_watch_async(target, *args, **arguments))

    return watch_one


def without_times(plan: Plan) -> dict[str, Any]:
    return {key: value for key, value in vars(plan).items() if not key.endswith("_time")}


def response(final: bool) -> planner_pb2.WatchPlanResponse:
    reason = planner_pb2.STOP_REASON_SIMULATIONS if final else planner_pb2.STOP_REASON_UNFINISHED
    plan = planner_pb2.PlanResponse(action={"discrete": 1}, stop_reason=reason)
    return planner_pb2.WatchPlanResponse(plan=plan, final=final)


def test_the_last_plan_is_final_and_that_of_plan(watch: Watch, real_server: str) -> None:
    asked: dict[str, Any] = {"simulations": 3_000, "seed": 5, "early_stop": False}
    plans, error = watch(real_server, "connect_four", "", **asked)
    assert error is None
    assert [plan.is_final for plan in plans] == [False] * (len(plans) - 1) + [True]
    assert all(plan.stop_reason is StopReason.UNFINISHED for plan in plans[:-1])
    with PlannerClient(real_server) as client:
        assert without_times(plans[-1]) == without_times(client.plan("connect_four", "", **asked))


def test_the_request_says_what_was_asked(watch: Watch, scripted_server: StartServer) -> None:
    seen = []

    def watch_plan(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        seen.append((request, context.time_remaining()))
        yield response(final=True)

    target = scripted_server(watch_plan=watch_plan)
    watch(target, "m", 7, interval=0.25, simulations=10, exploration=2.0, timeout=30)
    [(request, remaining)] = seen
    assert request.interval.ToNanoseconds() == 250_000_000
    assert (request.plan.model, request.plan.state.discrete) == ("m", 7)
    assert (request.plan.budget.simulations, request.plan.options.exploration) == (10, 2.0)
    assert 0 < remaining <= 30
    watch(target, "m", 7)
    assert not seen[1][0].HasField("interval")


def test_to_leave_the_loop_cancels_the_call(watch: Watch, scripted_server: StartServer) -> None:
    ended = threading.Event()

    def watch_plan(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        context.add_callback(ended.set)
        while not ended.wait(0.01):
            yield response(final=False)

    plans, _ = watch(scripted_server(watch_plan=watch_plan), "m", 0, stop_after=3)
    assert len(plans) == 3
    assert ended.wait(60)


def test_a_loop_that_is_left_leaves_the_client_of_use(scripted_server: StartServer) -> None:
    ended = threading.Event()

    def watch_plan(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        context.add_callback(ended.set)
        while not ended.wait(0.01):
            yield response(final=False)

    with PlannerClient(scripted_server(watch_plan=watch_plan)) as client:
        for _ in client.watch("m", 0):
            break
        assert ended.wait(60)
        assert client.plan("m", 0).action == 0


def test_an_error_comes_after_the_plans_before_it(
    watch: Watch, scripted_server: StartServer
) -> None:
    def watch_plan(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield response(final=False)
        context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    plans, error = watch(scripted_server(watch_plan=watch_plan), "m", 0)
    assert len(plans) == 1
    assert isinstance(error, ReplicaLost)


def test_a_call_that_has_no_plan_yet_is_made_again(
    watch: Watch, scripted_server: StartServer
) -> None:
    calls = []

    def watch_plan(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        calls.append(request)
        if len(calls) < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not this time")
        yield response(final=True)

    plans, error = watch(scripted_server(watch_plan=watch_plan), "m", 0)
    assert (len(plans), error, len(calls)) == (1, None, 3)


def test_a_server_that_is_killed_is_lost(watch: Watch, start_real_server: StartServer) -> None:
    server = start_real_server()
    killer = threading.Timer(0.5, server.kill)
    killer.start()
    plans, error = watch(server.target, "connect_four", "", simulations=LONG, interval=0.05)
    killer.join()
    assert plans
    assert not any(plan.is_final for plan in plans)
    assert isinstance(error, ReplicaLost)


def test_errors_are_those_of_plan(watch: Watch, real_server: str) -> None:
    plans, error = watch(real_server, "nobody", 0)
    assert not plans
    assert isinstance(error, UnknownModel)
    assert error.name == "nobody"


def test_what_no_message_can_hold_is_refused_at_once(real_server: str) -> None:
    with PlannerClient(real_server) as client, pytest.raises(InvalidRequest, match="interval"):
        client.watch("taxi", 0, interval="soon")  # type: ignore[arg-type]


@pytest.mark.parametrize("client", [PlannerClient, AsyncPlannerClient])
def test_the_method_shows_its_arguments(client: type) -> None:
    signature = inspect.signature(client.watch)  # type: ignore[attr-defined]
    assert "interval" in signature.parameters
    assert "Iterator[" in str(signature.return_annotation)
    assert "is_final" in (client.watch.__doc__ or "")  # type: ignore[attr-defined]

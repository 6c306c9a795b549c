"""`pipeline` of both clients: many plans in flight on one stream."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from mcts_client import (
    AsyncPipeline,
    AsyncPlannerClient,
    Cancelled,
    DeadlineExpired,
    InvalidRequest,
    ModelFault,
    Overloaded,
    Pipeline,
    Plan,
    PlannerClient,
    ReplicaLost,
    TerminalState,
    UnknownModel,
)
from mcts_service.v1 import planner_pb2

PlanAll = Callable[..., list[Any]]
StartServer = Callable[..., Any]
#: Far more than any test waits for.
LONG = 10_000_000
#: Takes about so long, or more.
A_SECOND = {"model": "connect_four", "state": "", "simulations": 2_000_000, "early_stop": False}
NO_RETRIES = {"max_attempts": 1}


def _plan_all(target: str, asked: list[dict[str, Any]], options: Any) -> list[Any]:
    with PlannerClient(target, **options) as client, client.pipeline() as pipeline:
        futures = [pipeline.plan(**one) for one in asked]
        return [future.exception() or future.result() for future in futures]


async def _plan_all_async(target: str, asked: list[dict[str, Any]], options: Any) -> list[Any]:
    async with AsyncPlannerClient(target, **options) as client, client.pipeline() as pipeline:
        return await asyncio.gather(
            *(pipeline.plan(**one) for one in asked), return_exceptions=True
        )


@pytest.fixture(params=["sync", "async"])
def plan_all(request: pytest.FixtureRequest) -> PlanAll:
    """The plan or the error of each of some requests, by a pipeline of its own, in each way."""

    def plan_some(target: str, *asked: dict[str, Any], **options: Any) -> list[Any]:
        if request.param == "sync":
            return _plan_all(target, list(asked), options)
        return asyncio.run(_plan_all_async(target, list(asked), options))

    return plan_some


def ask(state: int = 0, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "state": state, **fields}


def answer(request: Any) -> planner_pb2.PlanManyResponse:
    """A plan whose action is the state that was asked about."""
    plan = planner_pb2.PlanResponse(action={"discrete": request.plan.state.discrete})
    return planner_pb2.PlanManyResponse(request_id=request.request_id, plan=plan)


def refusal(request: Any, code: grpc.StatusCode, *details: Any) -> planner_pb2.PlanManyResponse:
    status = status_pb2.Status(code=code.value[0], message="not this time")
    for detail in details:
        status.details.add().Pack(detail)
    return planner_pb2.PlanManyResponse(request_id=request.request_id, error=status)


class Script:
    """A PlanMany of which each stream does what the next of some functions says.

    Attributes:
      seen: the requests of each stream.
    """

    def __init__(self, *streams: Callable[[Any, grpc.ServicerContext], Iterator[Any]]) -> None:
        self.seen: list[list[Any]] = []
        self._streams = iter(streams)

    def __call__(self, requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        seen: list[Any] = []
        self.seen.append(seen)

        def noted() -> Iterator[Any]:
            for request in requests:
                seen.append(request)
                yield request

        yield from next(self._streams)(noted(), context)


def answers_all(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
    yield from map(answer, requests)


def breaks(code: grpc.StatusCode, after: int) -> Callable[..., Iterator[Any]]:
    """A stream that ends like that when it has so many requests, with no answer."""

    def stream(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for number, _ in enumerate(requests, 1):
            if number == after:
                context.abort(code, "broken")
        yield from ()

    return stream


def without_times(plan: Plan) -> dict[str, Any]:
    return {key: value for key, value in vars(plan).items() if not key.endswith("_time")}


# ---- what goes wrong with one harms no other


def test_an_answer_that_cannot_be_read_is_the_error_of_its_plan(
    plan_all: PlanAll, scripted_server: StartServer
) -> None:
    def stream(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for request in requests:
            response = answer(request)
            if request.plan.state.discrete == 1:
                response.plan.action.Clear()  # a form that is not known yet
            yield response

    target = scripted_server(plan_many=Script(stream))
    first, second, third = plan_all(target, ask(0), ask(1), ask(2))
    assert (first.action, third.action) == (0, 2)
    assert "too old" in str(second)


def test_a_request_larger_than_the_server_takes_harms_no_other(
    plan_all: PlanAll, start_real_server: StartServer, tmp_path: Path
) -> None:
    (tmp_path / "server.toml").write_text("server.max_message_bytes = 4096\n")
    server = start_real_server("--config", "server.toml", folder=tmp_path)
    small = {"model": "taxi", "state": 328, "simulations": 2_000}
    large = {**small, "allowed_actions": [0] * 4_000}
    *plans, error = plan_all(server.target, *[small] * 5, large)
    assert isinstance(error, InvalidRequest)
    assert all(isinstance(plan, Plan) for plan in plans), plans


def test_more_than_a_stream_takes_wait_their_turn_and_can_be_cancelled(
    real_server: str,
) -> None:
    with PlannerClient(real_server) as client, client.pipeline() as pipeline:
        slow = [pipeline.plan(**A_SECOND, timeout=60) for _ in range(300)]
        for future in slow:
            future.cancel()
        # On the same stream: it would wait for hours, were they not heard to be cancelled.
        assert pipeline.plan("taxi", 328, simulations=10, timeout=30).result().simulations == 10


def test_a_pipeline_has_settled_all_when_it_is_closed(scripted_server: StartServer) -> None:
    def never(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for _ in requests:
            pass
        yield from ()

    for _ in range(20):
        with PlannerClient(scripted_server(plan_many=Script(never))) as client:
            with client.pipeline() as pipeline:
                futures = [pipeline.plan(**ask(n), timeout=0.05) for n in range(3)]
            assert all(future.done() for future in futures)


# ---- against a real server


def test_each_plan_is_that_of_plan(plan_all: PlanAll, real_server: str) -> None:
    asked: list[dict[str, Any]] = [
        {"model": "taxi", "state": state, "simulations": 50, "seed": state, "request_id": "r"}
        for state in range(100, 200)
    ]
    plans = plan_all(real_server, *asked)
    with PlannerClient(real_server) as client:
        for one, plan in list(zip(asked, plans, strict=True))[::10]:
            assert without_times(plan) == without_times(client.plan(**one))


def test_errors_are_those_of_plan_and_harm_no_other(plan_all: PlanAll, real_server: str) -> None:
    found = plan_all(
        real_server,
        {"model": "nobody", "state": 0},
        {"model": "frozen_lake_4x4", "state": 15},
        {"model": "taxi", "state": 0, "simulations": -1},
        {"model": "taxi", "state": 1, "simulations": 10},
    )
    assert [type(one) for one in found] == [UnknownModel, TerminalState, InvalidRequest, Plan]
    assert found[0].name == "nobody"
    assert found[2].violations[0].field == "budget.simulations"


def test_a_timeout_trims_the_search(plan_all: PlanAll, real_server: str) -> None:
    [plan] = plan_all(
        real_server, {"model": "connect_four", "state": "", "simulations": LONG, "timeout": 2.0}
    )
    assert 0 < plan.simulations < LONG


def test_a_server_that_is_killed_is_lost(plan_all: PlanAll, start_real_server: StartServer) -> None:
    server = start_real_server()
    killer = threading.Timer(0.5, server.kill)
    killer.start()
    found = plan_all(
        server.target, *[{"model": "connect_four", "state": "", "simulations": LONG}] * 5
    )
    killer.join()
    assert {type(one) for one in found} == {ReplicaLost}


def test_what_a_killed_server_leaves_is_planned_by_its_successor(
    plan_all: PlanAll, start_real_server: StartServer
) -> None:
    server = start_real_server()
    successors = []

    def succeed() -> None:
        server.kill()
        successors.append(start_real_server("--port", server.target.rpartition(":")[2]))

    successor = threading.Timer(0.5, succeed)
    successor.start()
    found = plan_all(server.target, *[A_SECOND] * 3, wait_for_ready=True, timeout=300)
    successor.join()
    assert [type(one) for one in found] == [Plan] * 3


def test_what_a_server_that_stops_has_taken_up_is_answered(
    plan_all: PlanAll, start_real_server: StartServer
) -> None:
    server = start_real_server()
    stopper = threading.Timer(0.5, server.stop)
    stopper.start()
    asked = {"model": "connect_four", "state": "", "time_limit": 1.5, "early_stop": False}
    [plan] = plan_all(server.target, asked)
    stopper.join()
    assert isinstance(plan, Plan)


# ---- against a server that does what each test says


def test_what_a_broken_stream_leaves_is_sent_again(
    plan_all: PlanAll, scripted_server: StartServer
) -> None:
    script = Script(
        breaks(grpc.StatusCode.UNAVAILABLE, 3), breaks(grpc.StatusCode.UNAVAILABLE, 1), answers_all
    )
    found = plan_all(scripted_server(plan_many=script), ask(1), ask(2), ask(3))
    assert [getattr(plan, "action", plan) for plan in found] == [1, 2, 3]
    assert len(script.seen) == 3


def test_a_stream_is_given_up_after_the_greatest_number_of_attempts(
    plan_all: PlanAll, scripted_server: StartServer
) -> None:
    script = Script(*[breaks(grpc.StatusCode.UNAVAILABLE, 1)] * 3)
    [error] = plan_all(scripted_server(plan_many=script), ask(), max_attempts=3)
    assert isinstance(error, ReplicaLost)
    assert len(script.seen) == 3


def test_a_server_that_is_not_there_is_named(plan_all: PlanAll) -> None:
    [error] = plan_all("127.0.0.1:1", ask(), **NO_RETRIES)
    assert isinstance(error, ReplicaLost)
    assert "127.0.0.1:1" in str(error)


def test_a_stream_that_ends_in_order_without_an_answer_is_lost(
    plan_all: PlanAll, scripted_server: StartServer
) -> None:
    def ends(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        next(requests)
        yield from ()

    [error] = plan_all(scripted_server(plan_many=Script(ends)), ask(), **NO_RETRIES)
    assert isinstance(error, ReplicaLost)


def test_a_plan_that_there_was_no_room_for_is_sent_again_when_the_server_says(
    plan_all: PlanAll, scripted_server: StartServer
) -> None:
    times = []

    def full_at_first(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for request in requests:
            times.append(time.monotonic())
            wait = error_details_pb2.RetryInfo(retry_delay=Duration(nanos=300_000_000))
            full = refusal(request, grpc.StatusCode.RESOURCE_EXHAUSTED, wait)
            yield full if len(times) < 3 else answer(request)

    script = Script(full_at_first)
    [plan] = plan_all(scripted_server(plan_many=script), ask(7))
    assert plan.action == 7
    assert times[1] - times[0] >= 0.3
    assert len(script.seen) == 1


def test_a_plan_for_which_there_is_never_room_is_refused(
    plan_all: PlanAll, scripted_server: StartServer
) -> None:
    def full(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for request in requests:
            yield refusal(request, grpc.StatusCode.RESOURCE_EXHAUSTED)

    script = Script(full)
    [error] = plan_all(scripted_server(plan_many=script), ask(), max_attempts=2)
    assert isinstance(error, Overloaded)
    assert len(script.seen[0]) == 2


def test_a_stream_that_breaks_for_good_ends_what_is_in_flight_and_another_is_opened(
    scripted_server: StartServer,
) -> None:
    script = Script(breaks(grpc.StatusCode.INTERNAL, 2), answers_all)
    target = scripted_server(plan_many=script)
    with PlannerClient(target) as client, client.pipeline() as pipeline:
        lost = [pipeline.plan("m", 0) for _ in range(2)]
        assert all(isinstance(one.exception(60), ModelFault) for one in lost)
        assert pipeline.plan("m", 7).result(60).action == 7
    assert len(script.seen) == 2


def test_a_plan_without_an_answer_ends_with_its_deadline(
    plan_all: PlanAll, scripted_server: StartServer
) -> None:
    def silent(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for request in requests:
            if request.plan.state.discrete:
                yield answer(request)

    script = Script(silent)
    found = plan_all(scripted_server(plan_many=script), ask(0, timeout=0.3), ask(1))
    assert isinstance(found[0], DeadlineExpired)
    assert found[1].action == 1
    assert 0 < script.seen[0][0].timeout.ToNanoseconds() <= 300_000_000
    assert not script.seen[0][1].HasField("timeout")


def test_the_clients_timeout_is_that_of_each_plan(
    plan_all: PlanAll, scripted_server: StartServer
) -> None:
    script = Script(answers_all)
    plan_all(scripted_server(plan_many=script), ask(), timeout=40)
    assert 30 < script.seen[0][0].timeout.ToNanoseconds() / 1e9 <= 40


class Silent:
    """Reads, and answers nothing."""

    def __init__(self) -> None:
        self.requests: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def __call__(self, requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for request in requests:
            self.requests.put(request)
        yield from ()


def test_a_future_that_is_cancelled_cancels_its_plan(scripted_server: StartServer) -> None:
    server = Silent()
    target = scripted_server(plan_many=server)
    with PlannerClient(target) as client, client.pipeline() as pipeline:
        future = pipeline.plan("m", 0)
        sent = server.requests.get(timeout=60)
        assert future.cancel()
        cancel = server.requests.get(timeout=60)
        assert cancel.WhichOneof("kind") == "cancel"
        assert cancel.request_id == sent.request_id
        # As all futures that are cancelled, it counts as done for those who wait for several.
        assert concurrent.futures.wait([future], timeout=60).done == {future}


def test_a_task_that_is_cancelled_cancels_its_plan(scripted_server: StartServer) -> None:
    server = Silent()

    async def run(target: str) -> None:
        async with AsyncPlannerClient(target) as client, client.pipeline() as pipeline:
            task = asyncio.ensure_future(pipeline.plan("m", 0))
            sent = await asyncio.to_thread(server.requests.get, timeout=60)
            task.cancel()
            cancel = await asyncio.to_thread(server.requests.get, timeout=60)
            assert cancel.WhichOneof("kind") == "cancel"
            assert cancel.request_id == sent.request_id
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run(scripted_server(plan_many=server)))


def test_to_leave_by_an_exception_cancels_what_is_in_flight(scripted_server: StartServer) -> None:
    server = Silent()
    left: list[Any] = []

    def leave(client: PlannerClient) -> None:
        with client.pipeline() as pipeline:
            left.append(pipeline.plan("m", 0))
            server.requests.get(timeout=60)
            raise ZeroDivisionError

    with PlannerClient(scripted_server(plan_many=server)) as client:
        with pytest.raises(ZeroDivisionError):
            leave(client)
        assert left[0].cancelled()


def test_to_leave_by_an_exception_cancels_tasks_too(scripted_server: StartServer) -> None:
    server = Silent()
    left: list[Any] = []

    async def leave(client: AsyncPlannerClient) -> None:
        async with client.pipeline() as pipeline:
            left.append(asyncio.ensure_future(pipeline.plan("m", 0)))
            await asyncio.to_thread(server.requests.get, timeout=60)
            raise ZeroDivisionError

    async def run(target: str) -> None:
        async with AsyncPlannerClient(target) as client:
            with pytest.raises(ZeroDivisionError):
                await leave(client)
            with pytest.raises(asyncio.CancelledError):
                await left[0]

    asyncio.run(run(scripted_server(plan_many=server)))


def test_to_leave_waits_for_what_is_in_flight(real_server: str) -> None:
    with PlannerClient(real_server) as client, client.pipeline() as pipeline:
        futures = [pipeline.plan("connect_four", "", time_limit=0.3) for _ in range(3)]
    assert all(future.done() and future.result().simulations for future in futures)


def test_a_closed_pipeline_plans_no_more(real_server: str) -> None:
    with PlannerClient(real_server) as client:
        with client.pipeline() as pipeline:
            pipeline.plan("taxi", 1, simulations=10).result(60)
        with pytest.raises(RuntimeError, match="closed"):
            pipeline.plan("taxi", 1)
        pipeline.close()

    async def run() -> None:
        async with AsyncPlannerClient(real_server) as client:
            async with client.pipeline() as pipeline:
                await pipeline.plan("taxi", 1, simulations=10)
            with pytest.raises(RuntimeError, match="closed"):
                await pipeline.plan("taxi", 1)

    asyncio.run(run())


def test_a_client_that_is_closed_ends_what_is_in_flight(scripted_server: StartServer) -> None:
    server = Silent()
    with PlannerClient(scripted_server(plan_many=server)) as client:
        pipeline = client.pipeline()
        future = pipeline.plan("m", 0)
        server.requests.get(timeout=60)
    assert isinstance(future.exception(60), Cancelled)


def test_threads_share_a_pipeline(real_server: str) -> None:
    with PlannerClient(real_server) as client, client.pipeline() as pipeline:

        def plan_some(first: int) -> list[int]:
            states = range(first, 400, 50)
            futures = [pipeline.plan("taxi", state, seed=state) for state in states]
            return [future.result(120).seed for future in futures]

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            found = list(threads.map(plan_some, range(1, 50, 5)))
    assert found == [list(range(first, 400, 50)) for first in range(1, 50, 5)]


@pytest.mark.parametrize("pipeline", [Pipeline, AsyncPipeline])
def test_plan_has_the_arguments_and_the_text_of_the_clients(pipeline: type) -> None:
    ours, theirs = (
        inspect.signature(kind.plan)
        for kind in (pipeline, PlannerClient)  # type: ignore[attr-defined]
    )
    assert list(ours.parameters) == list(theirs.parameters)
    assert pipeline.plan.__doc__ == PlannerClient.plan.__doc__  # type: ignore[attr-defined]


def test_what_no_message_can_hold_is_refused_at_once(real_server: str) -> None:
    with (
        PlannerClient(real_server) as client,
        client.pipeline() as pipeline,
        pytest.raises(InvalidRequest, match="simulations"),
    ):
        pipeline.plan("taxi", 1, simulations="many")  # type: ignore[arg-type]

"""Both clients against a server that does what each test says."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from mcts_client import (
    AsyncPlannerClient,
    Cancelled,
    DeadlineExpired,
    InvalidRequest,
    Overloaded,
    Plan,
    PlannerClient,
    ReplicaLost,
)

Ask = Callable[..., Any]
StartServer = Callable[..., str]


class FailsFirst:
    """A Plan that fails a number of times before it answers.

    Attributes:
      attempts: calls that reached it.
    """

    def __init__(self, failures: int, code: grpc.StatusCode, pushback: str | None = None) -> None:
        self.attempts = 0
        self._failures = failures
        self._code = code
        self._pushback = pushback

    def __call__(self, request: Any, context: grpc.ServicerContext) -> None:
        self.attempts += 1
        if self.attempts > self._failures:
            return
        if self._pushback is not None:
            context.set_trailing_metadata((("grpc-retry-pushback-ms", self._pushback),))
        context.abort(self._code, "not this time")


def test_a_plan_comes_back(ask: Ask, scripted_server: StartServer) -> None:
    plan = ask(scripted_server(), "plan", "m", 5, simulations=10, seed=3, request_id="r")
    assert isinstance(plan, Plan)
    assert (plan.action, plan.simulations, plan.seed) == (0, 10, 3)
    assert (plan.model.name, plan.request_id) == ("m", "r")


def test_models_are_listed_in_the_servers_order(ask: Ask, scripted_server: StartServer) -> None:
    models = ask(scripted_server(), "list_models")
    assert [(model.name, model.description) for model in models] == [
        ("beta", "Beta"),
        ("alpha", "Alpha"),
    ]


def test_a_model_is_described(ask: Ask, scripted_server: StartServer) -> None:
    info = ask(scripted_server(), "get_model", "m")
    assert info.name == "m"
    assert info.state_spec.example == 7


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    for name in ("__init__", "plan", "plan_batch", "list_models", "get_model", "close"):
        blocking = inspect.signature(getattr(PlannerClient, name))
        awaited = inspect.signature(getattr(AsyncPlannerClient, name))
        assert blocking == awaited, name


def test_help_shows_what_a_caller_writes() -> None:
    signature = inspect.signature(PlannerClient.plan)
    assert list(signature.parameters)[:4] == ["self", "model", "state", "simulations"]
    assert signature.return_annotation is Plan
    assert "time_limit: seconds" in (PlannerClient.plan.__doc__ or "")
    with PlannerClient("h:1") as client:
        assert next(iter(inspect.signature(client.plan).parameters)) == "model"


def test_bad_input_makes_no_call(ask: Ask, scripted_server: StartServer) -> None:
    plan = FailsFirst(0, grpc.StatusCode.OK)
    target = scripted_server(plan)
    with pytest.raises(InvalidRequest, match="state: is of type object"):
        ask(target, "plan", "m", object())
    assert plan.attempts == 0


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        ("", {}, "target: is ''; must be HOST:PORT"),
        (5, {}, "target: is 5; must be HOST:PORT"),
        ("h:1", {"max_attempts": 0}, "max_attempts: is 0; must be an integer from 1 to 5"),
        ("h:1", {"max_attempts": 6}, "max_attempts: is 6; must be an integer from 1 to 5"),
        ("h:1", {"timeout": -1}, "timeout: is -1; must be seconds above 0"),
    ],
)
def test_a_client_refuses_wrong_settings(
    ask: Ask, target: Any, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(target, "list_models", options=options)
    assert says in str(caught.value)


def test_an_async_client_needs_a_running_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        AsyncPlannerClient("h:1")


# ---- retries ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED], ids=str
)
def test_two_failures_that_may_pass_are_retried(
    ask: Ask, scripted_server: StartServer, code: grpc.StatusCode
) -> None:
    plan = FailsFirst(2, code)
    assert ask(scripted_server(plan), "plan", "m", 0, simulations=4).simulations == 4
    assert plan.attempts == 3


def test_retries_end_with_the_last_error(ask: Ask, scripted_server: StartServer) -> None:
    plan = FailsFirst(100, grpc.StatusCode.UNAVAILABLE)
    with pytest.raises(ReplicaLost, match="not this time"):
        ask(scripted_server(plan), "plan", "m", 0, options={"max_attempts": 2})
    assert plan.attempts == 2


def test_one_attempt_means_no_retries(ask: Ask, scripted_server: StartServer) -> None:
    plan = FailsFirst(1, grpc.StatusCode.UNAVAILABLE)
    with pytest.raises(ReplicaLost):
        ask(scripted_server(plan), "plan", "m", 0, options={"max_attempts": 1})
    assert plan.attempts == 1


def test_a_callers_mistake_is_not_retried(ask: Ask, scripted_server: StartServer) -> None:
    plan = FailsFirst(1, grpc.StatusCode.INVALID_ARGUMENT)
    with pytest.raises(InvalidRequest):
        ask(scripted_server(plan), "plan", "m", 0)
    assert plan.attempts == 1


def test_a_retry_waits_as_long_as_the_server_asks(ask: Ask, scripted_server: StartServer) -> None:
    plan = FailsFirst(1, grpc.StatusCode.RESOURCE_EXHAUSTED, pushback="600")
    began = time.monotonic()
    ask(scripted_server(plan), "plan", "m", 0)
    # gRPC's own first wait would be 0.12 s at most.
    assert time.monotonic() - began >= 0.6
    assert plan.attempts == 2


def test_a_server_can_forbid_retries(ask: Ask, scripted_server: StartServer) -> None:
    plan = FailsFirst(1, grpc.StatusCode.RESOURCE_EXHAUSTED, pushback="-1")
    with pytest.raises(Overloaded):
        ask(scripted_server(plan), "plan", "m", 0)
    assert plan.attempts == 1


# ---- deadlines and waiting -------------------------------------------------------------


class WaitsForItsEnd:
    """A Plan that answers only when its call is over, and then tells it.

    Attributes:
      time_remaining: that the server saw at first, in seconds; None without a deadline.
      ended: set when the call is over.
    """

    def __init__(self) -> None:
        self.time_remaining: float | None = None
        self.started = threading.Event()
        self.ended = threading.Event()

    def __call__(self, request: Any, context: grpc.ServicerContext) -> None:
        self.time_remaining = context.time_remaining()
        context.add_callback(self.ended.set)
        self.started.set()
        self.ended.wait()


@pytest.mark.parametrize(
    ("client_timeout", "timeout"), [(0.2, None), (None, 0.2), (60.0, 0.2)], ids=repr
)
def test_a_deadline_ends_the_call(
    ask: Ask, scripted_server: StartServer, client_timeout: float | None, timeout: float | None
) -> None:
    plan = WaitsForItsEnd()
    options = {"timeout": client_timeout}
    with pytest.raises(DeadlineExpired):
        ask(scripted_server(plan), "plan", "m", 0, timeout=timeout, options=options)
    assert plan.ended.wait(timeout=30)
    assert plan.time_remaining is not None
    assert plan.time_remaining < 1


def test_a_time_limit_brings_a_deadline_that_leaves_room_for_it(
    ask: Ask, scripted_server: StartServer
) -> None:
    remaining = []

    def plan(request: Any, context: grpc.ServicerContext) -> None:
        remaining.append(context.time_remaining())

    target = scripted_server(plan)
    ask(target, "plan", "m", 0, time_limit=40.0)
    # What a server keeps for its reply, a tenth, is less than what is on top.
    assert 0.9 * remaining[0] > 40.0
    assert remaining[0] < 60.0


def test_a_client_can_wait_for_a_server_that_is_not_there_yet(ask: Ask) -> None:
    with pytest.raises(DeadlineExpired):
        ask("127.0.0.1:1", "plan", "m", 0, timeout=0.5, options={"wait_for_ready": True})


def test_options_of_the_caller_win(ask: Ask, scripted_server: StartServer) -> None:
    plan = FailsFirst(1, grpc.StatusCode.UNAVAILABLE)
    no_retries = [("grpc.service_config", "{}")]
    with pytest.raises(ReplicaLost):
        ask(scripted_server(plan), "plan", "m", 0, options={"options": no_retries})
    assert plan.attempts == 1


# ---- many calls, and the end -----------------------------------------------------------


def test_threads_share_a_client(scripted_server: StartServer) -> None:
    with PlannerClient(scripted_server()) as client, ThreadPoolExecutor(8) as threads:
        seeds = list(threads.map(lambda seed: client.plan("m", 0, seed=seed).seed, range(40)))
    assert seeds == list(range(40))


async def test_tasks_share_a_client(scripted_server: StartServer) -> None:
    async with AsyncPlannerClient(scripted_server()) as client:
        plans = await asyncio.gather(*(client.plan("m", 0, seed=seed) for seed in range(40)))
    assert [plan.seed for plan in plans] == list(range(40))


async def test_cancelling_the_task_cancels_the_call(scripted_server: StartServer) -> None:
    plan = WaitsForItsEnd()
    async with AsyncPlannerClient(scripted_server(plan)) as client:
        task = asyncio.create_task(client.plan("m", 0))
        assert await asyncio.to_thread(plan.started.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(plan.ended.wait, 30)


def test_closing_a_client_cancels_its_calls(scripted_server: StartServer) -> None:
    plan = WaitsForItsEnd()
    client = PlannerClient(scripted_server(plan))
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(client.plan, "m", 0)
        assert plan.started.wait(timeout=30)
        client.close()
        with pytest.raises(Cancelled):
            call.result(timeout=30)


def test_credentials_make_a_secure_channel(ask: Ask, scripted_server: StartServer) -> None:
    options = {"credentials": grpc.ssl_channel_credentials(), "max_attempts": 1}
    with pytest.raises(ReplicaLost, match=r"(?i)ssl|handshake"):
        ask(scripted_server(), "list_models", options=options)

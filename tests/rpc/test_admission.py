"""What waits for a worker of a real server: who is next, and who is refused."""

import contextlib
import socket
import threading
import time

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from patience import eventually
from served_models import Corridor, Slow, entry_of

from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

ONE = planner_pb2.Budget(simulations=1)
LIST = planner_pb2.ListModelsRequest()


class Line(Corridor):
    """Notes where its searches start; the one from 0 goes on once the gate is opened."""

    default_simulations = 1

    def __init__(self):
        self.started = []
        self.busy, self.gate = threading.Event(), threading.Event()

    def is_terminal(self, state):
        return False

    def sample(self, state, action, rng):
        self.started.append(state)
        if state == 0:
            self.busy.set()
            self.gate.wait()
        return state, 0.0, True


@contextlib.contextmanager
def busy_server(server_of, **settings):
    """A server of one model whose worker is busy until the gate is opened."""
    model = Line()
    with server_of(Registry([entry_of(model, "line")]), **settings) as served:
        running = ask(served.stub, 0)
        assert model.busy.wait(60)
        try:
            yield served, model
        finally:
            model.gate.set()
            running.result()


def ask(stub, state, **fields):
    fields.setdefault("budget", ONE)
    state = planner_pb2.State(discrete=state)
    request = planner_pb2.PlanRequest(model="line", state=state, **fields)
    return stub.Plan.future(request, timeout=600)


def refused(call):
    """The error of a call that is refused, as it must be: with a time to try again."""
    with pytest.raises(grpc.RpcError) as caught:
        call.result()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    (detail,) = rpc_status.from_call(caught.value).details
    retry_info = error_details_pb2.RetryInfo()
    assert detail.Unpack(retry_info)
    assert retry_info.retry_delay.ToMilliseconds() > 0
    assert int(dict(caught.value.trailing_metadata())["grpc-retry-pushback-ms"]) > 0
    return caught.value


def test_what_has_a_higher_priority_is_planned_first(server_of):
    with busy_server(server_of) as (served, model):
        calls = []
        for state, priority in ((1, -90), (2, 0), (3, 90), (4, 0)):
            calls.append(ask(served.stub, state, priority=priority))
            served.wait_until_waiting(len(calls))
        model.gate.set()
        for call in calls:
            call.result()
    assert model.started == [0, 3, 2, 4, 1]


def test_a_batch_has_a_priority_too(server_of):
    with busy_server(server_of) as (served, model):
        waiting = ask(served.stub, 1)
        served.wait_until_waiting(1)
        batch = planner_pb2.PlanBatchRequest(
            model="line",
            discrete=planner_pb2.DiscreteStates(values=[2, 3]),
            budget=ONE,
            priority=90,
        )
        planned = served.stub.PlanBatch.future(batch, timeout=600)
        served.wait_until_waiting(2)
        model.gate.set()
        assert len(planned.result().actions) == 2
        waiting.result()
    assert model.started == [0, 2, 3, 1]


def test_a_server_need_not_trust_what_callers_say(server_of):
    with busy_server(server_of, max_priority=0) as (served, model):
        calls = []
        for state, priority in ((1, 0), (2, 90), (3, -90)):
            calls.append(ask(served.stub, state, priority=priority))
            served.wait_until_waiting(len(calls))
        model.gate.set()
        for call in calls:
            call.result()
    assert model.started == [0, 1, 2, 3]


def test_a_full_room_refuses_at_once_and_takes_what_is_more_urgent(server_of):
    with busy_server(server_of, max_waiting=1) as (served, model):
        displaced = ask(served.stub, 1)
        served.wait_until_waiting(1)
        assert "1 running and 1 waiting" in refused(ask(served.stub, 2)).details()
        urgent = ask(served.stub, 3, priority=100)
        assert "1 running and 1 waiting" in refused(displaced).details()
        model.gate.set()
        assert urgent.result().simulations == 1
    assert model.started == [0, 3]


def test_what_could_not_begin_in_time_is_refused_at_once(server_of):
    model = Slow(0.02)
    with server_of(Registry([entry_of(model, "slow")])) as served:
        budget = planner_pb2.Budget(simulations=8)
        whole = planner_pb2.SearchOptions(early_stop=False, max_depth=1)
        for _ in range(3):
            served.plan("slow", budget=budget, options=whole)
        request = planner_pb2.PlanRequest(
            model="slow", state=planner_pb2.State(discrete=4), budget=budget, options=whole
        )
        calls = [served.stub.Plan.future(request, timeout=600) for _ in range(20)]
        served.wait_until_waiting(15)
        # Each takes a sixth of a second, and this one has two seconds and comes last.
        late = planner_pb2.PlanRequest(priority=-1)
        late.MergeFrom(request)
        error = refused(served.stub.Plan.future(late, timeout=2))
        assert "the wait for a free worker is about" in error.details()
        for call in calls:
            call.cancel()


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="one machine has a second address by IPv6 only")
def test_a_caller_that_floods_does_not_starve_another(server_of):
    with busy_server(server_of, host="::", max_waiting=20) as (served, model):
        flood = [ask(served.stub, 1) for _ in range(20)]
        served.wait_until_waiting(20)
        port = served.address.rpartition(":")[2]
        with grpc.insecure_channel(f"[::1]:{port}") as channel:
            stub = planner_pb2_grpc.PlannerServiceStub(channel)
            others = [ask(stub, 2) for _ in range(3)]
            eventually(lambda: sum(call.done() for call in flood) == 3)
            model.gate.set()
            assert all(call.result().simulations == 1 for call in others)
        codes = [call.code() for call in flood]
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 3
    assert codes.count(grpc.StatusCode.OK) == 17
    assert model.started[:7].count(2) >= 2


def test_the_memory_of_all_trees_together_has_a_limit(server_of):
    settings = {"max_total_bytes": 2**21}
    half = planner_pb2.Budget(simulations=1, max_bytes=2**20)
    model = Line()
    entry = entry_of(model, "line", max_bytes=2**20)
    with server_of(Registry([entry]), **settings) as served:
        calls = [ask(served.stub, 0, budget=half)]
        assert model.busy.wait(60)
        calls.append(ask(served.stub, 1))
        served.wait_until_waiting(1)
        assert "memory" in refused(ask(served.stub, 2, budget=half)).details()
        model.gate.set()
        for call in calls:
            call.result()
        assert ask(served.stub, 3, budget=half).result().simulations == 1


def test_a_search_that_may_never_have_its_memory_is_told_so(server_of):
    with server_of(Registry([entry_of(Corridor(), "line")]), max_total_bytes=2**20) as served:
        error = served.error("line", budget=planner_pb2.Budget(simulations=1, max_bytes=2**21))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error.details().startswith("budget.max_bytes: is 2097152")
        metadata = dict(error.trailing_metadata())
        assert metadata["grpc-retry-pushback-ms"] == "-1"


def test_a_request_beyond_the_greatest_message_is_refused(server_of):
    with server_of(Registry([entry_of(Corridor(), "line")]), max_message_bytes=2048) as served:
        error = served.error("line", request_id="x" * 4096)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert served.plan("line").simulations == 100


def test_health_is_answered_while_the_room_is_full(server_of):
    with busy_server(server_of, max_waiting=2) as (served, _):
        waiting = [ask(served.stub, 1) for _ in range(2)]
        served.wait_until_waiting(2)
        started = time.monotonic()
        served.stub.ListModels(LIST, timeout=60)
        assert time.monotonic() - started < 30
        assert not any(call.done() for call in waiting)

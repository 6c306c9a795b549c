"""PlanMany, answered by a real server: many plans in flight, exactly one answer each."""

import queue
import threading
import time

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from served_models import Corridor, Gated, Slow, entry_of

from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import (
    Budget,
    CancelPlan,
    PlanManyRequest,
    PlanManyResponse,
    PlanRequest,
    State,
)

INVALID, NOT_FOUND, CANCELLED = 3, 5, 1
DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED = 4, 8
LONG = Budget(simulations=10_000_000)
PLAN_MANY = "/mcts_service.v1.PlannerService/PlanMany"


class Conversation:
    """One stream, of which requests are sent one by one."""

    def __init__(self, served, timeout=120):
        self._requests = queue.SimpleQueue()
        self.call = served.stub.PlanMany(iter(self._requests.get, None), timeout=timeout)

    def plan(self, name, model="corridor", state=4, timeout=None, **fields):
        fields.setdefault("budget", Budget(simulations=100))
        plan = PlanRequest(model=model, state=State(discrete=state), **fields)
        if timeout is not None:
            timeout = Duration(nanos=round(timeout * 1e9))
        self.send(PlanManyRequest(request_id=name, plan=plan, timeout=timeout))

    def cancel(self, name):
        self.send(PlanManyRequest(request_id=name, cancel=CancelPlan()))

    def send(self, request):
        self._requests.put(request)

    def half_close(self):
        self._requests.put(None)

    def answer(self):
        return next(self.call)

    def end(self):
        """The answers that are left, of a stream that ends with OK."""
        self.half_close()
        answers = list(self.call)
        assert self.call.code() is grpc.StatusCode.OK
        return answers


@pytest.fixture
def conversation(served):
    opened = Conversation(served)
    yield opened
    opened.half_close()
    opened.call.cancel()


def without_times(plan):
    copy = planner_pb2.PlanResponse.FromString(plan.SerializeToString())
    copy.ClearField("queue_time")
    copy.ClearField("search_time")
    return copy


def test_each_plan_is_that_of_plan(served, conversation):
    models = {"corridor": 4, "frozen_lake_8x8": 0, "orders": 3}
    for model, state in models.items():
        conversation.plan(model, model, state, seed=5)
    answers = {answer.request_id: answer for answer in conversation.end()}
    for model, state in models.items():
        plan = served.plan(model, state, seed=5)
        assert without_times(answers[model].plan) == without_times(plan)


def test_answers_come_in_the_order_in_which_plans_are_made(server_of):
    gated = Gated()
    entries = [entry_of(gated, "gated"), entry_of(Corridor(), "corridor")]
    with server_of(Registry(entries)) as served:
        conversation = Conversation(served)
        conversation.plan("first", "gated")
        conversation.plan("second")
        assert conversation.answer().request_id == "second"
        gated.gate.set()
        assert [answer.request_id for answer in conversation.end()] == ["first"]


def test_a_thousand_plans_in_flight_are_each_answered_once(server_of):
    gated = Gated()
    entries = [entry_of(gated, "gated"), entry_of(Corridor(), "corridor")]
    settings = {"max_in_flight_per_stream": 1000, "max_waiting": 1000}
    with server_of(Registry(entries), **settings) as served:
        conversation = Conversation(served)
        for number in range(999):
            conversation.plan(str(number), "gated" if number % 2 else "corridor")
        conversation.plan("one more")
        seen = [conversation.answer().request_id for _ in range(501)]
        assert set(seen) == {*map(str, range(0, 999, 2)), "one more"}
        gated.gate.set()
        seen += [answer.request_id for answer in conversation.end()]
        assert sorted(seen) == sorted([*map(str, range(999)), "one more"])


def test_errors_are_those_of_plan_and_harm_no_other(served, conversation):
    cases = {
        "unknown": {"model": "nobody"},
        "terminal": {"state": 9},
        "large": {"budget": Budget(simulations=10**9)},
        "wrong": {"budget": Budget(simulations=-1)},
        "faulty": {"model": "faulty_raises"},
    }
    for name, fields in cases.items():
        conversation.plan(name, **fields)
    conversation.plan("sound")
    answers = {answer.request_id: answer for answer in conversation.end()}
    assert answers.pop("sound").plan.simulations == 100
    for name, fields in cases.items():
        expected, error = served.error(**fields), answers[name].error
        assert error.code == expected.code().value[0]
        if expected.code() is not grpc.StatusCode.INTERNAL:
            assert error.message == expected.details()
        details = dict(expected.trailing_metadata()).get("grpc-status-details-bin", b"")
        assert list(error.details) == list(type(error).FromString(details).details)


def test_a_name_in_flight_is_refused_without_a_name_and_its_plan_goes_on(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model)])) as served:
        conversation = Conversation(served)
        conversation.plan("a", "model")
        conversation.plan("a", "model")
        refusal = conversation.answer()
        assert (refusal.request_id, refusal.error.code) == ("", INVALID)
        assert "is 'a', which a plan in flight has" in refusal.error.message
        detail = error_details_pb2.BadRequest()
        assert refusal.error.details[0].Unpack(detail)
        assert detail.field_violations[0].field == "request_id"
        model.gate.set()
        [answer] = conversation.end()
        assert (answer.request_id, answer.plan.simulations) == ("a", 100)


def test_a_name_may_be_used_again_once_it_is_answered(conversation):
    for _ in range(50):
        conversation.plan("a", "frozen_lake_4x4", 0)
        answer = conversation.answer()
        assert (answer.request_id, answer.plan.simulations) == ("a", 100)


@pytest.mark.parametrize("name", ["", "n" * 257])
def test_a_name_that_is_none_is_refused_without_a_name(conversation, name):
    conversation.plan(name)
    conversation.plan("sound")
    answers = {answer.request_id: answer for answer in conversation.end()}
    assert answers[""].error.code == INVALID
    assert answers[""].error.message.startswith("request_id: ")
    assert answers["sound"].plan.simulations == 100


def test_a_request_without_a_plan_is_refused(conversation):
    conversation.send(PlanManyRequest(request_id="a"))
    [answer] = conversation.end()
    assert (answer.request_id, answer.error.code) == ("a", INVALID)


def test_a_plan_is_cancelled_in_the_stream_and_answered_once(server_of):
    model = Slow()
    with server_of(Registry([entry_of(model, "slow", max_simulations=10**7)])) as served:
        conversation = Conversation(served)
        conversation.plan("a", "slow", budget=LONG)
        assert model.asked.wait(60)
        conversation.cancel("a")
        answer = conversation.answer()
        assert (answer.request_id, answer.error.code) == ("a", CANCELLED)
        conversation.plan("b", "slow")  # by the one thread, which is free again
        [answer] = conversation.end()
        assert answer.plan.simulations == 100


def test_a_cancel_of_what_is_not_in_flight_is_no_error(conversation):
    conversation.cancel("nobody")
    conversation.cancel("")
    conversation.plan("a")
    conversation.answer()
    conversation.cancel("a")
    assert conversation.end() == []


def test_a_cancel_is_read_where_the_stream_is_full(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model)]), max_in_flight_per_stream=2) as served:
        conversation = Conversation(served)
        for name in "ab":
            conversation.plan(name, "model")
        assert model.asked.wait(60)
        conversation.cancel("b")
        answer = conversation.answer()
        assert (answer.request_id, answer.error.code) == ("b", CANCELLED)
        model.gate.set()
        assert [answer.request_id for answer in conversation.end()] == ["a"]


def test_a_half_closed_stream_finishes_what_runs(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model)])) as served:
        conversation = Conversation(served)
        for name in "abc":
            conversation.plan(name, "model")
        conversation.half_close()
        assert model.asked.wait(60)
        model.gate.set()
        assert {answer.request_id for answer in conversation.call} == {"a", "b", "c"}
        assert conversation.call.code() is grpc.StatusCode.OK


def test_an_empty_stream_ends_with_ok(conversation):
    assert conversation.end() == []


def test_a_timeout_is_the_deadline_of_its_plan(conversation):
    conversation.plan("late", "slow", budget=LONG, timeout=0.5)
    answer = conversation.answer()
    assert answer.plan.simulations >= 1
    assert answer.plan.stop_reason in (
        planner_pb2.STOP_REASON_TIME_LIMIT,
        planner_pb2.STOP_REASON_DECIDED,
    )


def test_a_model_that_does_not_answer_costs_its_plan_the_timeout(server_of):
    gated = Gated()
    entries = [entry_of(gated, "gated"), entry_of(Corridor(), "corridor")]
    with server_of(Registry(entries)) as served:
        conversation = Conversation(served)
        conversation.plan("stuck", "gated", timeout=0.3)
        conversation.plan("sound")
        assert conversation.answer().plan.simulations == 100
        answer = conversation.answer()
        assert (answer.request_id, answer.error.code) == ("stuck", DEADLINE_EXCEEDED)
        gated.gate.set()
        conversation.end()


def test_a_timeout_that_is_none_is_refused(conversation):
    plan = PlanRequest(model="corridor", state=State(discrete=4))
    for name, timeout in {"zero": Duration(), "negative": Duration(seconds=-1)}.items():
        conversation.send(PlanManyRequest(request_id=name, plan=plan, timeout=timeout))
    answers = conversation.end()
    assert {answer.error.code for answer in answers} == {INVALID}
    assert all(answer.error.message.startswith("timeout: is ") for answer in answers)


def test_the_deadline_of_the_call_is_one_of_its_plans(served):
    conversation = Conversation(served, timeout=1)
    conversation.plan("a", "slow", budget=LONG)
    assert conversation.answer().plan.simulations >= 1


def test_a_full_server_refuses_single_plans(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model)]), max_waiting=1) as served:
        conversation = Conversation(served)
        for number in range(3):
            conversation.plan(str(number), "model")
        refusal = conversation.answer().error
        assert refusal.code == RESOURCE_EXHAUSTED
        detail = error_details_pb2.RetryInfo()
        assert refusal.details[0].Unpack(detail)
        model.gate.set()
        assert len(conversation.end()) == 2


def test_a_call_that_is_cancelled_ends_all_searches(server_of):
    model = Slow()
    with server_of(Registry([entry_of(model, "slow", max_simulations=10**7)])) as served:
        conversation = Conversation(served)
        for name in "abc":
            conversation.plan(name, "slow", budget=LONG)
        assert model.asked.wait(60)
        conversation.call.cancel()
        assert served.plan("slow", timeout=60).simulations == 100


def test_no_more_is_taken_up_than_there_is_room_for(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model)]), max_in_flight_per_stream=4) as served:
        conversation = Conversation(served)
        for number in range(50):
            conversation.plan(str(number), "model")
        served.wait_until_waiting(3)  # beside the one that is being planned
        time.sleep(0.5)
        assert served.engine_state().queue.waiting == 3
        model.gate.set()
        assert len(conversation.end()) == 50


def test_a_client_that_does_not_read_stops_its_own_plans_and_nobody_elses(server_of):
    steps = []

    class Counted(Corridor):
        def validate_state(self, state):
            steps.append(state)

    entries = [entry_of(Counted(), "counted"), entry_of(Corridor(), "corridor")]
    with server_of(Registry(entries), max_in_flight_per_stream=8) as served:
        options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1024)]
        with grpc.insecure_channel(served.address, options) as channel:
            plan = PlanRequest(
                model="counted", state=State(discrete=4), budget=Budget(simulations=1)
            )
            sent = threading.Semaphore(0)

            def requests():
                for number in range(20_000):
                    sent.release()
                    yield PlanManyRequest(request_id=str(number), plan=plan)

            call = channel.stream_stream(
                PLAN_MANY, PlanManyRequest.SerializeToString, PlanManyResponse.FromString
            )(requests(), timeout=600)
            seen = -1
            while seen != len(steps):  # until it is held up
                seen = len(steps)
                time.sleep(1)
            assert 0 < seen < 20_000
            assert served.plan("corridor").simulations == 100
            answers = [next(call) for _ in range(min(seen, 1000))]
            assert len({answer.request_id for answer in answers}) == len(answers)
            call.cancel()


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x02\xff\xfe"])
def test_undecodable_bytes_end_the_stream_and_its_searches(server_of, data):
    model = Slow()
    sound = PlanManyRequest(
        request_id="a",
        plan=PlanRequest(model="slow", state=State(discrete=4), budget=LONG),
    )
    with server_of(Registry([entry_of(model, "slow", max_simulations=10**7)])) as served:

        def messages():
            yield sound.SerializeToString()
            assert model.asked.wait(60)
            yield data

        call = served.channel.stream_stream(PLAN_MANY)(messages(), timeout=60)
        with pytest.raises(grpc.RpcError) as caught:
            list(call)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        message = PlanManyRequest.DESCRIPTOR.full_name
        assert caught.value.details() == f"request: cannot be decoded as {message}"
        assert served.plan("slow", timeout=60).simulations == 100


def test_a_server_that_stops_answers_what_it_took_up_and_ends_the_stream(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model)]), grace_seconds=600) as served:
        conversation = Conversation(served)
        for name in "abc":
            conversation.plan(name, "model")
        assert model.asked.wait(60)
        time.sleep(0.5)  # so that all three have been read
        served.shut_down.set()
        served.wait_until_it_takes_no_calls()
        conversation.plan("too late", "model")
        time.sleep(0.2)
        model.gate.set()
        assert {conversation.answer().request_id for _ in range(3)} == {"a", "b", "c"}
        with pytest.raises(grpc.RpcError) as caught:
            conversation.answer()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert caught.value.details() == "the server is shutting down; try again"


def test_a_stopping_server_cuts_searches_short_after_its_grace(server_of):
    model = Slow()
    entries = [entry_of(model, "slow", max_simulations=10**7)]
    with server_of(Registry(entries), grace_seconds=0.1) as served:
        conversation = Conversation(served)
        conversation.plan("a", "slow", budget=LONG)
        assert model.asked.wait(60)
        while model.steps < 500:
            time.sleep(0.001)
        served.shut_down.set()
        answer = conversation.answer()
        with pytest.raises(grpc.RpcError) as caught:
            conversation.answer()
    assert answer.plan.stop_reason == planner_pb2.STOP_REASON_CANCELLED
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE

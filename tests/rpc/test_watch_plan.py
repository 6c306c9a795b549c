"""WatchPlan, answered by a real server: plans that improve, and exactly one final."""

import time

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from served_models import Gated, Slow, entry_of

from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import (
    Budget,
    PlanRequest,
    SearchOptions,
    State,
    WatchPlanRequest,
)

ALL_THE_TIME = SearchOptions(early_stop=False)
LONG = Budget(simulations=10_000_000)
SHORT_WAIT = 60


def request_of(model="corridor", state=4, interval=None, **fields):
    """A request for improving plans, by 100 simulations unless told."""
    fields.setdefault("budget", Budget(simulations=100))
    plan = PlanRequest(model=model, state=State(discrete=state), **fields)
    if interval is not None:
        duration = Duration()
        duration.FromNanoseconds(round(interval * 1e9))
        interval = duration
    return WatchPlanRequest(plan=plan, interval=interval)


def watch(served, *arguments, timeout=SHORT_WAIT, **fields):
    return served.stub.WatchPlan(request_of(*arguments, **fields), timeout=timeout)


def error_of(call):
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    return caught.value


def without_times(plan):
    copy = planner_pb2.PlanResponse.FromString(plan.SerializeToString())
    copy.ClearField("queue_time")
    copy.ClearField("search_time")
    return copy


def wait_until_still(model):
    """Until the model is asked no more."""
    give_up = time.monotonic() + SHORT_WAIT
    steps = -1
    while steps != model.steps:
        assert time.monotonic() < give_up, "the search goes on"
        steps = model.steps
        time.sleep(0.2)


@pytest.mark.parametrize("model", ["corridor", "orders", "frozen_lake_8x8"])
def test_the_final_plan_comes_once_and_last_and_is_that_of_plan(served, model):
    answers = list(watch(served, model, seed=5))
    assert [answer.final for answer in answers] == [False] * (len(answers) - 1) + [True]
    plan = served.plan(model, seed=5)
    assert without_times(answers[-1].plan) == without_times(plan)


def test_plans_on_the_way_say_that_the_search_goes_on(served):
    *improving, final = watch(served, "slow", budget=Budget(simulations=200))
    assert improving
    reasons = {answer.plan.stop_reason for answer in improving}
    assert reasons == {planner_pb2.STOP_REASON_UNFINISHED}
    counts = [answer.plan.simulations for answer in improving]
    assert counts == sorted(counts)
    assert set(counts) <= {2**n for n in range(8)}
    assert final.plan.stop_reason == planner_pb2.STOP_REASON_SIMULATIONS
    assert final.plan.simulations == 200


def test_plans_come_at_an_interval(served):
    budget = Budget(time_limit=Duration(seconds=1))
    *improving, _ = watch(served, "slow", interval=0.1, budget=budget)
    assert 1 <= len(improving) <= 10


def test_labels_travel(served):
    request = WatchPlanRequest(
        plan=PlanRequest(
            model="orders", state=State(discrete=3), budget=Budget(simulations=64), seed=1
        )
    )
    answers = list(served.stub.WatchPlan(request, timeout=SHORT_WAIT))
    assert all(answer.plan.action.HasField("json") for answer in answers)


@pytest.mark.parametrize("interval", [0.0, -1.0, 0.0001])
def test_an_interval_that_is_none_is_refused(served, interval):
    error = error_of(watch(served, interval=interval))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("interval: is ")


def test_errors_are_those_of_plan(served):
    cases = [
        {"model": "nobody"},
        {"state": 9},
        {"budget": Budget(simulations=10**9)},
        {"budget": Budget(simulations=-1)},
        {"model": "faulty_raises"},
    ]
    for fields in cases:
        expected, error = served.error(**fields), error_of(watch(served, **fields))
        assert error.code() is expected.code()
        if error.code() is not grpc.StatusCode.INTERNAL:
            assert error.details() == expected.details()
            assert error.trailing_metadata() == expected.trailing_metadata()


def test_a_call_that_is_cancelled_ends_the_search(server_of):
    model = Slow()
    with server_of(Registry([entry_of(model, "slow", max_simulations=10**7)])) as served:
        call = watch(served, "slow", budget=LONG)
        next(call)
        call.cancel()
        assert call.code() is grpc.StatusCode.CANCELLED
        wait_until_still(model)


def test_a_deadline_brings_the_final_plan_in_time(served):
    *improving, final = watch(served, "slow", budget=LONG, timeout=1)
    assert improving
    assert final.final
    reasons = (planner_pb2.STOP_REASON_TIME_LIMIT, planner_pb2.STOP_REASON_DECIDED)
    assert final.plan.stop_reason in reasons


def test_a_model_that_does_not_answer_costs_the_call_its_deadline(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model, "gated")])) as served:
        error = error_of(watch(served, "gated", timeout=0.5))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        model.gate.set()


def test_a_slow_reader_is_given_the_newest_plan_and_holds_nothing_up(server_of):
    model = Slow(0.0)
    with server_of(Registry([entry_of(model, "slow", max_simulations=10**7)])) as served:
        budget = Budget(time_limit=Duration(seconds=3))
        # One whose connection takes in next to nothing that was not read.
        options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1024)]
        with grpc.insecure_channel(served.address, options) as channel:
            call = channel.unary_stream(
                "/mcts_service.v1.PlannerService/WatchPlan",
                WatchPlanRequest.SerializeToString,
                planner_pb2.WatchPlanResponse.FromString,
            )(
                request_of("slow", interval=0.001, budget=budget, options=ALL_THE_TIME),
                timeout=SHORT_WAIT,
            )
            first = next(call)
            time.sleep(4)
            answers = [first, *call]
        counts = [answer.plan.simulations for answer in answers]
        assert counts == sorted(counts)
        assert [answer.final for answer in answers] == [False] * (len(answers) - 1) + [True]
        final = answers[-1].plan
        assert 2.5 < final.search_time.ToSeconds() + final.search_time.nanos / 1e9 < 3.5


def test_a_server_that_stops_sends_the_final_plan(server_of):
    model = Slow()
    entries = [entry_of(model, "slow", max_simulations=10**7)]
    with server_of(Registry(entries), grace_seconds=0.1) as served:
        call = watch(served, "slow", budget=LONG)
        next(call)
        served.shut_down.set()
        *_, final = call
    assert final.final
    assert final.plan.stop_reason == planner_pb2.STOP_REASON_CANCELLED
    assert call.code() is grpc.StatusCode.OK


def test_a_server_that_stops_waits_for_a_search_within_its_grace(server_of):
    entries = [entry_of(Slow(), "slow", max_simulations=10**7)]
    with server_of(Registry(entries), grace_seconds=600) as served:
        call = watch(served, "slow", budget=Budget(simulations=500))
        next(call)
        served.shut_down.set()
        *_, final = call
    assert final.plan.simulations == 500


def test_a_server_that_is_full_refuses(server_of):
    model = Gated()
    with server_of(Registry([entry_of(model, "gated")]), max_waiting=0) as served:
        running = watch(served, "gated")
        assert model.asked.wait(SHORT_WAIT)
        error = error_of(watch(served, "gated"))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        model.gate.set()
        *_, final = running
        assert final.final

"""A simulator that goes wrong costs its own plans the right status, and comes back by itself."""

import math
import threading
import time
from contextlib import contextmanager

import grpc
import pytest
from google.rpc import code_pb2
from served_models import Corridor, entry_of
from simulators import Path13, Simulator, SimulatorProcess, remote

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    ModelFault,
    ReplicaLost,
)
from mcts_service.planning import CancelFlag, StopReason
from mcts_service.rpc.remote_model import connect
from mcts_service.service.registry import Registry
from mcts_service.service.remote_options import RemoteOptions
from mcts_service.v1 import planner_pb2

SECRET = "the wires are crossed at /etc/secret"


@contextmanager
def served_simulator(server_of, simulator, **options):
    """A server with the model of a simulator, as "model"."""
    with remote(simulator, **options) as there, server_of(Registry([entry_of(there)])) as server:
        yield server


def request_of(model="model", *, simulations):
    request = planner_pb2.PlanRequest(model=model, state=planner_pb2.State(discrete=5))
    request.budget.simulations = simulations
    return request


def ending(*codes):
    """A change that ends calls to SampleBatch with these statuses, in turn."""
    left = list(codes)

    def change(method, response, context):
        if method == "SampleBatch" and left:
            context.abort(left.pop(0), SECRET)

    return change


def _cut(column):
    return lambda response: column(response).pop()


BREACHES = {
    "fewer rewards": _cut(lambda response: response.rewards),
    "fewer ends": _cut(lambda response: response.terminated),
    "fewer states": _cut(lambda response: response.next_states.discrete.values),
    "fewer legal actions": _cut(lambda response: response.facts.legal),
    "fewer seeds": _cut(lambda response: response.next_seeds),
    "no states": lambda response: response.ClearField("next_states"),
    "states of another kind": lambda response: response.next_states.opaque.values.append(b"x"),
    "a reward that is NaN": lambda response: response.rewards.__setitem__(0, math.nan),
    "no action": lambda response: response.facts.legal.__setitem__(
        slice(None), [False] * len(response.facts.legal)
    ),
    "an error of no row": lambda response: response.errors.add(row=10_000),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_an_answer_that_breaks_the_contract_is_a_fault_of_the_model(breach):
    def change(method, response, context):
        if method == "SampleBatch" and response.rewards:
            BREACHES[breach](response)

    fault = pytest.raises(ModelFault)
    with remote(Simulator(Path13(masks=True), change=change)) as there, fault:
        MCTS(there, SearchConfig(in_flight=4)).plan(5, Budget(simulations=50))


@pytest.mark.parametrize("player", [7, -1])
def test_a_player_that_there_is_not_is_a_fault_of_the_model(player):
    def change(method, response, context):
        if method == "SampleBatch":
            response.facts.players[:] = [player] * len(response.facts.players)

    with remote(Simulator(Path13(players=2), change=change)) as there, pytest.raises(ModelFault):
        MCTS(there).plan(5, Budget(simulations=50))


def test_what_a_simulator_says_of_a_failure_is_in_the_log_alone(server_of, caplog):
    def change(method, response, context):
        if method == "SampleBatch":
            failed = response.errors.add(row=0)
            failed.status.code, failed.status.message = code_pb2.INTERNAL, SECRET

    with remote(Simulator(Corridor(), change=change)) as there:
        entries = [entry_of(there, "bad"), entry_of(Corridor(), "good")]
        with server_of(Registry(entries)) as server:
            error = server.error("bad")
            assert error.code() is grpc.StatusCode.INTERNAL
            assert SECRET not in error.details()
            assert server.plan("good").action.discrete == 1
    assert SECRET in caplog.text


def test_a_row_that_fails_harms_no_other_of_its_batch():
    model = Path13()

    def change(method, response, context):
        if method == "SampleBatch":
            for row, place in enumerate(response.next_states.discrete.values):
                if place > 8:
                    response.errors.add(row=row)

    with remote(Simulator(model, change=change)) as there:
        plans = MCTS(there, SearchConfig(max_depth=2)).plan_batch([2, 9, 3], Budget(simulations=20))
    assert [isinstance(plan, ModelFault) for plan in plans] == [False, True, False]


def test_after_a_call_that_failed_its_rows_are_not_asked_for_one_by_one():
    simulator = Simulator(Path13(), change=ending(grpc.StatusCode.INTERNAL))
    with remote(simulator) as there:
        plans = MCTS(there).plan_batch([2, 3, 4, 5], Budget(simulations=20))
    assert all(isinstance(plan, ModelFault) for plan in plans)
    assert simulator.calls["SampleBatch"] == 1


def test_a_call_that_is_lost_is_made_again():
    model = Path13()
    here = MCTS(model, SearchConfig(in_flight=4)).plan(5, Budget(simulations=30), seed=2)
    sound = Simulator(model)
    with remote(sound) as there:
        MCTS(there, SearchConfig(in_flight=4)).plan(5, Budget(simulations=30), seed=2)
    lost = ending(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
    simulator = Simulator(model, change=lost)
    with remote(simulator) as there:
        plan = MCTS(there, SearchConfig(in_flight=4)).plan(5, Budget(simulations=30), seed=2)
    assert (plan.action, plan.value, plan.nodes) == (here.action, here.value, here.nodes)
    assert simulator.calls["SampleBatch"] == sound.calls["SampleBatch"] + 2


def test_attempts_are_counted_and_then_the_simulator_is_lost():
    simulator = Simulator(Path13(), change=ending(*[grpc.StatusCode.UNAVAILABLE] * 4))
    with remote(simulator, attempts=3) as there, pytest.raises(ReplicaLost) as caught:
        MCTS(there).plan(5, Budget(simulations=30))
    assert simulator.calls["SampleBatch"] == 3
    assert SECRET not in str(caught.value)


def test_a_call_that_takes_too_long_is_made_again():
    slow = [0.5]

    def change(method, response, context):
        if slow:
            time.sleep(slow.pop())

    simulator = Simulator(Path13(), threads=2, change=change)
    with remote(simulator, threads=2, call_seconds=0.2) as there:
        plan = MCTS(there).plan(5, Budget(simulations=5))
    assert plan.simulations == 5


@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_cancelled_plan_does_not_wait_for_a_slow_call(in_flight):
    simulator, cancel = Simulator(Path13(), stuck_after=1), CancelFlag()
    with remote(simulator) as there:
        threading.Thread(target=lambda: (simulator.stuck.wait(60), cancel.cancel())).start()
        with pytest.raises(Cancelled):
            MCTS(there, SearchConfig(in_flight=in_flight)).plan(5, cancel=cancel)
    assert simulator.calls["SampleBatch"] == 1


@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_cancelled_plan_is_what_it_has_come_to(in_flight):
    simulator, cancel = Simulator(Path13(), stuck_after=30), CancelFlag()
    config = SearchConfig(in_flight=in_flight, max_depth=4)
    with remote(simulator) as there:
        threading.Thread(target=lambda: (simulator.stuck.wait(60), cancel.cancel())).start()
        plan = MCTS(there, config).plan(5, Budget(simulations=100_000), cancel=cancel)
    assert plan.stop_reason is StopReason.CANCELLED
    assert plan.simulations > 0


@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_plan_whose_time_is_over_is_what_it_has_come_to(in_flight):
    config = SearchConfig(in_flight=in_flight, max_depth=4)
    with remote(Simulator(Path13(), stuck_after=30)) as there:
        plan = MCTS(there, config).plan(5, Budget(time_limit=1.0))
    assert plan.stop_reason is StopReason.TIME_LIMIT
    assert plan.simulations > 0


def test_a_batch_whose_time_is_over_has_what_its_rows_have_come_to():
    with remote(Simulator(Path13(masks=True), stuck_after=30)) as there:
        planner = MCTS(there, SearchConfig(max_depth=4))
        plans = planner.plan_batch([3, 4, 5], Budget(time_limit=1.0))
    assert [plan.stop_reason for plan in plans] == [StopReason.TIME_LIMIT] * 3
    assert all(plan.simulations > 0 for plan in plans)


def test_a_root_that_is_not_told_of_in_time_is_a_deadline_that_has_expired():
    with remote(Simulator(Path13(masks=True), stuck_after=0)) as there:
        planner = MCTS(there, SearchConfig(in_flight=4))
        with pytest.raises(DeadlineExpired):
            planner.plan(5, Budget(time_limit=0.1))
        plans = planner.plan_batch([4, 5], Budget(time_limit=0.1))
    assert all(isinstance(plan, DeadlineExpired) for plan in plans)


def test_a_caller_who_goes_away_frees_the_model_for_others(server_of):
    simulator = Simulator(Path13(), stuck_after=0)
    with served_simulator(server_of, simulator, plans_at_once=1) as server:
        gone = server.stub.Plan.future(request_of(simulations=1000))
        assert simulator.stuck.wait(60)
        gone.cancel()
        simulator.released.set()
        assert server.plan("model", 5).simulations == 100


def test_a_deadline_of_a_caller_holds_while_a_call_is_slow(server_of):
    simulator = Simulator(Path13(), stuck_after=40)
    options = planner_pb2.SearchOptions(in_flight=4, max_depth=4)
    budget = planner_pb2.Budget(simulations=100_000)
    with served_simulator(server_of, simulator) as server:
        plan = server.plan("model", 5, timeout=2, budget=budget, options=options)
    assert plan.stop_reason == planner_pb2.STOP_REASON_TIME_LIMIT


def test_a_simulator_that_is_killed_is_unavailable_and_found_again(server_of):
    process = SimulatorProcess(seconds=0.002)
    there = connect(process.address, RemoteOptions(attempts=2))
    entries = [entry_of(there, "far"), entry_of(Corridor(), "near")]
    budget = planner_pb2.Budget(simulations=20)
    with server_of(Registry(entries)) as server:
        assert server.plan("far", 5, budget=budget).simulations == 20
        under_way = server.stub.Plan.future(request_of("far", simulations=100_000), timeout=60)
        time.sleep(0.1)
        process.kill()
        assert under_way.code() is grpc.StatusCode.UNAVAILABLE
        assert server.error("far", 5).code() is grpc.StatusCode.UNAVAILABLE
        assert server.plan("near").action.discrete == 1
        back = SimulatorProcess(process.address, seconds=0.002)
        try:
            assert _planned_in_the_end(server, budget).simulations == 20
        finally:
            back.kill()
    there.close()


def _planned_in_the_end(server, budget):
    """The plan of a simulator that has just come back, as a caller gets it who asks again."""
    give_up = time.monotonic() + 60
    while True:
        try:
            return server.plan("far", 5, budget=budget)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > give_up:
                raise


def test_several_plans_share_the_calls_of_a_simulator(server_of):
    simulator = Simulator(Path13(), threads=2, seconds=0.005)
    with served_simulator(server_of, simulator, threads=8, plans_at_once=3) as server:
        request = request_of(simulations=20)
        request.options.max_depth = 5
        plans = [server.stub.Plan.future(request, timeout=60) for _ in range(6)]
        assert [plan.result().simulations for plan in plans] == [20] * 6
    assert simulator.most_at_once == 3, "two that it says it takes, and one that waits there"

"""Plan, answered by a real server."""

import math
import time

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import Parse
from google.protobuf.struct_pb2 import Value
from served_models import Corridor, Grid, Panel, Slow, Switches, entry_of

from mcts_service.planning import MCTS, SearchConfig
from mcts_service.planning import Budget as PlannerBudget
from mcts_service.rpc.convert_state import state_message
from mcts_service.service.margin import DeadlineMargin
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import Action, ActionSet, Budget, SearchOptions, State

LONG = Budget(simulations=10_000_000)


def json_state(text):
    return State(json=Parse(text, Value()))


OPTIONAL = ("value", "standard_error", "lower", "upper", "prior")


def optional_numbers(action):
    """None for each that is absent."""
    return [getattr(action, field) if action.HasField(field) else None for field in OPTIONAL]


def assert_same_plan(response, plan):
    """Number for number, times aside."""
    assert response.action.discrete == plan.action
    assert response.value == plan.value
    assert list(response.player_values) == list(plan.player_values)
    assert [
        (action.action.discrete, action.visits, *optional_numbers(action))
        for action in response.actions
    ] == [
        (
            action.action,
            action.visits,
            *(
                None if math.isnan(getattr(action, field)) else getattr(action, field)
                for field in OPTIONAL
            ),
        )
        for action in plan.actions
    ]
    assert [
        (step.action.discrete, step.visits, step.value) for step in response.principal_variation
    ] == [(step.action, step.visits, step.value) for step in plan.principal_variation]
    assert response.simulations == plan.simulations
    assert response.nodes == plan.nodes
    assert response.depth == plan.depth
    assert response.recipe == plan.recipe
    assert response.reused_simulations == plan.reused_simulations
    assert response.seed == plan.seed
    assert response.deterministic
    assert plan.deterministic


@pytest.mark.parametrize(
    "name",
    [
        "frozen_lake_4x4",
        "frozen_lake_8x8",
        "cliff_walking",
        "taxi",
        "cart_pole",
        "mountain_car",
        "acrobot",
        "tic_tac_toe",
        "connect_four",
        "game_2048",
        "corridor",
        "grid",
        "point",
        "panel",
    ],
)
def test_the_same_seed_and_simulations_give_the_planners_own_plan(served, name):
    entry = served.registry.find(name)
    plan = MCTS(entry.model).plan(entry.example, PlannerBudget(simulations=300), seed=11)
    # The first by a thread, others at once where they are short.
    for _ in range(4):
        response = served.plan(
            name, state_message(entry, entry.example), budget=Budget(simulations=300), seed=11
        )
        assert_same_plan(response, plan)


def test_a_plan_tells_how_it_was_made(served):
    options = SearchOptions(early_stop=False)
    state = json_state('""')
    response = served.plan("connect_four", state, request_id="move-7", options=options)
    assert response.model == planner_pb2.ModelId(name="connect_four", version="1")
    assert response.stop_reason == planner_pb2.STOP_REASON_SIMULATIONS
    assert response.recipe == "uct"
    assert response.bytes > 0
    assert response.request_id == "move-7"
    assert response.search_time.ToNanoseconds() > 0
    assert response.queue_time.ToNanoseconds() >= 0
    assert len(response.player_values) == 2


def test_every_setting_reaches_the_search(served):
    response = served.plan(
        budget=Budget(simulations=200, max_bytes=2**20),
        horizon=7,
        seed=2,
        options=SearchOptions(
            exploration=0.3, max_depth=5, evaluation=planner_pb2.EVALUATION_ROLLOUT
        ),
        allowed_actions=ActionSet(actions=[Action(discrete=0)]),
    )
    config = SearchConfig(exploration=0.3, max_depth=5, evaluation="rollout")
    plan = MCTS(Corridor(), config).plan(
        4, PlannerBudget(simulations=200), horizon=7, seed=2, allowed_actions=[0]
    )
    assert_same_plan(response, plan)
    assert [action.action.discrete for action in response.actions] == [0]


def test_several_threads_share_the_tree_of_a_request(served):
    options = SearchOptions(threads=3, early_stop=False)
    budget = Budget(simulations=5000)
    response = served.plan("connect_four", json_state('""'), budget=budget, options=options)
    assert response.simulations == 5000
    assert sum(action.visits for action in response.actions) == 5000
    assert not response.deterministic
    error = served.error("corridor", 4, options=options)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "threads" in error.details()


@pytest.mark.parametrize("preset", ["uct", "dp_uct", "graph"])
@pytest.mark.parametrize(
    "name", ["frozen_lake_8x8", "cliff_walking", "taxi", "cart_pole", "corridor", "grid", "point"]
)
def test_a_preset_gives_the_planners_own_plan(served, name, preset):
    entry = served.registry.find(name)
    planner = MCTS(entry.model, SearchConfig.preset(preset))
    plan = planner.plan(entry.example, PlannerBudget(simulations=300), seed=11)
    assert plan.recipe == preset
    for _ in range(2):
        response = served.plan(
            name,
            state_message(entry, entry.example),
            budget=Budget(simulations=300),
            seed=11,
            options=SearchOptions(preset=preset),
        )
        assert_same_plan(response, plan)


def test_what_is_set_beside_a_preset_wins(served):
    options = SearchOptions(
        exploration=0.5,
        max_depth=20,
        evaluation=planner_pb2.EVALUATION_ROLLOUT,
        sharing=planner_pb2.SHARING_DEPTH,
        preset="graph",
    )
    response = served.plan("taxi", 328, options=options, seed=2)
    config = SearchConfig.preset(
        "graph", exploration=0.5, max_depth=20, evaluation="rollout", sharing="depth"
    )
    entry = served.registry.find("taxi")
    plan = MCTS(entry.model, config).plan(328, PlannerBudget(simulations=100), seed=2)
    assert_same_plan(response, plan)
    assert response.recipe == "ucb1, rollout, bellman, shared by depth"


def test_what_the_search_has_solved_needs_no_more_simulations(served):
    response = served.plan("taxi", 328, horizon=1, options=SearchOptions(preset="dp_uct"))
    assert response.stop_reason == planner_pb2.STOP_REASON_SOLVED
    assert response.simulations < 100
    assert response.deterministic
    assert not any(action.HasField("standard_error") for action in response.actions)


def test_an_action_never_tried_has_no_value(served):
    response = served.plan("connect_four", json_state('"44"'), budget=Budget(simulations=1))
    tried = [action for action in response.actions if action.visits]
    untried = [action for action in response.actions if not action.visits]
    assert len(tried) == 1
    assert tried[0].HasField("value")
    assert not tried[0].HasField("standard_error")
    assert len(untried) == 6
    assert not any(action.HasField("value") for action in untried)


@pytest.mark.parametrize("budget", [None, Budget()])
def test_no_budget_is_the_models_default(served, budget):
    assert served.plan(budget=budget).simulations == Corridor.default_simulations


def test_a_seed_is_drawn_and_told_and_gives_the_plan_again(served):
    first = served.plan()
    other = served.plan()
    assert first.seed != other.seed
    again = served.plan(seed=first.seed)
    assert again.actions == first.actions


def test_zero_is_a_seed(served):
    assert served.plan(seed=0).seed == 0


@pytest.mark.parametrize(
    ("name", "as_json", "state"),
    [
        ("corridor", "4", 4),
        ("tic_tac_toe", "[[0, 0, 0], [0, 1, 0], [0, 0, 0]]", None),
        ("tic_tac_toe", '"5"', None),
        ("grid", "[1, 2]", (1, 2)),
        ("point", "[0.25, 0]", None),
        ("panel", '"02"', Switches(frozenset({0, 2}))),
    ],
)
def test_a_state_may_be_written_as_json(served, name, as_json, state):
    whole = SearchOptions(early_stop=False)
    response = served.plan(name, json_state(as_json), seed=1, options=whole)
    model = {"corridor": Corridor, "grid": Grid, "panel": Panel}.get(name)
    if model is not None:
        planner = MCTS(model(), SearchConfig(early_stop=False))
        plan = planner.plan(state, PlannerBudget(simulations=100), seed=1)
        assert_same_plan(response, plan)
    assert response.simulations == 100


def test_two_ways_to_write_a_board_give_one_plan(served):
    as_moves = served.plan("connect_four", json_state('"4455"'), seed=1)
    rows = [[0] * 7 for _ in range(4)] + [[0, 0, 0, -1, -1, 0, 0], [0, 0, 0, 1, 1, 0, 0]]
    as_lists = served.plan("connect_four", json_state(str(rows)), seed=1)
    assert as_moves.actions == as_lists.actions


def test_the_time_limit_stops_the_search(served):
    budget = Budget(time_limit=Duration(nanos=500_000_000))
    response = served.plan("slow", budget=budget, options=SearchOptions(early_stop=False))
    assert response.stop_reason == planner_pb2.STOP_REASON_TIME_LIMIT
    assert not response.deterministic


def test_the_deadline_of_the_call_is_a_time_limit_and_leaves_time_to_reply(server_of):
    registry = Registry([entry_of(Slow(), "slow")])
    # All but half a second of the deadline is kept for the reply.
    with server_of(registry, deadline_margin=DeadlineMargin(minimum_seconds=59.5)) as served:
        whole = SearchOptions(early_stop=False)
        response = served.plan("slow", budget=LONG, timeout=60, options=whole)
    assert response.stop_reason == planner_pb2.STOP_REASON_TIME_LIMIT
    assert response.simulations >= 1


def test_a_deadline_into_which_nothing_fits_is_exceeded(served):
    error = served.error("slow", budget=Budget(time_limit=Duration(nanos=1)))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert served.plan().simulations == 100


def test_a_cancelled_call_stops_its_search_and_frees_the_worker(server_of):
    slow = Slow()
    with server_of(Registry([entry_of(slow, "slow")]), max_waiting=0) as served:
        request = planner_pb2.PlanRequest(model="slow", state=State(discrete=4), budget=LONG)
        call = served.stub.Plan.future(request, timeout=600)
        assert slow.asked.wait(60)
        assert served.error("slow").code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        call.cancel()
        # The only thread is free again as soon as the search has seen the flag.
        assert plan_when_there_is_room(served).simulations == 1


def plan_when_there_is_room(served):
    give_up = time.monotonic() + 60
    while True:
        try:
            return served.plan("slow", budget=Budget(simulations=1))
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED or time.monotonic() > give_up:
                raise


def test_overload_is_refused_at_once_with_a_time_to_try_again(server_of):
    slow = Slow()
    with server_of(Registry([entry_of(slow, "slow")]), max_waiting=1) as served:
        request = planner_pb2.PlanRequest(model="slow", state=State(discrete=4), budget=LONG)
        calls = [served.stub.Plan.future(request, timeout=600)]
        assert slow.asked.wait(60)
        calls.append(served.stub.Plan.future(request, timeout=600))
        error = served.error("slow", timeout=0.5)
        while error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:  # the second was not there yet
            error = served.error("slow", timeout=0.5)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "1 running and 1 waiting" in error.details()
        metadata = dict(error.trailing_metadata())
        assert int(metadata["grpc-retry-pushback-ms"]) > 0
        assert "grpc-status-details-bin" in metadata
        for call in calls:
            call.cancel()


def test_many_callers_at_once_all_get_their_own_plan(served):
    calls = [
        served.stub.Plan.future(
            planner_pb2.PlanRequest(
                model=("taxi", "grid")[index % 2],
                state=(State(discrete=328), json_state("[0, 0]"))[index % 2],
                budget=Budget(simulations=50),
                seed=index,
                request_id=str(index),
            ),
            timeout=60,
        )
        for index in range(40)
    ]
    for index, call in enumerate(calls):
        assert call.result().request_id == str(index)
        assert call.result().seed == index

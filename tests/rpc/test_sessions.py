"""Sessions on a real server: what a request with a session_id goes on from."""

import time

import pytest
from served_models import Corridor, Slow, entry_of

from mcts_client import PlannerClient
from mcts_service.models import make
from mcts_service.planning import MCTS, KeptTree
from mcts_service.planning import Budget as PlannerBudget
from mcts_service.service.registry import Registry
from mcts_service.service.sessions import SessionLimits
from mcts_service.v1 import planner_pb2
from mcts_service.v1.planner_pb2 import Action, ActionSet, Budget, SearchOptions

GAME = make("connect_four")


def state_of(column_text):
    state = planner_pb2.State()
    state.json.string_value = column_text
    return state


def test_an_episode_goes_on_from_plan_to_plan(served):
    reused = []
    for state in (4, 5, 6, 7):
        response = served.plan(state=state, session_id="an episode")
        reused.append(response.reused_simulations)
        assert response.deterministic == (reused[-1] == 0)
        assert response.simulations == 100 or response.stop_reason
    assert reused[0] == 0
    assert all(reused[1:])


def test_a_watched_plan_goes_on_too(served):
    with PlannerClient(served.address) as client:
        for state, reuses in ((4, False), (5, True)):
            plans = list(client.watch("corridor", state, simulations=60, session_id="watched"))
            assert [plan.reused_simulations > 0 for plan in plans] == [reuses] * len(plans)
        assert client.plan("corridor", 6, session_id="watched").reused_simulations > 0


def test_a_game_goes_on_behind_the_reply(served):
    budget = Budget(simulations=3_000)
    first = served.plan("connect_four", state_of("44"), budget=budget, session_id="game")
    move, reply = first.principal_variation[0], first.principal_variation[1]
    text = "44" + "".join(str(step.action.discrete + 1) for step in (move, reply))
    second = served.plan("connect_four", state_of(text), budget=budget, session_id="game")
    # The reply's visits are its own first simulation and those that went on from it.
    assert second.reused_simulations == reply.visits - 1
    assert second.recipe_reason == "goes on with the tree of the last plan"


def test_what_is_reused_is_the_planners_own(served):
    """Number for number what a planner in process comes to with a kept tree and the same seeds."""
    planner, tree = MCTS(make("frozen_lake_4x4")), KeptTree()
    for seed, state in enumerate((0, 4, 8, 9)):
        expected = planner.plan(state, PlannerBudget(simulations=60), seed=seed, tree=tree)
        response = served.plan(
            "frozen_lake_4x4", state, budget=Budget(simulations=60), seed=seed, session_id="own"
        )
        assert response.reused_simulations == expected.reused_simulations
        assert response.value == expected.value
        assert [a.visits for a in response.actions] == [a.visits for a in expected.actions]


@pytest.mark.parametrize(
    "change",
    [
        {"session_id": "another"},
        {"session_id": ""},
        {"horizon": 7},
        {"options": SearchOptions(preset="uct", exploration=0.3)},
        {"budget": Budget(simulations=100, max_bytes=2**22)},
        {"allowed_actions": ActionSet(actions=[Action(discrete=0)])},
        {"model": "grid", "state": state_of("0")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_anything_else_begins_afresh(served, change):
    if "model" in change:
        change["state"].json.list_value.extend([0, 0])
    name = f"changed {sorted(change)} {time.monotonic()}"
    tree = SearchOptions(preset="uct")  # which knows of time, as a graph of states does not
    same, other = ({"session_id": name, "options": tree, **more} for more in ({}, change))
    assert [served.plan(**one).reused_simulations > 0 for one in (same, same, other)] == [
        False,
        True,
        False,
    ]


def test_another_callers_session_is_not_shared(engine_of_callers):
    ask = engine_of_callers
    assert ask("anna") == 0
    assert ask("bert") == 0
    assert ask("anna") > 0
    assert ask("bert") > 0


@pytest.fixture
def engine_of_callers(served, monkeypatch):
    """Asks with the caller that a server's authentication would have found."""
    from mcts_service.rpc import servicer

    read = servicer.plan_query
    callers = []

    def read_with_caller(*arguments, **options):
        query = read(*arguments, **options)
        query.caller = callers[-1]
        return query

    monkeypatch.setattr(servicer, "plan_query", read_with_caller)

    def ask(caller):
        callers.append(caller)
        return served.plan(session_id="of a caller").reused_simulations

    return ask


def test_a_second_request_at_the_same_time_begins_afresh_and_does_not_wait(server_of):
    registry = Registry([entry_of(GAME, "game", max_simulations=10**8)])
    with server_of(registry, workers=2) as server:
        long = Budget(simulations=10**8)
        server.plan("game", state_of("4"), session_id="s")
        request = planner_pb2.PlanRequest(
            model="game", state=state_of("4"), budget=long, session_id="s"
        )
        first = server.stub.Plan.future(request, timeout=60)
        time.sleep(0.5)  # the server has it by now, on any machine that can run the rest
        second = server.plan("game", state_of("4"), session_id="s")
        assert second.reused_simulations == 0
        assert not first.done()
        first.cancel()


def test_limits_come_from_the_configuration(server_of):
    registry = Registry([entry_of(Corridor(), "corridor"), entry_of(Slow(), "slow")])
    with server_of(registry, tables={"sessions": SessionLimits(max_sessions=1)}) as server:
        reused = [server.plan(session_id=name).reused_simulations > 0 for name in "aabab"]
    assert reused == [False, True, False, False, False]

"""A model that is served by another process plans as it does in this one."""

import threading
from contextlib import closing

import numpy as np
import pytest
from served_models import Corridor, entry_of
from simulators import Path13, Pegs, Simulator, answering, remote
from small_batches import WHOLE

from mcts_client import serve_model
from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.rpc.remote_model import connect
from mcts_service.service.registry import Registry
from mcts_service.service.remote_options import RemoteOptions
from mcts_service.v1 import planner_pb2


def numbers_of(plan):
    """What a plan says but for the time it took."""
    actions = [(a.action, a.visits, a.value, a.prior) for a in plan.actions]
    return plan.action, plan.value, plan.simulations, plan.nodes, plan.recipe, str(actions)


class WithPriors(Path13):
    """A walk that weighs its actions beside valuing its states."""

    gives_priors = True

    def evaluate_batch(self, states):
        places = self.form.read(states)
        return 1.0 + (places[:, None] + np.arange(3)) % 3, places / 13.0


class Weighed(Path13):
    """A walk that weighs its actions and values nothing."""

    def prior(self, state):
        return 1.0 + (int(self.form.read(np.asarray(state)[None])[0]) + np.arange(3)) % 3


MODELS = {
    "places": Path13(),
    "masks": Path13("uint8", masks=True),
    "values": Path13("float64", values=True),
    "zeros of either sign": Path13("float64[3]", masks=True),
    "keys": Path13("int8[2, 2]", keys=True),
    "a game": Path13(**WHOLE),
    "without chance": Path13("bool[4]", deterministic=True, masks=True),
    "priors": WithPriors("int64", masks=True),
    "priors alone": Weighed("float32[1]"),
}


def test_a_session_goes_on_whichever_thread_plans_for_it(server_of):
    with (
        serve_model(Corridor()) as simulator,
        closing(connect(simulator.address, RemoteOptions(plans_at_once=4))) as model,
        server_of(Registry([entry_of(model, "far")])) as served,
    ):
        reused = [
            served.plan(
                "far",
                state,
                session_id=name,
                budget=planner_pb2.Budget(simulations=40),
            ).reused_simulations
            for state in (4, 5, 6, 7)
            for name in ("a", "b")
        ]
    assert reused[:2] == [0, 0]
    assert min(reused[2:]) > 0


@pytest.mark.parametrize("in_flight", [1, 8])
@pytest.mark.parametrize("name", MODELS)
def test_a_served_model_gives_the_plan_that_it_gives_in_process(name, in_flight):
    model, config = MODELS[name], SearchConfig(in_flight=in_flight, max_depth=10)
    here = MCTS(model, config).plan(model.state(), Budget(simulations=25), seed=3)
    with serve_model(model) as server:
        there = connect(server.address)
        plan = MCTS(there, config).plan(model.state(), Budget(simulations=25), seed=3)
        there.close()
    assert numbers_of(plan) == numbers_of(here)


def test_rows_of_a_batch_are_split_over_the_calls_that_a_simulator_takes_at_once():
    model = Path13(masks=True)
    states, seeds = model.states(*range(2, 10)), list(range(8))
    config, budget = SearchConfig(max_depth=8), Budget(simulations=15)
    here = MCTS(model, config).plan_batch(states, budget, seeds=seeds)
    simulator = Simulator(model, threads=3, seconds=0.01)
    with remote(simulator, threads=3) as there:
        plans = MCTS(there, config).plan_batch(states, budget, seeds=seeds)
    assert [numbers_of(plan) for plan in plans] == [numbers_of(plan) for plan in here]
    assert simulator.most_at_once == 3


def test_a_step_takes_one_call_whatever_the_search_asks_about_where_it_leads():
    simulator = Simulator(Path13(**WHOLE))
    with remote(simulator) as there:
        MCTS(there, SearchConfig(in_flight=8)).plan(5, Budget(simulations=100), seed=0)
    assert simulator.calls["SampleBatch"] > 5
    assert simulator.calls["InspectBatch"] == 1, "of the root"
    assert "EvaluateBatch" not in simulator.calls, "the root's values came with the rest"


def test_what_an_answer_leaves_out_is_asked_for():
    def leave_out(method, response, context):
        if method != "EvaluateBatch":
            del response.facts.values[:]

    model, config = Path13(**WHOLE), SearchConfig(in_flight=4)
    here = MCTS(model, config).plan(5, Budget(simulations=50), seed=1)
    simulator = Simulator(model, change=leave_out)
    with remote(simulator) as there:
        plan = MCTS(there, config).plan(5, Budget(simulations=50), seed=1)
    assert numbers_of(plan) == numbers_of(here)
    assert simulator.calls["EvaluateBatch"] > 1


def test_a_question_has_no_more_rows_than_a_simulator_takes():
    seen = []

    class Counting(Simulator):
        def SampleBatch(self, request, context):  # noqa: N802
            seen.append(len(request.actions))
            return super().SampleBatch(request, context)

    with remote(Counting(Path13(), describe={"max_rows": 3})) as there:
        MCTS(there, SearchConfig(in_flight=16)).plan(5, Budget(simulations=40))
    assert max(seen) <= 3


def test_states_of_its_own_encoding_are_told_apart_by_their_bytes():
    with serve_model(Pegs(), max_state_bytes=3) as server:
        there = connect(server.address)
        assert there.state_spec.kind == "opaque"
        planner = MCTS(there, SearchConfig(in_flight=4))
        root = there.initial_state()
        assert there.encode_state(root) == b"___"
        plan = planner.plan(there.decode_state(b"^_^"), Budget(simulations=200), seed=0)
        assert plan.action == 1
        assert plan.nodes <= 8, "there are eight states"
        with pytest.raises(TerminalState):
            planner.plan(there.decode_state(b"^^^"))
        with pytest.raises(InvalidRequest, match=r"state: three of \^ and _ make a state"):
            planner.plan(there.decode_state(b"abc"))
        with pytest.raises(InvalidRequest, match="has 4 bytes; must have 3 at most"):
            there.decode_state(b"____")
        there.close()


def test_one_refused_state_of_a_batch_harms_no_other():
    with serve_model(Pegs(), max_state_bytes=3) as server:
        there = connect(server.address)
        states = [there.decode_state(data) for data in (b"^_^", b"abc", b"^^^", b"^^_")]
        plans = MCTS(there).plan_batch(states, Budget(simulations=100), seeds=[1, 2, 3, 4])
        there.close()
    assert [plans[0].action, plans[3].action] == [1, 2]
    assert isinstance(plans[1], InvalidRequest)
    assert isinstance(plans[2], TerminalState)


def test_a_model_is_described_by_its_attributes():
    class Described(Corridor):
        """Walk to the end."""

        horizon = 30
        return_bounds = (0.0, 1.0)
        model_version = "7"

    with serve_model(Described(), threads=2) as server:
        there = connect(server.address)
        there.close()
    assert (there.num_actions, there.discount, there.num_players) == (2, 0.9, 1)
    assert (there.horizon, there.default_simulations) == (30, 200)
    assert there.return_bounds == (0.0, 1.0)
    assert there.state_spec.num_values == 10
    assert there.state_spec.description == "the place"
    assert (there.description, there.model_version) == ("Walk to the end.", "7")
    assert there.initial_state() == 4
    assert there.default_in_flight == 8, "four for each of two calls"


def test_a_seed_gives_the_same_answer_whenever_it_is_asked():
    with serve_model(Path13()) as server:
        there = connect(server.address)
        planner = MCTS(there, SearchConfig(in_flight=4))
        first, second = (planner.plan(5, Budget(simulations=50), seed=9) for _ in range(2))
        there.close()
    assert numbers_of(first) == numbers_of(second)
    assert first.deterministic


def test_a_simulator_that_keeps_its_streams_to_itself_is_given_seeds_that_differ():
    seeds = []

    class OwnSeeds(Simulator):
        def SampleBatch(self, request, context):  # noqa: N802
            seeds.extend(request.seeds)
            response = super().SampleBatch(request, context)
            del response.next_seeds[:]
            return response

    simulator = OwnSeeds(Path13(), describe={"continues_streams": False})
    with remote(simulator) as there:
        config = SearchConfig(in_flight=4)
        plans = [MCTS(there, config).plan(5, Budget(simulations=50), seed=1) for _ in range(2)]
    assert numbers_of(plans[0]) == numbers_of(plans[1])
    half = len(seeds) // 2
    assert seeds[:half] == seeds[half:]
    assert len(set(seeds)) == half


def test_a_remote_model_is_served_as_any_other(server_of, tmp_path):
    socket = f"unix:{tmp_path}/walk.sock"
    with answering(Simulator(Pegs()), address=socket):
        there = connect(socket)
        entry = entry_of(there, "pegs", max_simulations=10_000)
        with server_of(Registry([entry])) as server:
            state = planner_pb2.State(opaque=b"^_^")
            assert server.plan("pegs", state).action.discrete == 1
            error = server.error("pegs", planner_pb2.State(opaque=b"abc"))
            assert error.code().name == "INVALID_ARGUMENT"
            assert "three of ^ and _" in error.details()
            request = planner_pb2.PlanBatchRequest(
                model="pegs", budget=planner_pb2.Budget(simulations=50)
            )
            request.list.states.extend(planner_pb2.State(opaque=d) for d in (b"^_^", b"^^_"))
            assert list(server.stub.PlanBatch(request, timeout=60).actions) == [1, 2]
        there.close()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"protocol_version": 2}, "protocol_version: is 2; this planner speaks 1"),
        ({"num_actions": 0}, "num_actions: is 0; must be an integer from 1 to"),
        ({"num_players": 300}, "num_players: is 300; must be an integer from 1 to 255"),
        ({"num_players": 2}, "has_players: is false; must be true with 2 players"),
        ({"discount": 1.5}, "discount: is 1.5; must be a number from 0 to 1"),
        ({"discount": 0.0}, "discount: is 0; must be above 0"),
        ({"max_rows": -1}, "max_rows: is -1; must be an integer from 1"),
    ],
)
def test_a_description_that_cannot_be_stops_the_start(told, message):
    simulator = Simulator(Path13(), describe=told)
    with answering(simulator) as address, pytest.raises(InvalidRequest) as caught:
        connect(address)
    assert str(caught.value).startswith(f'remote: is "{address}", whose Describe is wrong: ')
    assert message in str(caught.value)


def test_a_simulator_that_is_not_there_is_told_of():
    with pytest.raises(InvalidRequest, match=r"no simulator answers there within 0\.2 s"):
        connect("127.0.0.1:1", RemoteOptions(connect_seconds=0.2))


def test_the_start_waits_for_a_simulator(tmp_path):
    socket = f"unix:{tmp_path}/late.sock"
    found = []

    waiting = threading.Thread(target=lambda: found.append(connect(socket)))
    waiting.start()
    waiting.join(0.3)
    assert not found
    with answering(Simulator(Path13()), address=socket):
        waiting.join(60)
        assert found[0].num_actions == 3
        found[0].close()


def test_what_serves_something_else_is_told_of(server_of):
    wrong = pytest.raises(InvalidRequest, match=r"does not serve mcts_service\.v1\.ModelService")
    with server_of(Registry([entry_of(Corridor(), "corridor")])) as server, wrong:
        connect(server.address)

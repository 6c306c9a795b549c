"""`MCTS.watch`: plans that improve, from a search that nobody seems to look at."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from served_models import Corridor, Herd, Slow, Streets
from small_models import Chain, SlipperyGrid, StraightGrid, ValuedChain

from mcts_service.errors import Cancelled, DeadlineExpired, InvalidRequest, TerminalState
from mcts_service.models import make
from mcts_service.planning import MCTS, Budget, CancelFlag, SearchConfig, StopReason

MODELS = {
    name: (lambda name=name: make(name))
    for name in ("tic_tac_toe", "connect_four", "frozen_lake_8x8", "taxi", "cart_pole", "game_2048")
} | {
    kind.__name__: kind
    for kind in (Chain, ValuedChain, SlipperyGrid, StraightGrid, Corridor, Herd, Streets)
}
STATES = {"Chain": 0, "ValuedChain": 0, "SlipperyGrid": (0, 0), "StraightGrid": (0, 0)}
PRESETS = ["auto", "uct", "max_uct", "dp_uct", "graph", "open_loop"]


def planner_of(name, config=None):
    """A planner over a model, and a state of it."""
    model = MODELS[name]()
    return MCTS(model, config), STATES[name] if name in STATES else model.initial_state()


def without_times(plan):
    return repr(replace(plan, search_time=0.0))


def assert_watching_changes_nothing(name, config, every, simulations=700):
    planner, state = planner_of(name, config)
    budget = Budget(simulations=simulations)
    *improving, final = planner.watch(state, budget, every=every, seed=5)
    assert without_times(final) == without_times(planner.plan(state, budget, seed=5))
    assert final.is_final
    assert not any(plan.is_final or plan.deterministic for plan in improving)
    return improving


@pytest.mark.parametrize("every", [None, 0.001])
@pytest.mark.parametrize("name", MODELS)
def test_the_last_plan_is_that_of_a_search_nobody_looked_at(name, every):
    improving = assert_watching_changes_nothing(name, None, every)
    assert improving or every is not None


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", ["frozen_lake_8x8", "taxi", "SlipperyGrid", "StraightGrid"])
def test_looking_changes_nothing_in_any_recipe(name, preset):
    assert assert_watching_changes_nothing(name, SearchConfig.preset(preset), None)


@pytest.mark.parametrize(
    "changes",
    [
        {"backup": "soft", "selection": "ments"},
        {"backup": "bellman", "sharing": "depth"},
        {"backup": "bellman", "sharing": "none", "evaluation": "trial"},
        {"backup": "max", "sharing": "state", "evaluation": "trial", "in_flight": 8},
        {"temperature": 1.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["frozen_lake_8x8", "SlipperyGrid"])
def test_looking_changes_nothing_with_other_settings(name, changes):
    assert assert_watching_changes_nothing(name, SearchConfig(**changes), None)


@pytest.mark.parametrize("in_flight", [1, 4, 32])
@pytest.mark.parametrize("every", [None, 0.001])
@pytest.mark.parametrize("name", ["Herd", "connect_four", "frozen_lake_8x8"])
def test_looking_changes_nothing_with_several_simulations_in_flight(name, in_flight, every):
    config = SearchConfig(in_flight=in_flight)
    improving = assert_watching_changes_nothing(name, config, every)
    assert improving or every is not None


def test_several_threads_on_one_tree_are_watched():
    planner, state = planner_of("connect_four", SearchConfig(threads=2, early_stop=False))
    *improving, final = planner.watch(state, Budget(simulations=20_000), seed=5)
    assert final.simulations == 20_000
    assert [plan.simulations for plan in improving] == [2**n for n in range(15)]


def test_plans_come_at_doublings_and_then_the_final_one():
    planner, state = planner_of("connect_four", SearchConfig(early_stop=False))
    plans = list(planner.watch(state, Budget(simulations=1_000)))
    assert [plan.simulations for plan in plans] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000]
    assert [plan.stop_reason for plan in plans] == [
        *[StopReason.UNFINISHED] * 10,
        StopReason.SIMULATIONS,
    ]


def test_a_plan_on_the_way_is_the_plan_of_so_many_simulations():
    config = SearchConfig.preset("graph", early_stop=False)
    for name in ("connect_four", "frozen_lake_8x8", "taxi"):
        config = SearchConfig(early_stop=False) if name == "connect_four" else config
        planner, state = planner_of(name, config)
        *improving, _ = planner.watch(state, Budget(simulations=3_000), seed=5)
        assert len(improving) == 12
        for plan in improving:
            alone = planner.plan(state, Budget(simulations=plan.simulations), seed=5)
            # A search that goes on has not let anything go yet, and stopped by no rule.
            same = {"stop_reason": plan.stop_reason, "deterministic": False}
            assert without_times(replace(alone, **same)) == without_times(plan)


def test_a_recipe_that_gives_way_is_part_of_the_count():
    planner, state = planner_of("cart_pole")
    plans = list(planner.watch(state, Budget(simulations=100), seed=5))
    assert [plan.simulations for plan in plans] == [1, 2, 4, 16, 32, 64, 100]
    assert plans[2].recipe == "graph"
    assert "do not come again" in plans[3].recipe_reason


def test_the_last_doubling_gives_way_to_the_final_plan():
    planner, state = planner_of("connect_four", SearchConfig(early_stop=False))
    counts = [plan.simulations for plan in planner.watch(state, Budget(simulations=8))]
    assert counts == [1, 2, 4, 8]


def test_a_search_that_is_solved_ends_the_plans_early():
    planner, _ = planner_of("tic_tac_toe")
    board = np.array([[1, 1, 0], [-1, -1, 0], [0, 0, 0]], np.int8)
    *_, final = planner.watch(board, Budget(simulations=100_000))
    assert final.stop_reason is StopReason.SOLVED


def test_plans_come_at_an_interval():
    planner = MCTS(Slow(0.0005))
    started = time.perf_counter()
    *improving, final = planner.watch(4, Budget(time_limit=0.5), every=0.05)
    assert time.perf_counter() - started < 60
    assert 1 <= len(improving) <= 10
    times = [plan.search_time for plan in improving]
    assert times[0] >= 0.05
    assert times == sorted(times)
    assert final.stop_reason is StopReason.TIME_LIMIT


def test_a_time_limit_ends_the_search_while_nobody_asks():
    planner = MCTS(Slow())
    plans = planner.watch(4, Budget(time_limit=0.2), every=0.01)
    first = next(plans)
    time.sleep(0.3)
    *_, final = plans
    assert final.simulations == first.simulations or final.stop_reason is StopReason.TIME_LIMIT


def test_a_cancelled_search_gives_what_it_has_as_its_final_plan():
    planner, cancel = MCTS(Slow()), CancelFlag()
    plans = planner.watch(4, Budget(simulations=10_000_000), cancel=cancel)
    seen = [next(plans) for _ in range(3)]
    cancel.cancel()
    [final] = plans
    assert final.stop_reason is StopReason.CANCELLED
    assert final.simulations >= seen[-1].simulations


def test_a_search_that_is_cancelled_or_late_before_it_begins_has_no_plan():
    planner, cancel = MCTS(Slow()), CancelFlag()
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(planner.watch(4, cancel=cancel))
    plans = planner.watch(4, Budget(time_limit=0.01))
    time.sleep(0.05)
    with pytest.raises(DeadlineExpired):
        list(plans)


def test_errors_of_arguments_come_at_once_and_of_the_state_with_the_first_plan():
    planner = MCTS(Corridor())
    with pytest.raises(InvalidRequest, match="every"):
        planner.watch(4, every=0.0)
    with pytest.raises(InvalidRequest, match="seed"):
        planner.watch(4, seed=-1)
    plans = planner.watch(9)
    with pytest.raises(TerminalState):
        next(plans)


def test_an_iterator_that_is_dropped_gives_its_tree_back():
    planner, state = planner_of("frozen_lake_8x8")
    plans = planner.watch(state, Budget(simulations=100_000))
    next(plans)
    plans.close()
    assert planner.plan(state, Budget(simulations=100), seed=1).simulations == 100


def test_an_iterator_that_was_never_begun_takes_no_tree():
    planner, state = planner_of("connect_four")
    plan = planner.plan(state, Budget(simulations=2_000), seed=1)
    following = planner.model.sample(state, plan.action, np.random.default_rng(0))[0]
    assert planner.advance(plan.action, following)
    planner.watch(following)
    assert planner.plan(following, Budget(simulations=100)).reused_simulations > 0


def test_plans_of_others_come_between_those_of_a_python_model():
    planner = MCTS(Corridor())
    alone = planner.plan(4, Budget(simulations=300), seed=7)
    plans = planner.watch(4, Budget(simulations=300), seed=5)
    next(plans)
    between = []
    thread = threading.Thread(
        target=lambda: between.append(planner.plan(4, Budget(simulations=300), seed=7))
    )
    thread.start()
    thread.join(60)
    assert without_times(between[0]) == without_times(alone)
    *_, final = plans
    expected = MCTS(Corridor()).plan(4, Budget(simulations=300), seed=5)
    assert without_times(final) == without_times(expected)


def test_a_graph_that_fills_its_bytes_has_no_more_plans_before_the_final_one():
    planner, state = planner_of("taxi", SearchConfig.preset("graph"))
    budget = Budget(simulations=50_000, max_bytes=2**18)
    *improving, final = planner.watch(state, budget, seed=5)
    assert improving[-1].bytes <= 2**17
    assert without_times(final) == without_times(planner.plan(state, budget, seed=5))


def test_a_tree_that_was_kept_is_gone_on_with_and_watched():
    def advanced():
        planner, state = planner_of("connect_four")
        plan = planner.plan(state, Budget(simulations=2_000), seed=1)
        following = planner.model.sample(state, plan.action, np.random.default_rng(0))[0]
        assert planner.advance(plan.action, following)
        return planner, following

    watching, state = advanced()
    planning, _ = advanced()
    *improving, final = watching.watch(state, Budget(simulations=500), seed=2)
    plan = planning.plan(state, Budget(simulations=500), seed=2)
    assert plan.reused_simulations > 0
    assert without_times(final) == without_times(plan)
    assert all(plan.reused_simulations == final.reused_simulations for plan in improving)

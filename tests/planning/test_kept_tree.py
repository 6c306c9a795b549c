"""`MCTS.plan(..., tree=KeptTree())`: the next plan finds its state, or starts afresh."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from searching import plan_numbers, to_the_end
from served_models import Herd
from small_games import RaceOfThree, TicTacToe
from small_models import FourRooms, KeyedChain, SlipperyGrid, StraightGrid

from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models import make
from mcts_service.planning import MCTS, Budget, KeptTree, SearchConfig, UnfinishedPlan

BUDGET = Budget(simulations=400)
PRESETS = ["uct", "dp_uct", "graph"]
ROOTS: list[tuple[Any, Any]] = [
    (FourRooms(), 0),
    (FourRooms(slips=False), 0),
    (SlipperyGrid(), (2, 2)),
    (StraightGrid(), (0, 0)),
    (KeyedChain(), [0]),
    (make("frozen_lake_4x4"), 0),
    (make("taxi"), 328),
]
IDS = ["rooms", "sure rooms", "slippery grid", "grid", "keyed", "native table", "native taxi"]


def planner(model: Any, preset: str = "uct", **changes: Any) -> MCTS:
    return MCTS(model, to_the_end(preset, max_depth=30, **changes), seed=1)


def step(model: Any, state: Any, action: int, rng: np.random.Generator) -> tuple[Any, bool]:
    following, _, done = model.sample(state, action, rng)
    return following, done


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("model", "root"), ROOTS, ids=IDS)
def test_an_episode_goes_on_from_state_to_state(model: Any, root: Any, preset: str) -> None:
    mcts, told, tree = planner(model, preset), [], KeptTree(lambda reused: told.append(reused))
    rng, state, reused = np.random.default_rng(0), root, []
    for _ in range(6):
        plan = mcts.plan(state, BUDGET, tree=tree)
        reused.append(plan.reused_simulations)
        assert plan.deterministic == (plan.reused_simulations == 0)
        assert tree.bytes == plan.bytes > 0
        state, done = step(model, state, plan.action, rng)
        if done:
            break
    assert told == [count > 0 for count in reused]
    assert not told[0]
    assert sum(told) >= 0.7 * (len(told) - 1)


@pytest.mark.parametrize("game", [TicTacToe(), RaceOfThree()], ids=["two players", "three"])
def test_in_a_game_it_goes_on_behind_the_replies_of_others(game: Any) -> None:
    mcts, tree, rng = planner(game), KeptTree(), np.random.default_rng(3)
    plan = mcts.plan(game.start, BUDGET, tree=tree)
    state, _ = step(game, game.start, plan.action, rng)
    for _ in range(game.num_players - 1):
        reply = mcts.plan(state, BUDGET).action  # a good one, which the tree has looked into
        state, _ = step(game, state, reply, rng)
    following = mcts.plan(state, BUDGET, tree=tree)
    assert 0 < following.reused_simulations < 400


def test_the_state_of_the_last_plan_itself_is_found() -> None:
    mcts, tree = planner(StraightGrid()), KeptTree()
    mcts.plan((2, 2), BUDGET, tree=tree)
    assert mcts.plan((2, 2), BUDGET, tree=tree).reused_simulations == 400


def test_several_steps_are_made_good_at_once() -> None:
    mcts, tree = planner(make("connect_four")), KeptTree()
    start = make("connect_four").initial_state()
    plan = mcts.plan(start, Budget(simulations=5_000), tree=tree)
    state, rng = start, np.random.default_rng(0)
    for move in plan.principal_variation[:3]:
        state, _ = step(mcts.model, state, move.action, rng)
    visits = plan.principal_variation[2].visits
    assert mcts.plan(state, BUDGET, tree=tree).reused_simulations == visits - 1


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "change",
    [
        {"horizon": 7},
        {"allowed_actions": [0, 1]},
        {"budget": Budget(simulations=50, max_bytes=2**22)},
        {"state": 88},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_request_starts_afresh(preset: str, change: dict[str, Any]) -> None:
    if preset == "graph" and "horizon" in change:
        return  # a graph of states knows no time
    model, tree = FourRooms(), KeptTree()
    mcts = planner(model, preset)
    mcts.plan(0, Budget(simulations=300), tree=tree)
    request = {"state": 0, "budget": Budget(simulations=50), "seed": 5, **change}
    plan = mcts.plan(**request, tree=tree)
    assert plan.reused_simulations == 0
    assert plan_numbers(plan) == plan_numbers(planner(model, preset).plan(**request))


@pytest.mark.parametrize("preset", ["uct", "dp_uct"])
@pytest.mark.parametrize(
    ("before", "after", "reuses"),
    [(10, 9, True), (10, 10, False), (10, 8, False), (9, 10, False)],
)
def test_with_a_horizon_the_steps_are_those_that_it_has_become_less(
    preset: str, before: int, after: int, reuses: bool
) -> None:
    mcts, tree = planner(StraightGrid(), preset), KeptTree()
    mcts.plan((2, 2), BUDGET, horizon=before, tree=tree)
    # One step to the right, to which no two steps lead.
    assert (mcts.plan((2, 3), BUDGET, horizon=after, tree=tree).reused_simulations > 0) == reuses


def test_a_graph_of_states_serves_any_horizon() -> None:
    mcts, tree = planner(FourRooms(), "graph"), KeptTree()
    mcts.plan(0, BUDGET, tree=tree)
    assert mcts.plan(1, BUDGET, horizon=7, tree=tree).reused_simulations > 0


@pytest.mark.parametrize("preset", PRESETS)
def test_a_root_that_left_actions_out_is_no_place_to_go_on_from(preset: str) -> None:
    mcts, tree = planner(FourRooms(), preset), KeptTree()
    mcts.plan(11, BUDGET, allowed_actions=[1, 2], tree=tree)
    plan = mcts.plan(11, BUDGET, tree=tree)  # from a node further down, or afresh
    assert len(plan.actions) == 4


@pytest.mark.parametrize("preset", PRESETS)
def test_a_terminal_state_is_refused_as_ever(preset: str) -> None:
    class Ends(FourRooms):
        def is_terminal(self, state: int) -> bool:
            return state == 99

    mcts, tree = planner(Ends(), preset), KeptTree()
    mcts.plan(98, BUDGET, tree=tree)
    with pytest.raises(TerminalState):
        mcts.plan(99, BUDGET, tree=tree)
    assert mcts.plan(98, BUDGET, tree=tree).simulations


@pytest.mark.parametrize("preset", PRESETS)
def test_a_wrong_state_is_refused_in_the_same_words(preset: str) -> None:
    class Strict(FourRooms):
        def validate_state(self, state: Any) -> None:
            if not isinstance(state, int):
                raise ValueError(f"is {state!r}; must be a cell")

    mcts, tree = planner(Strict(), preset), KeptTree()
    mcts.plan(0, BUDGET, tree=tree)
    for wrong in ("0", [1, 2], 1.5, None):
        with pytest.raises(InvalidRequest) as caught:
            mcts.plan(wrong, BUDGET, tree=tree)
        with pytest.raises(InvalidRequest) as expected:
            planner(Strict(), preset).plan(wrong, BUDGET)
        assert str(caught.value) == str(expected.value)


def test_nodes_that_are_no_states_are_not_found() -> None:
    mcts, tree = planner(FourRooms(), "open_loop"), KeptTree()
    for _ in range(2):
        assert mcts.plan(0, BUDGET, tree=tree).reused_simulations == 0


class CallsBack(FourRooms):
    """Does something else, once, while a plan is on its way."""

    once: Callable[[], None] | None = None

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        once, self.once = self.once, None
        if once is not None:
            once()
        return super().sample(state, action, rng)


def test_a_second_plan_at_the_same_time_starts_afresh_and_does_not_wait() -> None:
    model, told, inner = CallsBack(), [], []
    mcts, tree = planner(model), KeptTree(lambda reused: told.append(reused))
    mcts.plan(0, BUDGET, tree=tree)

    def plan_and_forget() -> None:
        assert tree.is_lent
        inner.append(mcts.plan(0, BUDGET, seed=4, tree=tree))
        assert not tree.forget()

    model.once = plan_and_forget
    assert mcts.plan(0, BUDGET, tree=tree).reused_simulations == 400
    assert plan_numbers(inner[0]) == plan_numbers(planner(FourRooms()).plan(0, BUDGET, seed=4))
    assert told == [False, False, True]
    assert not tree.is_lent
    assert mcts.plan(0, BUDGET, tree=tree).reused_simulations == 800


def test_threads_that_share_one_tree_all_have_a_plan() -> None:
    mcts, tree, plans = planner(make("connect_four")), KeptTree(), []
    start = mcts.model.initial_state()

    def work() -> None:
        plans.extend(mcts.plan(start, Budget(simulations=2_000), tree=tree) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(plans) == 20
    assert all(plan.simulations == 2_000 for plan in plans)


def test_a_tree_of_another_planner_is_not_gone_on_with() -> None:
    tree = KeptTree()
    for model in (FourRooms(), FourRooms(slips=False)):
        assert planner(model).plan(0, BUDGET, tree=tree).reused_simulations == 0
    lists, lines = planner(KeyedChain()), planner(make("taxi"))
    assert lists.plan([0], BUDGET, tree=tree).reused_simulations == 0
    assert lines.plan(328, BUDGET, tree=tree).reused_simulations == 0


def test_another_form_of_states_ends_the_tree() -> None:
    class Points:
        num_actions = 2

        def sample_batch(self, states: Any, actions: Any, rng: Any) -> Any:
            return states + 1, np.ones(len(states)), states[:, 0] > 50

    mcts, tree = planner(Points(), in_flight=4), KeptTree()
    for state in (np.zeros(2), np.zeros(3)):
        mcts._searches._form_is_proven = False
        assert mcts.plan(state, BUDGET, tree=tree).reused_simulations == 0
    assert mcts.plan(np.ones(3), BUDGET, tree=tree).reused_simulations > 0


def test_the_tree_for_advance_is_another_one() -> None:
    mcts, tree = planner(StraightGrid()), KeptTree()
    plan = mcts.plan((2, 2), BUDGET)
    mcts.plan((0, 0), BUDGET, tree=tree)
    following, _ = step(mcts.model, (2, 2), plan.action, np.random.default_rng(0))
    assert mcts.advance(plan.action, following)
    assert mcts.plan(following, BUDGET).reused_simulations > 0
    assert mcts.plan((0, 0), BUDGET, tree=tree).reused_simulations == 400


def test_what_is_forgotten_is_gone_and_its_memory_too() -> None:
    mcts, tree = planner(FourRooms()), KeptTree()
    mcts.plan(0, BUDGET, tree=tree)
    mcts.forget(tree)
    assert tree.bytes == 0
    assert mcts.plan(0, BUDGET, tree=tree).reused_simulations == 0
    assert mcts.plan(0, BUDGET, tree=tree).reused_simulations == 400


def test_a_planner_that_keeps_no_trees_keeps_this_one() -> None:
    mcts, tree = MCTS(make("taxi"), keep_trees=False), KeptTree()
    assert mcts.plan(328, Budget(simulations=20), tree=tree).reused_simulations == 0
    assert mcts.plan(328, Budget(simulations=20), tree=tree).reused_simulations > 0


def test_the_recipe_that_took_over_is_gone_on_with() -> None:
    """States of a pole do not recur: the plan gives its graph up for a tree, once."""
    mcts, tree = MCTS(make("cart_pole"), SearchConfig(early_stop=False)), KeptTree()
    state, rng = mcts.model.initial_state(), np.random.default_rng(0)
    for number in range(4):
        plan = mcts.plan(state, BUDGET, tree=tree)
        assert plan.recipe == "uct"
        assert (plan.reused_simulations > 0) == (number > 0)
        state, _ = step(mcts.model, state, plan.action, rng)


def test_a_plan_that_is_dropped_gives_the_tree_back() -> None:
    mcts, told = MCTS(make("connect_four")), []
    tree = KeptTree(lambda reused: told.append(reused))
    start = mcts.model.initial_state()
    rest = mcts.plan_at_once(start, Budget(simulations=10**6), seconds=0.001, tree=tree)
    assert isinstance(rest, UnfinishedPlan)
    assert tree.is_lent
    del rest
    assert not tree.is_lent
    plan = mcts.plan_at_once(start, Budget(simulations=100), seconds=3600.0, tree=tree)
    assert not isinstance(plan, UnfinishedPlan)
    assert plan.reused_simulations > 0
    assert told == [False, True]


def test_a_plan_that_cannot_begin_leaves_nothing_that_another_takes_for_its_own() -> None:
    """Of a model that answers for many: what is wrong with a state is found late."""
    model, settings = Herd(), SearchConfig.preset("uct", in_flight=4, early_stop=False)
    mcts, tree = MCTS(model, settings, seed=1), KeptTree()
    start = model.initial_state()
    ended = next(state for state in walked(model, start) if model.is_terminal_batch(state[None])[0])
    mcts.plan(start, Budget(simulations=20), allowed_actions=[0], tree=tree)
    with pytest.raises(TerminalState):
        mcts.plan(ended, Budget(simulations=20), tree=tree)
    plan = mcts.plan(start, Budget(simulations=20), seed=5, tree=tree)
    assert len(plan.actions) == model.num_actions
    assert plan_numbers(plan) == plan_numbers(
        MCTS(model, settings).plan(start, Budget(simulations=20), seed=5)
    )


def walked(model: Any, state: Any) -> Iterator[Any]:
    """The states of a walk at random, without an end."""
    rng = np.random.default_rng(0)
    while True:
        yield state
        actions = rng.integers(model.num_actions, size=1)
        state = model.sample_batch(state[None], actions, rng)[0][0]

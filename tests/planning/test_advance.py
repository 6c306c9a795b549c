"""`MCTS.advance`: the next plan goes on from what was learned, or starts afresh where it must."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from searching import plan_numbers, to_the_end
from small_models import Chain, Countdown, FourRooms, SlipperyGrid, StraightGrid

from mcts_service import MCTS, Budget
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models import make

PRESETS = ["uct", "dp_uct", "graph"]
ROOTS: list[tuple[Any, Any]] = [
    (FourRooms(), 0),
    (FourRooms(slips=False), 0),
    (SlipperyGrid(), (2, 2)),
    (StraightGrid(), (2, 2)),
    (make("frozen_lake_4x4"), 0),
    (make("taxi"), 328),
]
IDS = ["rooms", "deterministic rooms", "slippery grid", "grid", "native table", "native taxi"]


def planner(model: Any, preset: str, **changes: Any) -> MCTS:
    return MCTS(model, to_the_end(preset, max_depth=30, **changes), seed=1)


def step(mcts: MCTS, state: Any, action: int) -> Any:
    """The most frequent state that the action led to in the last plan."""
    graph = mcts._searches.trees._latest.search.graph()  # type: ignore[union-attr]
    root = graph[next(iter(graph))]
    edge = next(e for e in root["edges"] if e["action"] == action)
    child = graph[max(edge["outcomes"])[1]]["state"]
    native = getattr(mcts.model, "handle", None) is not None
    return mcts.model.unpack_state(child) if native else child


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("model", "root"), ROOTS, ids=IDS)
def test_next_plan_goes_on(model: Any, root: Any, preset: str) -> None:
    mcts, budget = planner(model, preset), Budget(simulations=400)
    first = mcts.plan(root, budget)
    assert first.reused_simulations == 0
    assert first.deterministic
    following = step(mcts, root, first.action)
    before = next(a for a in first.actions if a.action == first.action).visits
    assert mcts.advance(first.action, following)
    second = mcts.plan(following, budget)
    assert second.reused_simulations > 0
    if preset == "uct":  # elsewhere other actions may lead there too
        assert second.reused_simulations <= before
    assert not second.deterministic
    assert second.simulations == 400 or second.stop_reason.value == "solved"
    visits = sum(action.visits for action in second.actions)
    expected = second.simulations + second.reused_simulations
    assert visits >= expected if preset == "graph" else visits == expected
    assert math.isfinite(second.value)


@pytest.mark.parametrize("preset", PRESETS)
def test_memory_of_what_is_pruned_is_given_back(preset: str) -> None:
    model = FourRooms()
    mcts = planner(model, preset)
    first = mcts.plan(0, Budget(simulations=400))
    assert mcts.advance(first.action, step(mcts, 0, first.action))
    search = mcts._searches.trees._latest.search  # type: ignore[union-attr]
    assert len(search.graph()) == search.nodes
    assert search.bytes < first.bytes or preset == "graph"
    assert search.nodes < first.nodes or preset == "graph"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "change",
    [
        {"horizon": 7},
        {"allowed_actions": [0, 1]},
        {"budget": Budget(simulations=50, max_bytes=2**22)},
        {"state": 11},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_request_starts_afresh(preset: str, change: dict[str, Any]) -> None:
    if preset == "graph" and "horizon" in change:
        return  # a graph of states knows no time: the test below
    model = FourRooms()
    mcts = planner(model, preset)
    first = mcts.plan(0, Budget(simulations=300))
    following = step(mcts, 0, first.action)
    assert mcts.advance(first.action, following)
    request = {"state": following, "budget": Budget(simulations=50), "seed": 5, **change}
    plan = mcts.plan(**request)
    assert plan.reused_simulations == 0
    assert plan.deterministic
    assert plan_numbers(plan) == plan_numbers(planner(model, preset).plan(**request))


@pytest.mark.parametrize("preset", ["uct", "dp_uct"])
def test_horizon_counts_down(preset: str) -> None:
    mcts, budget = planner(FourRooms(), preset), Budget(simulations=300)
    plan = mcts.plan(0, budget, horizon=10)
    following = step(mcts, 0, plan.action)
    assert mcts.advance(plan.action, following)
    assert mcts.plan(following, budget, horizon=9).reused_simulations > 0


def test_graph_of_states_serves_any_horizon() -> None:
    mcts, budget = planner(FourRooms(), "graph"), Budget(simulations=300)
    plan = mcts.plan(0, budget)
    following = step(mcts, 0, plan.action)
    assert mcts.advance(plan.action, following)
    assert mcts.plan(following, budget, horizon=7).reused_simulations > 0


@pytest.mark.parametrize("preset", PRESETS)
def test_unknown_next_state_keeps_nothing(preset: str) -> None:
    mcts = planner(FourRooms(), preset)
    assert not mcts.advance(0, 0)
    mcts.plan(0, Budget(simulations=300))
    assert not mcts.advance(0, 55)
    plan = mcts.plan(55, Budget(simulations=100))
    assert plan.reused_simulations == 0
    assert plan.deterministic


@pytest.mark.parametrize("preset", ["uct", "dp_uct"])
def test_step_after_one_that_kept_nothing_does_not_mistake_the_time(preset: str) -> None:
    """The tree still has the root of two steps ago: it must not pass for the last one's."""
    mcts, budget = planner(FourRooms(), preset), Budget(simulations=300)
    plan = mcts.plan(0, budget, horizon=10)
    following = step(mcts, 0, plan.action)
    assert not mcts.advance(plan.action, 55)
    assert not mcts.advance(plan.action, following)


@pytest.mark.parametrize("preset", PRESETS)
def test_wrong_arguments_are_refused_and_change_nothing(preset: str) -> None:
    model = FourRooms()
    mcts = planner(model, preset)
    plan = mcts.plan(0, Budget(simulations=300))
    following = step(mcts, 0, plan.action)
    for action in (-1, 4, 1.5, "0", None):
        with pytest.raises(InvalidRequest, match="action"):
            mcts.advance(action, following)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="next_state"):
        mcts.advance(plan.action, None)
    assert mcts.advance(plan.action, following)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("model", "root"), ROOTS[:5], ids=IDS[:5])
def test_a_whole_episode_goes_on_from_step_to_step(model: Any, root: Any, preset: str) -> None:
    mcts, state, reused = planner(model, preset), root, 0
    for _ in range(12):
        plan = mcts.plan(state, Budget(simulations=200))
        reused += plan.reused_simulations
        assert plan.action in [action.action for action in plan.actions]
        following = step(mcts, state, plan.action)
        if not mcts.advance(plan.action, following):
            break
        state = following
    assert reused > 0


def test_every_action_of_the_root_leads_on_or_to_nothing() -> None:
    pile = 12
    for action in range(3):
        for preset in PRESETS:
            mcts = planner(Countdown(), preset)
            mcts.plan(pile, Budget(simulations=300))
            kept = mcts.advance(action, pile - action - 1)
            plan = mcts.plan(pile - action - 1, Budget(simulations=50))
            assert kept
            assert plan.reused_simulations > 0


@pytest.mark.parametrize("preset", PRESETS)
def test_what_was_learned_is_worth_as_much_as_in_a_fresh_plan(preset: str) -> None:
    """Both know the chain's best first step, and its value within 0.1 (20 standard errors)."""
    mcts, budget = planner(Chain(), preset), Budget(simulations=4000)
    mcts.plan(2, budget)
    assert mcts.advance(1, 3)
    reused = mcts.plan(3, budget)
    fresh = planner(Chain(), preset).plan(3, budget)
    assert reused.reused_simulations > 0
    assert fresh.reused_simulations == 0
    assert reused.action == fresh.action == 1
    assert reused.value == pytest.approx(fresh.value, abs=0.1)


class FailingKey(FourRooms):
    fails = False

    def state_key(self, state: int) -> int:
        if self.fails:
            raise RuntimeError("no key today")
        return state


@pytest.mark.parametrize("preset", PRESETS)
def test_a_key_that_raises_is_a_fault_and_loses_nothing(preset: str) -> None:
    model = FailingKey()
    mcts = planner(model, preset)
    plan = mcts.plan(0, Budget(simulations=300))
    following = step(mcts, 0, plan.action)
    model.fails = True
    with pytest.raises(ModelFault, match="no key today"):
        mcts.advance(plan.action, following)
    model.fails = False
    assert mcts.advance(plan.action, following)
    assert mcts.plan(following, Budget(simulations=50)).reused_simulations > 0


@pytest.mark.parametrize("preset", PRESETS)
def test_a_key_that_raises_at_any_call_never_moves_half(preset: str) -> None:
    for call in range(1, 8):
        model = CountedKey()
        mcts = planner(model, preset)
        plan = mcts.plan(0, Budget(simulations=100))
        following = step(mcts, 0, plan.action)
        model.raises_in = call + 1
        try:
            mcts.advance(plan.action, following)
        except ModelFault:
            assert mcts.plan(0, Budget(simulations=100), seed=3).reused_simulations == 0
        else:
            assert call > 1
        model.raises_in = 0


class CountedKey(FourRooms):
    """Its key raises once, at call number `raises_in` from now."""

    raises_in = 0

    def state_key(self, state: int) -> int:
        self.raises_in -= self.raises_in > 0
        if self.raises_in == 1:
            raise RuntimeError("no key today")
        return state


class CallsBack(FourRooms):
    """Does something else, once, while a plan is on its way."""

    def __init__(self) -> None:
        super().__init__()
        self.once: Callable[[], None] | None = None

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        once, self.once = self.once, None
        if once is not None:
            once()
        return super().sample(state, action, rng)


@pytest.mark.parametrize("preset", PRESETS)
def test_tree_that_another_plan_has_overtaken_is_not_gone_on_with(preset: str) -> None:
    model, budget, inner = CallsBack(), Budget(simulations=200), []
    mcts = planner(model, preset)

    def plan_and_advance() -> None:
        plan = mcts.plan(0, budget)
        assert mcts.advance(plan.action, step(mcts, 0, plan.action))

    model.once = plan_and_advance
    mcts.plan(0, budget)
    model.once = lambda: inner.append(mcts.plan(55, budget, seed=3))
    mcts.plan(0, budget)
    assert inner[0].reused_simulations == 0
    fresh = planner(FourRooms(), preset).plan(55, budget, seed=3)
    assert plan_numbers(inner[0]) == plan_numbers(fresh)


class Line:
    """One action, one step further: whatever is below the root is below its child."""

    num_actions = 1

    def sample(self, state: int, action: int, rng: np.random.Generator) -> tuple[int, float, bool]:
        return state + 1, float(rng.random()), False


@pytest.mark.parametrize(("max_bytes", "kept"), [(2**18, False), (2**21, True)])
def test_what_is_kept_fits_into_the_byte_limit_beside_the_old_tree(
    max_bytes: int, kept: bool
) -> None:
    planner = MCTS(Line(), to_the_end("uct", max_depth=1_000))
    plan = planner.plan(0, Budget(simulations=900, max_bytes=max_bytes))
    assert plan.simulations == 900
    assert (2 * plan.bytes < max_bytes) == kept
    assert planner.advance(0, 1) == kept


def test_a_planner_that_keeps_no_trees_plans_the_same_and_goes_on_with_none() -> None:
    model = make("taxi")
    keeping, other = MCTS(model), MCTS(model, keep_trees=False)
    for seed in range(3):
        plan, same = (
            planner.plan(328, Budget(simulations=100), seed=seed) for planner in (keeping, other)
        )
        assert plan.actions == same.actions
        following, _, _ = model.sample(328, plan.action, np.random.default_rng(0))
        assert keeping.advance(plan.action, following)
        assert not other.advance(plan.action, following)
        assert other.plan(following, Budget(simulations=100)).reused_simulations == 0

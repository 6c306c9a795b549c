"""Several simulations in flight: the same search with one, and a sound one with more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import small_games as games
import small_models as models
from searching import plan_numbers, read, to_the_end
from small_batches import START, Walk

from mcts_service import MCTS, Budget, CancelFlag, SearchConfig
from mcts_service._core import BatchModel, Search, SearchBatch
from mcts_service.models import make
from mcts_service.planning import Belief, Plan, StopReason

SINGLE = ["uct", "dp_uct", "graph", "open_loop", "pomcp"]
SIMULATIONS = 120


class Foggy(models.Chain):
    """A chain of which is seen only whether the place is even, and mostly right."""

    def observe(self, action: int, following: int, rng: Any) -> int:
        return (following + (rng.random() < 0.2)) % 2


class Worth(Foggy):
    """The same, and it says what a place is worth."""

    def value(self, state: int) -> float:
        return (state + 5) / 10


@dataclass(frozen=True)
class Case:
    """A model, a root, and the presets that can plan with it."""

    model: Any
    root: Any
    presets: tuple[str, ...] = ("uct", "dp_uct", "graph", "open_loop")


CASES = {
    "chain in the fog": Case(Foggy(), 0, tuple(SINGLE)),
    "values in the fog": Case(Worth(), 0, tuple(SINGLE)),
    "slippery grid": Case(models.SlipperyGrid(), (0, 0)),
    "straight grid": Case(models.StraightGrid(), (0, 0)),
    "rollout policy": Case(models.GuidedChain(), 0),
    "keyed states": Case(models.KeyedChain(), [0]),
    "legal actions by state": Case(models.Countdown(), 11),
    "all outcomes told": Case(models.Wheel(5, declares=True), 0),
    "many outcomes": Case(models.Wheel(40), 0),
    "tic-tac-toe": Case(games.TicTacToe(), games.TicTacToe.start, ("uct", "open_loop")),
    "three players": Case(games.RaceOfThree(), games.RaceOfThree.start, ("uct", "open_loop")),
    "table": Case(make("frozen_lake_4x4"), 0),
    "compiled game": Case(make("connect_four"), make("connect_four").initial_state(), ("uct",)),
    "compiled dynamics": Case(
        make("cart_pole"), np.array([0.0, 0.0, 0.05, 0.0]), ("uct", "open_loop")
    ),
    "rows": Case(Walk(masks=True), START),
    "rows without chance": Case(Walk(deterministic=True, keys=True), START),
    "rows with values": Case(Walk(values=True), START),
}
PAIRS = [(name, preset) for name, case in CASES.items() for preset in case.presets]


def search_of(name: str, preset: str, in_flight: int, seed: int = 0) -> Search:
    """A search that has begun."""
    case = CASES[name]
    config = SearchConfig.preset(preset, max_depth=9)
    asked = getattr(case.model, "handle", None) or case.model
    if isinstance(case.model, Walk):
        asked = BatchModel(case.model, np.int64, ())
    has_value = hasattr(case.model, "value") or hasattr(case.model, "evaluate_batch")
    search = Search(
        asked,
        max_depth=config.max_depth,
        evaluation="value" if preset == "uct" and has_value else config.evaluation,
        backup=config.backup,
        sharing=config.sharing,
        outcome_key=config.outcome_key,
        in_flight=in_flight,
    )
    root = case.root if asked is not getattr(case.model, "handle", 0) else None
    state = case.model.pack_state(case.root) if root is None else root
    search.begin(state, horizon=0, allowed=None, seed=seed, max_bytes=2**26)
    return search


def assert_same(one: Any, other: Any) -> None:
    """Two graphs, node by node; arrays among the states are compared by their bytes."""
    assert repr(canonical(one)) == repr(canonical(other))


def canonical(dump: Any) -> Any:
    if isinstance(dump, dict):
        return {key: canonical(value) for key, value in dump.items()}
    if isinstance(dump, (list, tuple)):
        return [canonical(value) for value in dump]
    return (dump.dtype, dump.tobytes()) if isinstance(dump, np.ndarray) else dump


@pytest.mark.parametrize("seed", [0, 9])
@pytest.mark.parametrize(("name", "preset"), PAIRS)
def test_one_in_flight_is_the_search_that_asks_on_the_spot(
    name: str, preset: str, seed: int
) -> None:
    batched, scalar = (search_of(name, preset, 1, seed) for _ in range(2))
    assert SearchBatch([batched]).run(SIMULATIONS) == [scalar.run(SIMULATIONS)]
    assert_same(batched.graph(), scalar.graph())
    assert batched.model_steps == scalar.model_steps
    assert repr(read(batched)) == repr(read(scalar))


def assert_sound(search: Search, preset: str, simulations: int, *, whole: bool = True) -> None:
    """Counts add up, nothing is on its way any more, and values are of what was learned.

    Where the search was stopped in the middle it is not `whole`: edges may have been read by
    simulations that never came back to their nodes.
    """
    graph = search.graph()
    root = graph[next(iter(graph))]
    assert search.simulations == simulations
    tried = sum(edge["visits"] for edge in root["edges"])
    assert tried >= simulations if preset == "graph" else tried == simulations
    for node in graph.values():
        for edge in node["edges"]:
            assert edge["in_flight"] == 0
            assert edge["visits"] == sum(visits for visits, _ in edge["outcomes"])
            assert math.isfinite(edge["value"])
            if preset in ("uct", "open_loop", "pomcp"):
                for visits, child in edge["outcomes"]:
                    assert graph[child]["visits"] == visits
        if preset in ("uct", "open_loop", "pomcp") and node is not root:
            assert node["visits"] >= bool(node["edges"]) + sum(e["visits"] for e in node["edges"])
        if whole and "value" in node and any(edge["visits"] for edge in node["edges"]):
            assert node["value"] >= max(e["value"] for e in node["edges"] if e["visits"]) - 1e-9


@pytest.mark.parametrize("in_flight", [2, 7, 64])
@pytest.mark.parametrize(("name", "preset"), PAIRS)
def test_with_several_in_flight_the_tree_is_sound_and_repeatable(
    name: str, preset: str, in_flight: int
) -> None:
    search, again = (search_of(name, preset, in_flight, seed=3) for _ in range(2))
    end = search.run(SIMULATIONS)
    if end == "solved":
        assert search.simulations <= SIMULATIONS
    else:
        assert end == "simulations"
        assert search.simulations == SIMULATIONS
    assert_sound(search, preset, search.simulations)
    assert again.run(SIMULATIONS) == end
    assert_same(search.graph(), again.graph())


@pytest.mark.parametrize("in_flight", range(2, 65))
def test_every_number_in_flight_ends_with_every_simulation_counted(in_flight: int) -> None:
    for simulations in (1, in_flight - 1, in_flight, in_flight + 1, 70):
        search = search_of("rows", "uct", in_flight)
        assert search.run(simulations) == "simulations"
        assert_sound(search, "uct", simulations)


@pytest.mark.parametrize("preset", ["uct", "graph", "open_loop"])
def test_a_run_in_parts_counts_as_one(preset: str) -> None:
    search = search_of("rows", preset, 8)
    for simulations in (1, 5, 5, 40, 97):
        assert search.run(simulations) == "simulations"
        assert_sound(search, preset, simulations)


@pytest.mark.parametrize("in_flight", [2, 16])
@pytest.mark.parametrize("preset", SINGLE)
def test_same_seed_same_plan(preset: str, in_flight: int) -> None:
    config = to_the_end(preset, max_depth=9, in_flight=in_flight)
    budget = Budget(simulations=SIMULATIONS)
    planner = MCTS(Foggy(), config)
    plans = [planner.plan(0, budget, seed=seed, horizon=6) for seed in (1, 2, 1)]
    assert plan_numbers(plans[0]) == plan_numbers(plans[2])
    assert plan_numbers(plans[0]) != plan_numbers(plans[1])
    assert plans[0].deterministic
    assert plan_numbers(MCTS(Foggy(), config).plan(0, budget, seed=1, horizon=6)) == plan_numbers(
        plans[0]
    )


@pytest.mark.parametrize("in_flight", [2, 9])
@pytest.mark.parametrize("preset", ["uct", "graph", "open_loop"])
def test_a_row_with_several_in_flight_is_its_plan_alone(preset: str, in_flight: int) -> None:
    config = to_the_end(preset, max_depth=9, in_flight=in_flight)
    budget = Budget(simulations=50)
    plans = MCTS(Walk(masks=True), config).plan_batch([4, 5, 8], budget, seeds=[0, 1, 2])
    for place, seed, plan in zip([4, 5, 8], [0, 1, 2], plans, strict=True):
        alone = MCTS(Walk(masks=True), config).plan(place, budget, seed=seed)
        assert plan_numbers(plan) == plan_numbers(alone)


def test_a_belief_is_planned_with_several_in_flight() -> None:
    config = to_the_end("pomcp", max_depth=9, in_flight=8)
    belief, budget = Belief([-1, 0, 0, 1]), Budget(simulations=SIMULATIONS)
    plan = MCTS(Foggy(), config).plan(belief, budget, seed=1)
    assert sum(action.visits for action in plan.actions) == SIMULATIONS
    assert plan_numbers(plan) == plan_numbers(MCTS(Foggy(), config).plan(belief, budget, seed=1))


@pytest.mark.parametrize("model", [models.StraightGrid(), models.SlipperyGrid()])
@pytest.mark.parametrize("preset", ["uct", "dp_uct", "graph"])
def test_advance_goes_on_from_such_a_plan(preset: str, model: Any) -> None:
    config = to_the_end(preset, max_depth=9, in_flight=8)
    planner, budget = MCTS(model, config), Budget(simulations=SIMULATIONS)
    state, horizon = (0, 0), 12
    kept = 0
    for _ in range(4):
        plan = planner.plan(state, budget, horizon=horizon)
        if plan.stop_reason is not StopReason.SOLVED:
            visits = sum(action.visits for action in plan.actions)
            counted = SIMULATIONS + plan.reused_simulations
            assert visits >= counted if preset == "graph" else visits == counted
        kept += plan.reused_simulations
        search = planner._searches.trees._latest.search  # type: ignore[union-attr]
        flying = [e["in_flight"] for node in search.graph().values() for e in node["edges"]]
        assert not any(flying)
        state, horizon = model.sample(state, plan.action, np.random.default_rng(0))[0], horizon - 1
        planner.advance(plan.action, state)
    assert kept > 0


# ---- stopped in the middle


class Stopping(Walk):
    """Does something at one of its calls."""

    def __init__(self, at: int, act: Any) -> None:
        super().__init__()
        self.calls, self.at, self.act = 0, at, act

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        self.calls += 1
        if self.calls == self.at:
            self.act()
        return super().sample_batch(states, actions, rng)


@pytest.mark.parametrize("preset", ["uct", "dp_uct", "graph", "open_loop"])
@pytest.mark.parametrize("at", [15, 30, 60])
def test_cancelled_in_flight_only_what_came_home_counts(at: int, preset: str) -> None:
    flag = CancelFlag()
    config = to_the_end(preset, max_depth=9, in_flight=8)
    planner = MCTS(Stopping(at, flag.cancel), config)
    plan = planner.plan(START, Budget(simulations=10**6), cancel=flag)
    assert plan.stop_reason is StopReason.CANCELLED
    assert_sound(planner._searches.trees._latest.search, preset, plan.simulations, whole=False)  # type: ignore
    again = planner.plan(START, Budget(simulations=SIMULATIONS), seed=1)
    fresh = MCTS(Walk(), config).plan(START, Budget(simulations=SIMULATIONS), seed=1)
    assert plan_numbers(again) == plan_numbers(fresh)


@pytest.mark.parametrize("preset", ["uct", "dp_uct", "graph", "open_loop"])
@pytest.mark.parametrize("at", [1, 8, 30])
def test_an_interrupt_in_flight_leaves_a_tree_that_moves_and_plans(at: int, preset: str) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    config = to_the_end(preset, max_depth=9, in_flight=8)
    model = Stopping(at, interrupt)
    planner = MCTS(model, config)
    with pytest.raises(KeyboardInterrupt):
        planner.plan(START, Budget(simulations=10**6))
    search = planner._searches.trees._latest.search  # type: ignore[union-attr]
    assert_sound(search, preset, search.simulations, whole=False)
    planner.advance(0, START - 1)
    plan = planner.plan(START - 1, Budget(simulations=SIMULATIONS), seed=1)
    assert plan.simulations == SIMULATIONS


@pytest.mark.parametrize("preset", ["uct", "dp_uct", "graph", "open_loop"])
def test_out_of_time_in_flight_the_tree_is_sound(preset: str) -> None:
    config = to_the_end(preset, max_depth=9, in_flight=8)
    planner = MCTS(Walk(), config)
    plan = planner.plan(START, Budget(time_limit=0.1))
    assert plan.stop_reason is StopReason.TIME_LIMIT
    assert_sound(planner._searches.trees._latest.search, preset, plan.simulations, whole=False)  # type: ignore


@pytest.mark.parametrize("name", ["rows", "many outcomes", "chain in the fog"])
@pytest.mark.parametrize("preset", ["uct", "dp_uct", "open_loop"])
def test_out_of_bytes_in_flight_the_tree_is_sound(preset: str, name: str) -> None:
    case = CASES[name]
    config = to_the_end(preset, max_depth=60, in_flight=8)
    planner = MCTS(case.model, config)
    plan = planner.plan(case.root, Budget(simulations=10**5, max_bytes=65_536), seed=1)
    assert isinstance(plan, Plan)
    if plan.stop_reason is StopReason.MAX_BYTES:
        assert plan.bytes <= 65_536
    else:  # all that there is fits
        assert plan.simulations == 10**5
    assert_sound(planner._searches.trees._latest.search, preset, plan.simulations, whole=False)  # type: ignore

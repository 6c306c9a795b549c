"""Plans that are made together: each as it is alone, whoever joins, leaves, fails or waits."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_batches import WHOLE, Walk, WholeWalk
from small_models import Chain

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import (
    Cancelled,
    DeadlineExpired,
    InvalidRequest,
    ModelFault,
    TerminalState,
)
from mcts_service.planning import CancelFlag, ContinuousBatch, KeptTree, Plan, StopReason

BUDGET = Budget(simulations=60)
#: Nothing is decided before the end.
PATIENT = replace(SearchConfig.preset("uct"), early_stop=False)
CONFIGS = {
    "auto": SearchConfig(),
    "uct": SearchConfig.preset("uct"),
    "puct": replace(SearchConfig.preset("puct"), evaluation="rollout"),
    "in flight": SearchConfig(in_flight=4),
    "gumbel": SearchConfig.preset("gumbel"),
    "temperature": SearchConfig(temperature=1.0),
}


class Counting(Walk):
    """How many rows each call has, and what it is to do before it answers."""

    def __init__(self, *arguments: Any, **capabilities: Any) -> None:
        super().__init__(*arguments, **capabilities)
        self.rows: list[int] = []
        self.before: Any = lambda states: None

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        self.rows.append(len(states))
        self.before(states)
        return super().sample_batch(states, actions, rng)


def untimed(plan: Any) -> Plan:
    assert isinstance(plan, Plan), plan
    return replace(plan, search_time=0.0)


def all_of(batch: ContinuousBatch, seconds: float = 60.0) -> dict[Any, Any]:
    """What all plans of the batch come to."""
    found: dict[Any, Any] = {}
    give_up = time.monotonic() + seconds
    while len(batch):
        assert time.monotonic() < give_up
        for key, result in batch.run():
            assert key not in found
            found[key] = result
    return found


def alone(model: Any, place: int, config: SearchConfig, seed: int, **limits: Any) -> Plan:
    budget = limits.pop("budget", BUDGET)
    return untimed(MCTS(model, config).plan(model.state(place), budget, seed=seed, **limits))


def horizon_of(i: int) -> dict[str, int]:
    return {"horizon": 3 + i} if i % 3 == 0 else {}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("form", ["int64", "float64[3]", ">i4[2]"])
@pytest.mark.parametrize("capabilities", [{}, WHOLE, {"values": True, "deterministic": True}])
def test_a_plan_is_the_one_that_is_made_alone(
    config: SearchConfig, form: str, capabilities: dict[str, Any]
) -> None:
    if config.selection == "gumbel" and not capabilities:
        pytest.skip("needs values")
    model = Walk(form, **capabilities)
    planner, batch = MCTS(model, config, keep_trees=False), ContinuousBatch()
    found: dict[int, Any] = {}
    for i in range(9):
        batch.add(i, planner.steps(model.state(1 + i % 11), BUDGET, seed=i, **horizon_of(i)))
        if i % 4 == 3:
            found |= dict(batch.run())
    found |= all_of(batch)
    for i in range(9):
        assert untimed(found[i]) == alone(model, 1 + i % 11, config, i, **horizon_of(i))


def test_calls_of_the_model_answer_for_all() -> None:
    model = Counting()
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    for i in range(32):
        batch.add(i, planner.steps(model.state(), BUDGET, seed=i, horizon=20))
    assert len(all_of(batch)) == 32
    assert np.mean(model.rows) > 24


def test_plans_of_different_horizons_are_asked_for_together() -> None:
    model = Counting()
    planner, batch = MCTS(model, keep_trees=False), ContinuousBatch()
    for i in range(8):
        batch.add(i, planner.steps(model.state(), BUDGET, seed=i, horizon=20 + i))
    all_of(batch)
    assert max(model.rows) == 8


def test_one_leaves_when_it_is_made_and_another_joins() -> None:
    model = Counting()
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    batch.add("long", planner.steps(model.state(), Budget(simulations=3000), seed=1))
    batch.add("short", planner.steps(model.state(), Budget(simulations=10), seed=2))
    found = dict(batch.run())
    assert found.keys() == {"short"}
    batch.add("late", planner.steps(model.state(), Budget(simulations=20), seed=3))
    found |= dict(batch.run())
    assert found.keys() == {"short", "late"}
    found |= all_of(batch)
    config = planner.config
    for key, simulations, seed in (("long", 3000, 1), ("short", 10, 2), ("late", 20, 3)):
        budget = Budget(simulations=simulations)
        assert untimed(found[key]) == alone(Walk(), 5, config, seed, budget=budget)


def test_it_comes_back_when_it_is_woken() -> None:
    model, wake = Walk(), CancelFlag()
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch(wake)
    batch.add(0, planner.steps(model.state(), Budget(simulations=10_000_000), seed=1))
    wake.cancel()
    started = time.perf_counter()
    for _ in range(100):
        assert batch.run() == []
    assert time.perf_counter() - started < 5  # 10 if each went on to the end of its turn


def test_each_is_cancelled_alone() -> None:
    model = Walk()
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    endless, cancels = Budget(simulations=10_000_000), [CancelFlag() for _ in range(3)]
    for i, cancel in enumerate(cancels):
        batch.add(i, planner.steps(model.state(), endless, seed=i, cancel=cancel))
    while not batch.run():
        cancels[1].cancel()
    assert len(batch) == 2
    cancels[0].cancel()
    cancels[2].cancel()
    found = all_of(batch)
    assert [found[i].stop_reason for i in (0, 2)] == [StopReason.CANCELLED] * 2


def test_one_that_is_cancelled_before_its_first_simulation_has_no_plan() -> None:
    model, cancel = Walk(), CancelFlag()
    cancel.cancel()
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    batch.add(0, planner.steps(model.state(), BUDGET, seed=0, cancel=cancel))
    batch.add(1, planner.steps(model.state(), BUDGET, seed=1))
    found = all_of(batch)
    assert isinstance(found[0], Cancelled)
    assert untimed(found[1]) == alone(Walk(), 5, planner.config, 1)


def test_each_ends_in_its_own_time() -> None:
    model = Walk()
    planner, batch = MCTS(model, PATIENT), ContinuousBatch()
    for i, seconds in enumerate((0.4, 0.05, 0.2)):
        batch.add(i, planner.steps(model.state(), Budget(time_limit=seconds), seed=i))
    order = []
    while len(batch):
        order += [key for key, plan in batch.run() if plan.stop_reason == StopReason.TIME_LIMIT]
    assert order == [1, 2, 0]


def test_one_without_time_has_no_plan() -> None:
    model = Counting()
    model.before = lambda states: time.sleep(0.01)
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    batch.add(0, planner.steps(model.state(), Budget(time_limit=1e-4), seed=0))
    batch.add(1, planner.steps(model.state(), Budget(simulations=3), seed=1))
    found = all_of(batch)
    assert isinstance(found[0], DeadlineExpired)
    assert found[1].simulations == 3


def test_what_is_wrong_with_one_is_no_others() -> None:
    model = Walk()
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    batch.add("good", planner.steps(model.state(), BUDGET, seed=1))
    batch.add("ended", planner.steps(model.state(0), BUDGET, seed=1))
    batch.add("no row", planner.steps("here", BUDGET, seed=1))
    with pytest.raises(InvalidRequest):
        planner.steps(model.state(), BUDGET, seed=1, horizon=0)
    found = all_of(batch)
    assert isinstance(found["ended"], TerminalState)
    assert isinstance(found["no row"], InvalidRequest)
    assert untimed(found["good"]) == alone(Walk(), 5, planner.config, 1)


def test_a_model_that_fails_for_a_state_fails_its_plan_alone() -> None:
    model = Counting()

    def refuse(states: np.ndarray) -> None:
        if (states == 11).any():
            raise RuntimeError("nobody goes there")

    model.before = refuse
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    batch.add("far", planner.steps(model.state(10), BUDGET, seed=1))
    batch.add("near", planner.steps(model.state(2), Budget(simulations=5), seed=1, horizon=2))
    found = all_of(batch)
    assert isinstance(found["far"], ModelFault)
    assert "nobody goes there" in str(found["far"])
    assert found["near"].simulations == 5


def test_a_kept_tree_goes_on_in_it() -> None:
    model, config = Walk(deterministic=True), SearchConfig.preset("uct")
    planner, batch = MCTS(model, config, keep_trees=False), ContinuousBatch()
    ours, theirs = KeptTree(), KeptTree()
    other = MCTS(model, config, keep_trees=False)
    for place in (5, 4):
        batch.add("kept", planner.steps(model.state(place), BUDGET, seed=1, tree=ours))
        batch.add("beside", planner.steps(model.state(place), BUDGET, seed=2))
        found = all_of(batch)
        own = other.plan(model.state(place), BUDGET, seed=1, tree=theirs)
        assert untimed(found["kept"]) == untimed(own)
    assert own.reused_simulations > 0


def test_a_tree_that_is_lent_is_not_gone_on_with() -> None:
    model = Walk()
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    tree = KeptTree()
    for i in range(2):
        batch.add(i, planner.steps(model.state(), BUDGET, seed=i, tree=tree))
    found = all_of(batch)
    for i in range(2):
        assert untimed(found[i]) == alone(Walk(), 5, planner.config, i)


def test_searches_that_cannot_be_asked_for_together_take_turns() -> None:
    plain, whole = Walk(), WholeWalk()
    chain = Chain()
    config = SearchConfig.preset("uct")
    planners = [MCTS(plain, config), MCTS(whole, config), MCTS(whole, config, in_rows=True)]
    batch, more = ContinuousBatch(), Budget(simulations=1000)
    for i, planner in enumerate(planners):
        batch.add(i, planner.steps(planner.model.state(), more, seed=1))
    batch.add(3, MCTS(chain, config).steps(0, more, seed=1))
    found = all_of(batch)
    assert untimed(found[0]) == alone(Walk(), 5, config, 1, budget=more)
    assert untimed(found[1]) == alone(WholeWalk(), 5, config, 1, budget=more)
    assert replace(untimed(found[2]), bytes=0) == replace(untimed(found[1]), bytes=0)
    assert untimed(found[3]) == untimed(MCTS(Chain(), config).plan(0, more, seed=1))


def test_a_short_one_does_not_wait_for_the_end_of_one_asked_alone() -> None:
    chain, config = Chain(), PATIENT
    batch, cancel = ContinuousBatch(), CancelFlag()
    endless = Budget(simulations=100_000_000)
    batch.add("endless", MCTS(chain, config).steps(0, endless, seed=1, cancel=cancel))
    batch.add("short", MCTS(chain, config).steps(0, Budget(simulations=100), seed=1))
    found: dict[Any, Any] = {}
    while not found:
        found |= dict(batch.run())
    assert found["short"].simulations == 100
    cancel.cancel()
    assert all_of(batch)["endless"].stop_reason == StopReason.CANCELLED


def test_a_batch_of_states_takes_turns_with_plans() -> None:
    model, config = Walk(), SearchConfig.preset("uct")
    planner, batch = MCTS(model, config, keep_trees=False), ContinuousBatch()
    states, seeds = model.states(5, 0, 7), [1, 2, 3]
    budget = Budget(simulations=2000)
    batch.add("batch", planner.batch_steps(states, budget, seeds=seeds))
    batch.add("plan", planner.steps(model.state(), BUDGET, seed=4))
    found = dict(batch.run())
    while not found:
        found |= dict(batch.run())
    assert found.keys() == {"plan"}
    assert untimed(found["plan"]) == alone(Walk(), 5, config, 4)
    plans = all_of(batch)["batch"]
    own = MCTS(Walk(), config).plan_batch(states, budget, seeds=seeds)
    assert [untimed(plans[i]) for i in (0, 2)] == [untimed(own[i]) for i in (0, 2)]
    assert isinstance(plans[1], TerminalState)


def test_what_is_wrong_with_all_of_a_batch_is_told_at_once() -> None:
    planner = MCTS(Walk(), SearchConfig.preset("uct"))
    with pytest.raises(InvalidRequest):
        planner.batch_steps([], BUDGET)


@pytest.mark.parametrize("model", [Walk(), Chain()])
def test_a_watched_plan_tells_of_the_same_plans_on_its_way(model: Any) -> None:
    config, state = PATIENT, 0 if isinstance(model, Chain) else model.state()
    planner, batch, told = MCTS(model, config, keep_trees=False), ContinuousBatch(), []
    budget = Budget(simulations=300)
    steps = planner.watch_steps(state, budget, seed=1)
    batch.add("watched", steps, lambda plan: told.append(plan))
    for i in range(3):
        batch.add(i, planner.steps(state, BUDGET, seed=i))
    found = all_of(batch)
    *_, own = MCTS(model, config).watch(state, budget, seed=1)
    assert untimed(found["watched"]) == untimed(own)
    counts = [plan.simulations for plan in told]
    assert counts == sorted(set(counts))
    assert counts[0] < 64
    assert len(counts) >= 4
    assert all(plan.stop_reason is StopReason.UNFINISHED for plan in told)


def test_one_that_is_apart_has_calls_of_its_own() -> None:
    model, turns = Counting(), []
    batch = ContinuousBatch(turn=lambda keys: turns.append(tuple(keys)))
    planner = MCTS(model, SearchConfig.preset("uct"))
    for i in range(4):
        batch.add(i, planner.steps(model.state(), BUDGET, seed=i, is_apart=i == 3))
    found = all_of(batch)
    for i in range(4):
        assert untimed(found[i]) == alone(Walk(), 5, planner.config, i)
    assert max(map(len, turns)) == 3
    assert turns[-1] == ()
    assert not any(3 in turn for turn in turns if len(turn) > 1)


def test_the_rounds_tell_what_calls_take() -> None:
    model = Counting()
    model.before = lambda states: time.sleep(0.01)
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    for i in range(3):
        batch.add(i, planner.steps(model.state(), Budget(simulations=5), seed=i))
    batch.run(0.0)
    assert 0.01 <= batch.round_seconds < 10
    assert model.rows == [3]


def test_ctrl_c_is_not_swallowed() -> None:
    model = Counting()

    def interrupt(states: np.ndarray) -> None:
        if (states == 11).any():
            raise KeyboardInterrupt

    model.before = interrupt
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    batch.add("far", planner.steps(model.state(10), BUDGET, seed=1))
    with pytest.raises(KeyboardInterrupt):
        all_of(batch)
    assert len(batch) == 0


def test_a_model_that_gives_up_for_a_row_gives_up_its_plan_alone() -> None:
    model = Counting()

    def give_up(states: np.ndarray) -> None:
        if (states == 11).any():
            raise DeadlineExpired("too slow there")

    model.before = give_up
    planner, batch = MCTS(model, PATIENT), ContinuousBatch()
    batch.add("far", planner.steps(model.state(10), BUDGET, seed=1))
    batch.add("near", planner.steps(model.state(2), BUDGET, seed=1, horizon=2))
    found = all_of(batch)
    assert found["near"].simulations == 60
    far = found["far"]
    assert isinstance(far, DeadlineExpired) or far.stop_reason is StopReason.TIME_LIMIT


def test_others_have_the_interpreter_between_calls() -> None:
    model, ticks = Walk(), 0
    planner, batch = MCTS(model, SearchConfig.preset("uct")), ContinuousBatch()
    for i in range(4):
        batch.add(i, planner.steps(model.state(), Budget(time_limit=1.0), seed=i))
    thread = threading.Thread(target=lambda: all_of(batch))
    thread.start()
    while thread.is_alive():
        time.sleep(0.001)
        ticks += 1
    thread.join()
    assert ticks > 20

"""A search that is decided ends: what is left of its budget could not change its answer."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from searching import plan_numbers, to_the_end
from small_batches import START, Walk
from small_models import Arms, Chain, NoisyRewards, SlipperyGrid, ValuedChain

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.models import TabularModel, make
from mcts_service.planning import Plan, StopReason


class AdvisedChain(ValuedChain):
    """A chain that values places, and holds that going right is often the best."""

    def prior(self, state: int) -> list[float]:
        return [0.3, 0.7]


class Pile:
    """Take one, two or three of a pile; who takes the last one gets 1, the other -1."""

    num_actions = 3
    num_players = 2
    deterministic = True
    return_bounds = (-1.0, 1.0)

    def sample(self, state: Any, action: int, rng: Any) -> tuple[Any, tuple[float, float], bool]:
        left, player = state[0] - action - 1, state[1]
        won = (1.0, -1.0) if player == 0 else (-1.0, 1.0)
        return (left, 1 - player), won if left == 0 else (0.0, 0.0), left == 0

    def legal_actions(self, state: Any) -> list[int]:
        return [action for action in range(3) if action < state[0]]

    def current_player(self, state: Any) -> int:
        return state[1]


TIC_TAC_TOE, CONNECT_FOUR = make("tic_tac_toe"), make("connect_four")
UNPROVEN = SearchConfig.preset("uct", prove=False)
CASES: dict[str, tuple[Any, Any, SearchConfig]] = {
    "tic-tac-toe": (TIC_TAC_TOE, TIC_TAC_TOE.initial_state(), UNPROVEN),
    "tic-tac-toe, a block": (TIC_TAC_TOE, TIC_TAC_TOE.state_from_json("512"), UNPROVEN),
    "connect four": (CONNECT_FOUR, CONNECT_FOUR.initial_state(), UNPROVEN),
    "connect four, a middle game": (CONNECT_FOUR, CONNECT_FOUR.state_from_json("4443"), UNPROVEN),
    "chain": (Chain(), 0, SearchConfig.preset("uct")),
    "grid": (SlipperyGrid(), (2, 2), SearchConfig.preset("uct", max_depth=20)),
    "grid by depth": (
        SlipperyGrid(),
        (2, 2),
        SearchConfig(evaluation="rollout", backup="mean", sharing="depth", max_depth=20),
    ),
    "chain in sequences": (Chain(), 0, SearchConfig.preset("open_loop")),
    "priors": (AdvisedChain(), 0, SearchConfig.preset("puct")),
    "priors with noise": (AdvisedChain(), 0, SearchConfig.preset("puct", root_noise=0.25)),
    "thompson": (Chain(), 0, SearchConfig.preset("uct", selection="thompson")),
    "several in flight": (Chain(), 0, SearchConfig.preset("uct", in_flight=8)),
    "expectations by visits": (
        Chain(),
        0,
        SearchConfig.preset("dp_uct", recommendation="visits", max_depth=20),
    ),
}
MEAN_GRAPH = SearchConfig(evaluation="rollout", backup="mean", sharing="state")


def plan_of(
    model: Any, root: Any, config: SearchConfig, simulations: int, seed: int, **changes: Any
) -> Plan:
    planner = MCTS(model, dataclasses.replace(config, **changes))
    return planner.plan(root, Budget(simulations=simulations), seed=seed)


def lead(plan: Plan) -> int:
    """By how many visits the root's first action is ahead of the second."""
    first, second, *_ = sorted((row.visits for row in plan.actions), reverse=True)
    return first - second


# ---- what is decided is right


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("simulations", [8, 60, 400])
def test_a_decided_search_has_the_answer_of_the_whole_one(name: str, simulations: int) -> None:
    reasons = set()
    for seed in range(12):
        early = plan_of(*CASES[name], simulations, seed)
        whole = plan_of(*CASES[name], simulations, seed, early_stop=False)
        assert early.action == whole.action
        assert early.simulations <= whole.simulations == simulations
        assert early.deterministic
        assert early.stop_reason in (StopReason.DECIDED, StopReason.SIMULATIONS)
        if early.stop_reason is StopReason.SIMULATIONS:
            assert plan_numbers(early) == plan_numbers(whole)
        reasons.add(early.stop_reason)
    assert StopReason.DECIDED in reasons or simulations == 8


@pytest.mark.parametrize("name", [name for name in CASES if name != "several in flight"])
def test_a_decided_search_is_the_beginning_of_the_whole_one(name: str) -> None:
    for seed in range(6):
        early = plan_of(*CASES[name], 200, seed)
        begun = plan_of(*CASES[name], early.simulations, seed, early_stop=False)
        assert plan_numbers(
            dataclasses.replace(early, stop_reason=begun.stop_reason)
        ) == plan_numbers(begun)


@pytest.mark.parametrize("name", [name for name in CASES if name != "several in flight"])
@pytest.mark.parametrize("seed", range(3))
def test_it_ends_with_the_first_simulation_that_decides_it(name: str, seed: int) -> None:
    budget = 50
    early = plan_of(*CASES[name], budget, seed)
    leads = [
        lead(plan_of(*CASES[name], done, seed, early_stop=False))
        for done in range(1, early.simulations + 1)
    ]
    decided = [done_lead > budget - done for done, done_lead in enumerate(leads, 1)]
    assert not any(decided[:-1])
    if early.stop_reason is StopReason.DECIDED:
        assert early.simulations < budget
        assert decided[-1]
    else:
        assert early.simulations == budget


@pytest.mark.parametrize("in_flight", [1, 6])
def test_each_row_of_a_batch_is_decided_as_it_is_alone(in_flight: int) -> None:
    planner = MCTS(Walk(), SearchConfig.preset("uct", max_depth=9, in_flight=in_flight))
    states, seeds, budget = [START, 2, 10, START], range(4), Budget(simulations=200)
    plans = planner.plan_batch(states, budget, seeds=seeds)
    for state, seed, plan in zip(states, seeds, plans, strict=True):
        assert isinstance(plan, Plan)
        assert plan_numbers(plan) == plan_numbers(planner.plan(state, budget, seed=seed))
    assert StopReason.DECIDED in [plan.stop_reason for plan in plans if isinstance(plan, Plan)]


@pytest.mark.parametrize(
    "config",
    [MEAN_GRAPH, SearchConfig.preset("graph", recommendation="visits")],
    ids=["means", "expectations"],
)
@pytest.mark.parametrize("model", [Chain(), NoisyRewards()], ids=["chain", "noisy rewards"])
def test_a_root_that_is_passed_many_times_is_decided_rightly(
    model: Any, config: SearchConfig
) -> None:
    for seed in range(40):
        early = plan_of(model, 0, config, 20, seed, max_depth=50)
        whole = plan_of(model, 0, config, 20, seed, max_depth=50, early_stop=False)
        assert early.action == whole.action


def test_the_first_look_at_a_graph_does_not_pass_for_its_budget() -> None:
    config = SearchConfig(recommendation="visits")
    plan = plan_of(SlipperyGrid(), (0, 0), config, 2000, 0)
    assert lead(plan) > 2000 - plan.simulations


# ---- where there is nothing to decide, and where nobody asks


@pytest.mark.parametrize("name", CASES)
def test_on_request_every_simulation_is_run(name: str) -> None:
    plan = plan_of(*CASES[name], 300, 1, early_stop=False)
    assert (plan.simulations, plan.stop_reason) == (300, StopReason.SIMULATIONS)


@pytest.mark.parametrize(
    "config",
    [
        SearchConfig.preset("uct", temperature=1.0),
        SearchConfig.preset("uct", temperature=1e-3),
        SearchConfig.preset("uct", recommendation="value"),
        SearchConfig.preset("uct", recommendation="lower_bound"),
        SearchConfig.preset("puct", recommendation="value"),
        SearchConfig.preset("gumbel"),
        SearchConfig.preset("gumbel", considered_actions=1),
        SearchConfig.preset("dp_uct"),
        SearchConfig.preset("graph"),
        SearchConfig.preset("max_uct"),
        SearchConfig.preset("ments"),
    ],
    ids=lambda config: f"{config.recipe} {config.recommendation} {config.temperature}",
)
def test_what_is_not_recommended_by_visits_is_never_decided(config: SearchConfig) -> None:
    for seed in range(4):
        plan = plan_of(AdvisedChain(), 0, config, 300, seed)
        assert (plan.simulations, plan.stop_reason) == (300, StopReason.SIMULATIONS)


@pytest.mark.parametrize("in_flight", [1, 8])
@pytest.mark.parametrize("budget", [Budget(simulations=1000), Budget(time_limit=1000.0)])
def test_a_single_action_is_decided_by_the_first_simulation(budget: Budget, in_flight: int) -> None:
    planner = MCTS(Chain(), SearchConfig.preset("uct", in_flight=in_flight))
    plan = planner.plan(0, budget, allowed_actions=[0])
    assert (plan.action, plan.stop_reason) == (0, StopReason.DECIDED)
    assert plan.simulations <= in_flight


def test_a_single_action_does_not_take_all_the_time() -> None:
    plan = MCTS(Chain(), SearchConfig.preset("uct")).plan(
        0, Budget(time_limit=1000.0), allowed_actions=[0]
    )
    assert (plan.action, plan.stop_reason) == (0, StopReason.DECIDED)


# ---- by the clock, and with an earlier plan's tree


def test_one_good_action_is_decided_before_the_time_is_up() -> None:
    arms = Arms(lambda rng: 0.0, lambda rng: 1.0, lambda rng: 0.0)
    planner = MCTS(arms, SearchConfig.preset("uct"))
    timed = planner.plan(0, Budget(time_limit=1.0))
    assert (timed.action, timed.stop_reason) == (1, StopReason.DECIDED)
    assert not timed.deterministic
    counted = planner.plan(0, Budget(simulations=1000))
    assert (counted.action, counted.stop_reason) == (1, StopReason.DECIDED)
    assert counted.deterministic


def test_on_request_all_the_time_is_taken() -> None:
    arms = Arms(lambda rng: 0.0, lambda rng: 1.0, lambda rng: 0.0)
    plan = MCTS(arms, to_the_end("uct")).plan(0, Budget(time_limit=0.05))
    assert plan.stop_reason is StopReason.TIME_LIMIT
    assert plan.search_time >= 0.05


def test_a_tree_that_goes_on_may_be_decided_before_it_does() -> None:
    planner = MCTS(Chain(), SearchConfig.preset("uct"), seed=1)
    assert planner.plan(2, Budget(simulations=2000)).action == 1
    assert planner.advance(1, 3)
    plan = planner.plan(3, Budget(simulations=10))
    assert (plan.action, plan.simulations, plan.stop_reason) == (1, 0, StopReason.DECIDED)
    assert plan.reused_simulations > 10
    assert lead(plan) > 10
    assert not plan.deterministic


# ---- a graph that is closed


def action_values(table: TabularModel, state: int, discount: float) -> list[float]:
    """Of each action there, by value iteration in place over the whole table.

    Source: Sutton and Barto (2018), section 4.4.
    """
    values = np.zeros(table.num_states)

    def value(state: int, action: int) -> float:
        return sum(
            probability * (reward + (0.0 if terminated else discount * values[following]))
            for probability, following, reward, terminated in table.transitions(state, action)
        )

    change = 1.0
    while change > 1e-12:
        change = 0.0
        for state_now in range(table.num_states):
            best = max(value(state_now, action) for action in range(table.num_actions))
            change = max(change, abs(best - values[state_now]))
            values[state_now] = best
    return [value(state, action) for action in range(table.num_actions)]


@pytest.mark.parametrize("discount", [None, 0.9, 0.999])
@pytest.mark.parametrize("preset", ["auto", "graph"])
def test_a_closed_graph_is_solved_and_stays_so(preset: str, discount: float | None) -> None:
    lake, budget = make("frozen_lake_4x4"), Budget(simulations=100_000)
    assert isinstance(lake, TabularModel)
    planner = MCTS(lake, SearchConfig.preset(preset, discount=discount))
    plan = planner.plan(0, budget, seed=1)
    assert plan.stop_reason is StopReason.SOLVED
    assert plan.simulations < 5_000
    assert plan.deterministic
    assert plan.discount == (discount or lake.discount)
    expected = action_values(lake, 0, plan.discount)
    assert [row.value for row in plan.actions] == pytest.approx(expected, abs=1e-6)
    assert plan.value == pytest.approx(max(expected), abs=1e-6)
    for row in plan.actions:
        assert row.proven
        assert row.lower == row.value == row.upper

    following = next(
        state for _, state, _, terminated in lake.transitions(0, plan.action)
        if state != 0 and not terminated
    )  # fmt: skip
    assert planner.advance(plan.action, following)
    after = planner.plan(following, budget)
    assert (after.simulations, after.stop_reason) == (0, StopReason.SOLVED)
    assert after.reused_simulations > 0
    assert all(row.proven for row in after.actions)
    expected = action_values(lake, following, plan.discount)
    assert [row.value for row in after.actions] == pytest.approx(expected, abs=1e-6)


class Yard:
    """A ring of five places without chance; at place 3 it ends, and pays."""

    num_actions = 2
    deterministic = True
    discount = 0.9

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        following = (state + (1 if action else -1)) % 5
        return following, float(following == 3), following == 3


def test_a_closed_graph_without_chance_is_solved() -> None:
    plan = MCTS(Yard()).plan(0, Budget(simulations=100_000), seed=1)
    assert plan.stop_reason is StopReason.SOLVED
    assert plan.simulations < 5_000
    # Two steps to the left, or three to the right.
    assert [row.value for row in plan.actions] == pytest.approx([0.9, 0.9**2], abs=1e-6)
    assert all(row.proven for row in plan.actions)


def test_a_graph_whose_outcomes_are_sampled_is_never_closed() -> None:
    plan = MCTS(SlipperyGrid(), SearchConfig.preset("graph")).plan(
        (3, 3), Budget(simulations=3000), seed=1
    )
    assert (plan.simulations, plan.stop_reason) == (3000, StopReason.SIMULATIONS)
    assert not any(row.proven for row in plan.actions)

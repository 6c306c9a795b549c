"""What a planner answers: seeds, statistics, the line of play, and how ties are broken."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from searching import run_search
from small_games import RaceOfThree, TicTacToe
from small_models import Arms, Chain, NoisyRewards, SlipperyGrid, ValuedChain

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.models import TabularModel, make
from mcts_service.planning.plan import Plan, StopReason

SMALL = Budget(simulations=200)


def numbers(plan: Plan) -> dict[str, Any]:
    """Everything about a plan that a seed fixes, as text, so that NaN equals NaN."""
    fields = dataclasses.asdict(plan)
    del fields["search_time"]
    return {name: repr(value) for name, value in fields.items()}


# ---- seeds --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1, np.int64(5), np.uint64(2**64 - 1)])
def test_same_seed_gives_the_same_plan(seed: Any) -> None:
    planner = MCTS(SlipperyGrid())
    first = planner.plan((0, 0), SMALL, seed=seed)
    planner.plan((1, 1), SMALL, seed=3)
    again = planner.plan((0, 0), SMALL, seed=seed)
    elsewhere = MCTS(SlipperyGrid(), seed=99).plan((0, 0), SMALL, seed=seed)
    assert numbers(first) == numbers(again) == numbers(elsewhere)
    assert first.seed == seed
    assert first.deterministic


def test_different_seeds_give_different_plans() -> None:
    planner = MCTS(NoisyRewards())
    assert len({planner.plan(0, SMALL, seed=seed).value for seed in range(20)}) == 20


def test_planner_s_seed_is_the_seed_of_its_first_plan() -> None:
    first = MCTS(NoisyRewards(), seed=7).plan(0, SMALL)
    assert first.seed == 7
    assert numbers(first) == numbers(MCTS(NoisyRewards()).plan(0, SMALL, seed=7))


def test_later_plans_differ_and_repeat_in_a_new_planner() -> None:
    one, other = (MCTS(NoisyRewards(), seed=7) for _ in range(2))
    plans = [one.plan(0, SMALL) for _ in range(5)]
    assert len({plan.seed for plan in plans}) == len({plan.value for plan in plans}) == 5
    assert [numbers(other.plan(0, SMALL)) for _ in range(5)] == [numbers(plan) for plan in plans]


def test_plans_with_a_seed_of_their_own_do_not_move_the_planner_s() -> None:
    one, other = (MCTS(NoisyRewards(), seed=7) for _ in range(2))
    other.plan(0, SMALL, seed=1)
    assert one.plan(0, SMALL).seed == other.plan(0, SMALL).seed == 7
    other.plan(0, SMALL, seed=1)
    assert one.plan(0, SMALL).seed == other.plan(0, SMALL).seed


def test_only_a_plan_stopped_by_its_count_is_deterministic() -> None:
    planner = MCTS(Chain())
    assert planner.plan(0, Budget(simulations=10, time_limit=1000.0)).deterministic
    assert not planner.plan(0, Budget(time_limit=0.005)).deterministic


# ---- statistics ---------------------------------------------------------------------


class Ledger:
    """Three noisy steps from state 0 on; writes down each simulation's return."""

    num_actions = 2
    discount = 0.5

    def __init__(self) -> None:
        self.returns: list[tuple[int, float]] = []

    def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        reward = rng.random() + action
        first, total = self.returns.pop() if state > 0 else (action, 0.0)
        self.returns.append((first, total + reward * self.discount**state))
        return state + 1, reward, state == 2


def test_values_and_standard_errors_are_those_of_the_returns() -> None:
    model = Ledger()
    plan = MCTS(model).plan(0, Budget(simulations=500))
    assert len(model.returns) == 500
    for statistics in plan.actions:
        returns = np.array([g for first, g in model.returns if first == statistics.action])
        assert statistics.visits == len(returns) > 1
        assert statistics.value == pytest.approx(returns.mean(), rel=1e-12)
        error = returns.std(ddof=1) / np.sqrt(len(returns))
        assert statistics.standard_error == pytest.approx(error, rel=1e-9)
    everything = [g for _, g in model.returns]
    assert plan.player_values == [pytest.approx(np.mean(everything), rel=1e-12)]


def test_action_seen_once_has_a_value_and_no_standard_error() -> None:
    plan = MCTS(Arms(*[lambda rng: 1.0] * 3)).plan(0, Budget(simulations=1))
    [tried] = [row for row in plan.actions if row.visits == 1]
    assert (tried.action, tried.value) == (plan.action, 1.0)
    assert np.isnan(tried.standard_error)
    untried = [row for row in plan.actions if row.visits == 0]
    assert len(untried) == 2
    assert all(np.isnan(row.value) and np.isnan(row.standard_error) for row in untried)


def test_value_is_that_of_the_action() -> None:
    plan = MCTS(SlipperyGrid()).plan((0, 0), SMALL)
    [chosen] = [row for row in plan.actions if row.action == plan.action]
    assert plan.value == chosen.value
    assert [row.action for row in plan.actions] == [0, 1, 2, 3]
    assert sum(row.visits for row in plan.actions) == plan.simulations == 200


def test_players_each_have_a_mean_return() -> None:
    plan = MCTS(RaceOfThree()).plan(RaceOfThree.start, SMALL)
    assert len(plan.player_values) == 3
    two = MCTS(TicTacToe()).plan(TicTacToe.start, SMALL)
    assert two.player_values[0] == -two.player_values[1]


def test_values_in_a_game_are_those_of_the_player_to_move() -> None:
    # The second player has a win at cell 2 (and would else lose at cell 8).
    plan = MCTS(make("tic_tac_toe")).plan(make("tic_tac_toe").state_from_json("51829"), SMALL)
    assert plan.action == 2
    assert plan.value == 1.0
    assert plan.player_values[1] > 0.5


def test_sizes_tell_what_the_tree_holds() -> None:
    one = MCTS(Chain()).plan(0, Budget(simulations=1))
    assert (one.nodes, one.depth, one.simulations) == (2, 1, 1)
    many = MCTS(Chain()).plan(0, Budget(simulations=2000))
    assert many.nodes <= 2001
    assert 1 < many.depth
    assert many.bytes > one.bytes > 0
    assert many.recipe == "uct"
    assert many.stop_reason is StopReason.SIMULATIONS == "simulations"
    assert many.search_time > 0


# ---- the line of play ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "root"),
    [
        (Chain(), 0),
        (SlipperyGrid(), (0, 0)),
        (NoisyRewards(), 0),
        (TicTacToe(), TicTacToe.start),
        (RaceOfThree(), RaceOfThree.start),
    ],
)
def test_principal_variation_follows_the_most_visited_line_of_the_tree(
    model: Any, root: Any
) -> None:
    plan = MCTS(model).plan(root, Budget(simulations=1000), seed=1)
    node = run_search(model, root, 1000, seed=1, max_depth=200).tree()
    assert plan.principal_variation[0].action == plan.action
    assert plan.principal_variation[0].value == plan.value
    for step in plan.principal_variation:
        edge = max(node["edges"], key=lambda e: (e["visits"], e["value"]))
        assert (step.action, step.visits, step.value) == (
            edge["action"],
            edge["visits"],
            edge["value"],
        )
        most = max(visits for visits, _ in edge["outcomes"])
        [node, *_] = [child for visits, child in edge["outcomes"] if visits == most]
    assert not any(edge["visits"] for edge in node["edges"])


def test_principal_variation_of_a_solved_game_ends_with_the_win() -> None:
    model = make("tic_tac_toe")
    plan = MCTS(model).plan(model.state_from_json("1425"), Budget(simulations=1000))
    assert [step.action for step in plan.principal_variation] == [2]


# ---- ties ---------------------------------------------------------------------------


def test_most_visits_win_then_the_highest_value_then_the_first() -> None:
    arms = Arms(lambda rng: 0.0, lambda rng: 1.0, lambda rng: 1.0)
    # Three simulations try each arm once.
    plan = MCTS(arms).plan(0, Budget(simulations=3))
    assert [row.visits for row in plan.actions] == [1, 1, 1]
    assert plan.action == 1
    equal = MCTS(Arms(*[lambda rng: 1.0] * 4)).plan(0, Budget(simulations=400))
    assert equal.action == 0


def test_every_action_is_tried_first_about_equally_often() -> None:
    planner = MCTS(Arms(*[lambda rng: 1.0] * 4))
    first = [planner.plan(0, Budget(simulations=1), seed=seed).action for seed in range(4000)]
    # Each count is within 5 standard deviations (27.4) of 1000; one seed in 400,000 is not.
    assert all(abs(count - 1000) < 137 for count in np.bincount(first, minlength=4))


# ---- scale --------------------------------------------------------------------------


def scaled(plan: Plan, factor: float) -> dict[str, Any]:
    """The plan with all its values times a power of two, which is exact."""
    fields = numbers(
        dataclasses.replace(
            plan,
            value=plan.value * factor,
            player_values=[value * factor for value in plan.player_values],
            actions=[
                dataclasses.replace(
                    row, value=row.value * factor, standard_error=row.standard_error * factor
                )
                for row in plan.actions
            ],
            principal_variation=[
                dataclasses.replace(step, value=step.value * factor)
                for step in plan.principal_variation
            ],
        )
    )
    return fields


@pytest.mark.parametrize("factor", [1024.0, 2.0**-40, 2.0**80])
@pytest.mark.parametrize("seed", range(3))
def test_unit_of_the_rewards_does_not_matter(seed: int, factor: float) -> None:
    class InOtherUnits(NoisyRewards):
        def sample(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
            following, reward, terminated = super().sample(state, action, rng)
            return following, reward * factor, terminated

    budget = Budget(simulations=2000)
    plain = MCTS(NoisyRewards()).plan(0, budget, seed=seed)
    other = MCTS(InOtherUnits()).plan(0, budget, seed=seed)
    assert numbers(other) == scaled(plain, factor)


def test_unit_of_a_table_s_rewards_does_not_matter() -> None:
    def table(factor: float) -> TabularModel:
        return TabularModel.from_transitions(
            [
                [[(0.5, 1, 0.3 * factor, False), (0.5, 0, 0.1 * factor, False)]] * 2,
                [[(1.0, 0, -0.7 * factor, False)], [(1.0, 1, 0.2 * factor, True)]],
            ],
            discount=0.9,
        )

    plain = MCTS(table(1.0)).plan(0, Budget(simulations=2000), seed=1)
    other = MCTS(table(1024.0)).plan(0, Budget(simulations=2000), seed=1)
    assert numbers(other) == scaled(plain, 1024.0)


# ---- evaluation ---------------------------------------------------------------------


def test_auto_values_leaves_where_the_model_can() -> None:
    auto = MCTS(ValuedChain()).plan(0, SMALL, seed=1)
    value = MCTS(ValuedChain(), SearchConfig(evaluation="value")).plan(0, SMALL, seed=1)
    rollout = MCTS(ValuedChain(), SearchConfig(evaluation="rollout")).plan(0, SMALL, seed=1)
    assert numbers(auto) == numbers(value) != numbers(rollout)
    assert numbers(MCTS(Chain()).plan(0, SMALL, seed=1)) == numbers(
        MCTS(Chain(), SearchConfig(evaluation="rollout")).plan(0, SMALL, seed=1)
    )


# ---- a planner is a policy ------------------------------------------------------------


def test_action_is_that_of_a_plan_with_the_default_budget() -> None:
    class Brief(Chain):
        default_simulations = 20

    assert MCTS(Brief(), seed=3).action(0) == MCTS(Brief()).plan(0, seed=3).action
    assert MCTS(Brief()).plan(0).simulations == 20
    assert MCTS(Chain()).plan(0).simulations == 1000


def test_action_draws_its_seed_from_the_generator() -> None:
    class Brief(NoisyRewards):
        default_simulations = 2

    planner = MCTS(Brief())
    draws = [
        [planner.action(0, rng) for _ in range(20)]
        for rng in (np.random.default_rng(1), np.random.default_rng(1))
    ]
    assert draws[0] == draws[1]
    assert set(draws[0]) > {draws[0][0]}

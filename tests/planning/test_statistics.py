"""What a plan says of each action, each player, and the tree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from searching import to_the_end
from small_games import RaceOfThree, TicTacToe
from small_models import Arms, Chain, SlipperyGrid

from mcts_service import MCTS, Budget
from mcts_service.models import make
from mcts_service.planning import StopReason

SMALL = Budget(simulations=200)


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
    plan = MCTS(model, to_the_end("uct")).plan(0, Budget(simulations=500))
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
    plan = MCTS(Arms(*[lambda rng: 1.0] * 3), to_the_end("uct")).plan(0, Budget(simulations=1))
    [tried] = [row for row in plan.actions if row.visits == 1]
    assert (tried.action, tried.value) == (plan.action, 1.0)
    assert np.isnan(tried.standard_error)
    untried = [row for row in plan.actions if row.visits == 0]
    assert len(untried) == 2
    assert all(np.isnan(row.value) and np.isnan(row.standard_error) for row in untried)


def test_value_is_that_of_the_action() -> None:
    plan = MCTS(SlipperyGrid(), to_the_end("uct")).plan((0, 0), SMALL)
    [chosen] = [row for row in plan.actions if row.action == plan.action]
    assert plan.value == chosen.value
    assert [row.action for row in plan.actions] == [0, 1, 2, 3]
    assert sum(row.visits for row in plan.actions) == plan.simulations == 200


def test_players_each_have_a_mean_return() -> None:
    plan = MCTS(RaceOfThree(), to_the_end("uct")).plan(RaceOfThree.start, SMALL)
    assert len(plan.player_values) == 3
    two = MCTS(TicTacToe(), to_the_end("uct")).plan(TicTacToe.start, SMALL)
    assert two.player_values[0] == -two.player_values[1]


def test_values_in_a_game_are_those_of_the_player_to_move() -> None:
    # The second player has a win at cell 2 (and would else lose at cell 8).
    plan = MCTS(make("tic_tac_toe"), to_the_end("uct")).plan(
        make("tic_tac_toe").state_from_json("51829"), SMALL
    )
    assert plan.action == 2
    assert plan.value == 1.0
    assert plan.player_values[1] > 0.5


def test_sizes_tell_what_the_tree_holds() -> None:
    one = MCTS(Chain(), to_the_end("uct")).plan(0, Budget(simulations=1))
    assert (one.nodes, one.depth, one.simulations) == (2, 1, 1)
    many = MCTS(Chain(), to_the_end("uct")).plan(0, Budget(simulations=2000))
    assert many.nodes <= 2001
    assert many.depth > 1
    assert many.bytes > one.bytes > 0
    assert many.recipe == "uct"
    assert many.stop_reason is StopReason.SIMULATIONS == "simulations"
    assert many.search_time > 0


def test_most_visits_win_then_the_highest_value_then_the_first() -> None:
    arms = Arms(lambda rng: 0.0, lambda rng: 1.0, lambda rng: 1.0)
    # Three simulations try each arm once.
    plan = MCTS(arms, to_the_end("uct")).plan(0, Budget(simulations=3))
    assert [row.visits for row in plan.actions] == [1, 1, 1]
    assert plan.action == 1
    equal = MCTS(Arms(*[lambda rng: 1.0] * 4), to_the_end("uct")).plan(0, Budget(simulations=400))
    assert equal.action == 0


def test_every_action_is_tried_first_about_equally_often() -> None:
    planner = MCTS(Arms(*[lambda rng: 1.0] * 4), to_the_end("uct"))
    first = [planner.plan(0, Budget(simulations=1), seed=seed).action for seed in range(4000)]
    # Each count is within 5 standard deviations (27.4) of 1000; one seed in 400,000 is not.
    assert all(abs(count - 1000) < 137 for count in np.bincount(first, minlength=4))

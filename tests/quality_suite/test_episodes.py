"""Losses add up to what a policy's return falls short of; every planner meets the same luck."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.quality.episodes import episodes_of_block, play_block
from benchmarks.quality.exact import expected_return, policy_values
from benchmarks.quality.finite import FiniteProblem
from benchmarks.quality.mdp_problems import mdp_problem
from benchmarks.quality.planners import DEFAULT, RecipePlanner, recipes
from benchmarks.quality.problem import Problem
from benchmarks.quality.problems import problem_of
from benchmarks.quality.scores import score_of
from mcts_service import SearchConfig
from mcts_service.models import make

HORIZON = 12


@pytest.fixture(scope="module")
def lake(finite: Callable[[str], FiniteProblem]) -> Problem:
    return mdp_problem("lake", make("frozen_lake_4x4"), finite("frozen_lake_4x4"), HORIZON)


class Fixed:
    """A planner that decides by a table, and keeps what it was asked."""

    def __init__(self, decide: Callable[[Any, int], int]) -> None:
        self.asked: list[tuple[Any, int]] = []
        self._decide = decide

    def decide(self, state: Any, left: int, simulations: int, seed: int) -> tuple[int, float]:
        self.asked.append((state, left))
        return self._decide(state, left), 0.5


def test_best_decisions_lose_nothing(lake: Problem) -> None:
    def best(state: int, left: int) -> int:
        return min(range(4), key=lambda action: lake.loss(state, action, left))

    block = play_block(lake, Fixed(best), 10, 0)
    assert block.losses == pytest.approx([0.0] * 8, abs=1e-12)


def test_losses_have_the_mean_of_what_the_return_falls_short(
    lake: Problem, finite: Callable[[str], FiniteProblem]
) -> None:
    """A policy that goes down whatever comes, against its exact value.

    Five standard errors over 1,600 episodes: a false alarm in two million runs.
    """
    down = np.zeros((16, 4))
    down[:, 1] = 1.0
    rows = finite("frozen_lake_4x4")
    exact = expected_return(rows, policy_values(rows, down, HORIZON))
    blocks = [play_block(lake, Fixed(lambda _state, _left: 1), 10, b) for b in range(200)]
    score = score_of(lake, blocks)
    span = lake.best - lake.random
    assert abs(score.mean_return - exact) < 5 * score.standard_error * span
    assert score.score == pytest.approx((score.mean_return - lake.random) / span)
    assert score.standard_error * span < 0.02
    assert score.episodes == 1_600


def test_random_play_scores_nothing_and_best_play_one(lake: Problem) -> None:
    played = play_block(lake, Fixed(lambda state, left: 0), 10, 0)
    as_random = type(played)([lake.best - lake.random] * 4, 4, 1.0, 1.0)
    assert score_of(lake, [as_random]).score == pytest.approx(0.0)
    assert score_of(lake, [type(played)([0.0] * 4, 4, 1.0, 1.0)]).score == 1.0


def test_a_planner_is_told_the_steps_that_are_left(lake: Problem) -> None:
    planner = Fixed(lambda state, left: 0)
    block = play_block(lake, planner, 100_000, 0)
    assert [left for _, left in planner.asked] == list(
        range(HORIZON, HORIZON - block.decisions, -1)
    )
    assert block.seconds == 0.5 * block.decisions
    assert len(block.losses) == 1


def test_a_problem_of_one_step_is_one_decision() -> None:
    """As a game is judged: one position, one move."""
    model = make("tic_tac_toe")
    game = Problem(
        name="game",
        model=model,
        steps=1,
        best=1.0,
        random=0.5,
        start=lambda episode, luck: model.initial_state(),
        loss=lambda state, action, left: float(action != 4),
        tells_steps_left=False,
    )
    block = play_block(game, RecipePlanner(game, SearchConfig()), 1_000, 0)
    assert block.decisions == len(block.losses) == 2
    assert set(block.losses) <= {0.0, 1.0}


def test_without_losses_an_episode_is_judged_by_its_return() -> None:
    """The pole falls after nine or ten steps to one side, of which each is rewarded with 1."""
    pole = problem_of("cart_pole")
    block = play_block(pole, Fixed(lambda state, left: 1), 10, 0)
    returns = [500 - loss for loss in block.losses]
    assert set(returns) <= {8, 9, 10, 11}
    assert sum(returns) == block.decisions
    assert score_of(pole, [block]).mean_return == block.decisions / 8


@pytest.mark.parametrize(
    ("simulations", "most", "count"),
    [
        *[(1, 8, 8), (250, 8, 8), (251, 8, 7), (1_000, 8, 2), (2_000, 8, 1), (10**6, 8, 1)],
        *[(250, 80, 80), (10_000, 80, 2), (100_000, 80, 1)],
    ],
)
def test_blocks_are_short_where_decisions_take_long(
    simulations: int, most: int, count: int
) -> None:
    assert episodes_of_block(simulations, most) == count


def test_a_block_is_the_same_whenever_it_is_played(lake: Problem) -> None:
    first, again = (
        play_block(lake, RecipePlanner(lake, SearchConfig.preset("graph")), 20, 3) for _ in range(2)
    )
    assert (first.losses, first.decisions) == (again.losses, again.decisions)
    other = play_block(lake, RecipePlanner(lake, SearchConfig.preset("graph")), 20, 4)
    assert first.losses != other.losses


def test_every_preset_is_a_recipe_and_the_default_comes_first() -> None:
    names = list(recipes())
    assert names[0] == DEFAULT
    assert sorted(names) == SearchConfig.presets()
    assert recipes()[DEFAULT] == SearchConfig()
    assert recipes()["uct"] == SearchConfig.preset("uct")


def test_more_simulations_of_the_graph_lose_less(lake: Problem) -> None:
    planner = RecipePlanner(lake, SearchConfig.preset("graph"))
    few, many = (
        score_of(lake, [play_block(lake, planner, simulations, b) for b in range(6)])
        for simulations in (3, 200)
    )
    assert many.score > few.score + 0.2

"""Games: positions that are a choice, and the share whose value plans keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.quality.episodes import play_block
from benchmarks.quality.game_problems import GAMES, JudgedPosition
from benchmarks.quality.planners import RecipePlanner
from benchmarks.quality.problems import problem_of
from benchmarks.quality.scores import score_of
from mcts_service import SearchConfig
from mcts_service.models import make


def test_the_value_is_kept_by_the_best_moves_alone() -> None:
    assert JudgedPosition(np.zeros(1), {2: -1, 3: 0, 5: 0}).kept == {3, 5}


NUM_POSITIONS = {"tic_tac_toe": 400, "connect_four": 320, "connect_four_opening": 80}


@pytest.mark.parametrize("name", GAMES)
def test_positions_are_a_choice_without_a_win_at_once(name: str) -> None:
    game: Any = make(GAMES[name].model)
    rng = np.random.default_rng(0)
    positions = GAMES[name].positions()
    assert len({position.board.tobytes() for position in positions}) == NUM_POSITIONS[name]
    for position in positions:
        assert sorted(position.values) == game.legal_actions(position.board)
        assert 0 < len(position.kept) < len(position.values)
        rewards = [game.sample(position.board, action, rng)[1] for action in position.values]
        assert max(max(reward) for reward in rewards) < 1


@pytest.mark.parametrize("name", GAMES)
def test_every_position_is_an_episode(name: str) -> None:
    problem = problem_of(name)
    rng = np.random.default_rng(0)
    starts = [problem.start(episode, rng).tobytes() for episode in range(2 * NUM_POSITIONS[name])]
    assert set(starts) == {position.board.tobytes() for position in GAMES[name].positions()}
    assert starts[: NUM_POSITIONS[name]] == starts[NUM_POSITIONS[name] :]


def test_leaving_a_threat_open_costs_one_and_closing_it_nothing() -> None:
    """Two of the other side's marks in a row with the last cell free: any other move loses."""
    problem, checked = problem_of("tic_tac_toe"), 0
    for position in GAMES["tic_tac_toe"].positions():
        rows = [*position.board, *position.board.T]
        cells = np.arange(9).reshape(3, 3)
        places = [*cells, *cells.T]
        threat = 2 if position.board.sum() else -2  # the first player has one mark more, or none
        for row, place in zip(rows, places, strict=True):
            if row.sum() == threat:
                closing = int(place[row == 0][0])
                losses = {a: problem.loss(position.board, a, 1) for a in position.values}
                assert losses.pop(closing) == 0.0
                assert set(losses.values()) == {1.0}
                checked += 1
    assert checked > 100


def test_random_play_keeps_the_share_that_is_said() -> None:
    """Over 4,000 random moves; five standard errors: a false alarm in two million runs."""

    class Random:
        def decide(self, state: Any, left: int, simulations: int, seed: int) -> tuple[Any, float]:
            legal = problem.model.legal_actions(state)
            return int(np.random.default_rng(seed).choice(legal)), 1.0

    problem = problem_of("connect_four")
    score = score_of(problem, [play_block(problem, Random(), 10, block) for block in range(50)])
    assert score.episodes == 4_000
    assert abs(score.score) < 5 * score.standard_error


def test_connect_four_plans_keep_most_values() -> None:
    """At 2,000 simulations, on 80 positions; seeds are fixed, so a run repeats."""
    problem = problem_of("connect_four")
    planner = RecipePlanner(problem, SearchConfig())
    score = score_of(problem, [play_block(problem, planner, 2_000, block) for block in range(8)])
    assert score.mean_return >= 0.8, score

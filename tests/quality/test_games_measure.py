"""How the share of positions whose value is kept is measured."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality.games import GAMES, Kept, measure
from mcts_service import SearchConfig
from mcts_service.models import TicTacToe


def test_standard_error_is_that_of_a_share() -> None:
    found = Kept(3, 4)
    assert found.share == 0.75
    assert found.standard_error == pytest.approx(np.sqrt(0.75 * 0.25 / 4))


def test_tic_tac_toe_is_measured_on_all_positions() -> None:
    positions = GAMES["tic_tac_toe"].positions()
    assert len(positions) == 4_520
    empty = next(p for p in positions if not p.board.any())
    assert empty.values == dict.fromkeys(range(9), 0)


def test_more_simulations_keep_more_values_and_a_seed_repeats() -> None:
    positions = GAMES["tic_tac_toe"].positions()[::20]
    few, many = (measure(TicTacToe(), positions, SearchConfig(), n) for n in (2, 1_000))
    assert few.share < 0.95 < many.share
    assert measure(TicTacToe(), positions, SearchConfig(), 2) == few
    assert measure(TicTacToe(), positions, SearchConfig(), 2, seed=1) != few


def test_connect_four_plans_keep_most_values() -> None:
    """At 2,000 simulations, on every sixth position; seeds are fixed, so a run repeats."""
    game = GAMES["connect_four"]
    found = measure(game.model(True), game.positions()[::6], SearchConfig(), 2_000)
    assert found.share >= 0.85, found

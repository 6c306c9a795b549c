"""Games whose value is known."""

from __future__ import annotations

import pytest
from searching import read, run_search
from small_games import RaceOfThree, TicTacToe

from mcts_service import models
from mcts_service.models import make


def best_action(model: object, state: object, simulations: int = 1000) -> int:
    rows = read(run_search(model, state, simulations)).actions
    return max(rows, key=lambda row: row.visits).action


@pytest.mark.parametrize("seed", range(3))
def test_tic_tac_toe_is_a_draw_from_the_start(seed: int) -> None:
    model = make("tic_tac_toe")
    values = []
    for simulations in (2_000, 20_000, 200_000):
        search = run_search(model, model.initial_state(), simulations, seed=seed, exploration=0.5)
        first, second = read(search).player_values
        assert first == -second
        values.append(max(read(search).actions, key=lambda row: row.visits).value)
    # A mean holds on to what was lost by exploring, less and less of it.
    assert values == sorted(values, reverse=True)
    assert abs(values[-1]) < 0.05


@pytest.mark.parametrize(
    ("moves", "cell"),
    [("1425", 2), ("51829", 2), ("512", 7)],
    ids=["first wins", "second wins", "second blocks"],
)
def test_tic_tac_toe_takes_a_win_and_blocks_a_loss(moves: str, cell: int) -> None:
    model = make("tic_tac_toe")
    assert best_action(model, model.state_from_json(moves)) == cell


class BoundedTicTacToe(TicTacToe):
    return_bounds = (-1.0, 1.0)


def test_python_game_and_native_game_agree_on_every_root_value() -> None:
    native = models.TicTacToe(decisive=False)
    one = run_search(BoundedTicTacToe(), TicTacToe.start, 500, seed=5)
    other = run_search(native, native.initial_state(), 500, seed=5)
    assert read(one).actions == read(other).actions
    assert read(one).principal_variation == read(other).principal_variation
    assert (one.nodes, one.depth, one.model_steps) == (other.nodes, other.depth, other.model_steps)


@pytest.mark.parametrize(
    ("moves", "column"),
    [("414243", 3), ("112233", 3), ("41414", 3), ("1122337", 3)],
    ids=["first wins upwards", "first wins along", "second blocks upwards", "second blocks along"],
)
def test_connect_four_takes_a_win_and_blocks_a_loss(moves: str, column: int) -> None:
    model = make("connect_four")
    assert best_action(model, model.state_from_json(moves), 2000) == column


def test_last_of_three_players_wins_where_it_can() -> None:
    # Player 2 stands on 4: action 2 takes it to 6 for sure.
    assert best_action(RaceOfThree(), (5, 5, 4, 2)) == 2


def test_three_players_values_are_each_player_s_own() -> None:
    search = run_search(RaceOfThree(), (5, 0, 0, 0), 2000)
    # Player 0 wins at once by action 1, and the last in the field, player 1, pays.
    assert max(read(search).actions, key=lambda row: row.visits).value == 2.0
    first, second, third = read(search).player_values
    assert first > 1.9
    assert second < -0.8
    assert third == pytest.approx(0, abs=0.1)

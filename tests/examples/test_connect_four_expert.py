"""The network of the example by hand, and a short run of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcts_service.learning import Examples
from mcts_service.models import ConnectFour

GAME = ConnectFour()


@pytest.fixture
def network(example: Any) -> Any:
    return example("connect_four_network")


def boards_of(*games: str) -> np.ndarray:
    return np.array([GAME.state_from_json(moves) for moves in games])


def test_a_board_is_seen_by_the_side_to_move(network: Any) -> None:
    boards = boards_of("4", "44")
    inputs, first_moves = network.seen_by_the_mover(boards)
    assert inputs.shape == (2, 84)
    assert first_moves.tolist() == [False, True]
    bottom, above = 5 * 7 + 3, 4 * 7 + 3
    # After one disc it is the opponent's; after two, one of each.
    assert np.flatnonzero(inputs[0]).tolist() == [42 + bottom]
    assert np.flatnonzero(inputs[1]).tolist() == [bottom, 42 + above]


def test_values_are_of_the_players_and_priors_of_the_columns(network: Any) -> None:
    rng = np.random.default_rng(0)
    priors, values = network.evaluation(network.new_network(rng))(boards_of("", "4", "44"))
    assert priors.shape == (3, 7)
    assert priors.sum(axis=1) == pytest.approx(1)
    assert (values[:, 0] == -values[:, 1]).all()


def test_gradients_are_those_of_the_loss(network: Any) -> None:
    rng = np.random.default_rng(1)
    weights = [part.astype(np.float64) for part in network.new_network(rng).weights]
    inputs = rng.integers(2, size=(5, 84)).astype(float)
    visits, returns = rng.dirichlet(np.ones(7), 5), rng.uniform(-1, 1, 5)

    def loss() -> float:
        *_, outputs = network.forward(weights, inputs)
        entropy = -(visits * np.log(network.softmax(outputs[:, :7]))).sum(axis=1)
        return float((entropy + (np.tanh(outputs[:, 7]) - returns) ** 2).mean())

    gradients = network.loss_gradients(weights, inputs, visits, returns)
    for part, gradient in zip(weights, gradients, strict=True):
        place = tuple(rng.integers(size) for size in part.shape)
        kept, step = part[place], 1e-6
        part[place] = kept + step
        above = loss()
        part[place] = kept - step
        below = loss()
        part[place] = kept
        assert gradient[place] == pytest.approx((above - below) / (2 * step), abs=1e-6)


def test_imitation_learns_what_it_is_shown(network: Any) -> None:
    rng = np.random.default_rng(2)
    boards = boards_of("", "1", "12")  # the mirror images of the last two are others
    visits = np.eye(7)[[3, 0, 6]]
    returns = np.array([[0.9, -0.9], [-0.5, 0.5], [0.2, -0.2]])
    imitate, learned = network.Imitation(), network.new_network(rng)
    for _ in range(3):
        learned = imitate(Examples(boards, visits, returns, np.arange(3)), learned, rng)
    priors, values = network.evaluation(learned)(boards)
    assert priors.argmax(axis=1).tolist() == [3, 0, 6]
    assert values == pytest.approx(returns, abs=0.2)
    mirrored, _ = network.evaluation(learned)(boards[:, :, ::-1])
    assert mirrored.argmax(axis=1).tolist() == [3, 6, 0]


def test_points_are_those_of_the_games(example: Any) -> None:
    expert = example("connect_four_expert")
    searching = expert.planned_by(expert.MCTS(GAME, expert.SearchConfig.preset("uct")))

    def first_free(boards: list[Any], rng: np.random.Generator) -> list[int]:
        return [int((board[0] == 0).argmax()) for board in boards]

    # 64 simulations win nearly all of 10 games against who fills the columns from the left.
    assert expert.points_a_game(first_free, 10) <= 0.3
    # Against itself: within four standard deviations of a half, 0.5 / sqrt(40) each.
    assert abs(expert.points_a_game(searching, 40) - 0.5) <= 0.32


def test_a_short_run_is_measured_and_drawn(example: Any, tmp_path: Path) -> None:
    expert = example("connect_four_expert")
    points = expert.learn(2, 0, episodes=4, games=4, measured_every=1)
    assert [point.games for point in points] == [0, 4, 8]
    assert all(0 <= point.searching <= 1 and 0 <= point.alone <= 1 for point in points)
    expert.draw(points, tmp_path / "expert.png")
    assert (tmp_path / "expert.png").read_bytes().startswith(b"\x89PNG")
    assert expert.table(points).row_count == 3

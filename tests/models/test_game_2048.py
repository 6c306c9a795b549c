"""The compiled 2048 plays by the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service._core import SplitMix64
from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models import Game2048

UP, RIGHT, DOWN, LEFT = range(4)
STUCK = np.array([[2, 4, 2, 4], [4, 2, 4, 2], [2, 4, 2, 4], [4, 2, 4, 2]], np.int32)


@pytest.fixture(scope="module")
def model() -> Game2048:
    return Game2048()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# ---- the rules once more, on lists ----


def slide_row(row: list[int]) -> tuple[list[int], int]:
    """A row after sliding to the left, and the reward."""
    tiles = [tile for tile in row if tile]
    merged, reward = [], 0
    while tiles:
        tile = tiles.pop(0)
        if tiles and tiles[0] == tile and tile < 32768:
            tile += tiles.pop(0)
            reward += tile
        merged.append(tile)
    return merged + [0] * (4 - len(merged)), reward


def slide(board: np.ndarray, action: int) -> tuple[np.ndarray, int]:
    """A board after an action and before a new tile, and the reward."""
    quarter_turns = {LEFT: 0, UP: 1, RIGHT: 2, DOWN: 3}[action]
    rows = [slide_row(row) for row in np.rot90(board, quarter_turns).tolist()]
    slid = np.array([row for row, _ in rows], np.int32)
    return np.rot90(slid, -quarter_turns), sum(reward for _, reward in rows)


def legal(board: np.ndarray) -> list[int]:
    return [action for action in range(4) if (slide(board, action)[0] != board).any()]


def boards_of_games(model: Game2048, games: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    for _ in range(games):
        state, terminated = model.initial_state(rng), False
        while not terminated:
            yield state
            action = int(rng.choice(model.legal_actions(state)))
            state, _, terminated = model.sample(state, action, rng)
        yield state


def crowded_boards(count: int, seed: int) -> Iterator[np.ndarray]:
    """Boards with all kinds of tiles, few of them different."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        kinds = np.append(0, 2 ** rng.integers(1, 16, size=3))
        board = rng.choice(kinds, size=(4, 4), p=[0.1, 0.3, 0.3, 0.3]).astype(np.int32)
        board[0, 0] = board[0, 0] or 32768
        yield board


def test_random_games_are_played_by_the_rules(model: Game2048, rng: np.random.Generator) -> None:
    for board in [*boards_of_games(model, 10, seed=1), *crowded_boards(2_000, seed=2)]:
        possible = legal(board)
        assert model.legal_actions(board) == possible
        assert model.is_terminal(board) == (not possible)
        for action in possible:
            slid, reward = slide(board, action)
            following, found, terminated = model.sample(board, action, rng)
            appeared = np.argwhere(following != slid)
            assert len(appeared) == 1
            place = tuple(appeared[0])
            assert slid[place] == 0
            assert following[place] in (2, 4)
            assert found == reward
            assert terminated == (not legal(following))


def test_transitions_are_all_outcomes(model: Game2048) -> None:
    for board in [*list(boards_of_games(model, 2, seed=3))[::7], *crowded_boards(50, seed=4)]:
        for action in legal(board):
            slid, reward = slide(board, action)
            empty = np.argwhere(slid == 0)
            expected = {}
            for place in map(tuple, empty):
                for tile, probability in ((2, 0.9), (4, 0.1)):
                    after = slid.copy()
                    after[place] = tile
                    expected[after.tobytes()] = probability / len(empty), not legal(after)
            found = {}
            for probability, following, gained, terminated in model.transitions(board, action):
                assert gained == reward
                found[following.tobytes()] = pytest.approx(probability), terminated
            assert found == expected


def test_a_lone_tile_has_as_many_outcomes_as_there_can_be(model: Game2048) -> None:
    board = np.zeros((4, 4), np.int32)
    board[1, 1] = 2
    for action in range(4):
        assert len(model.transitions(board, action)) == 30


@pytest.mark.parametrize(
    ("row", "after", "reward"),
    [
        ([2, 2, 2, 2], [4, 4, 0, 0], 8),
        ([2, 2, 2, 0], [4, 2, 0, 0], 4),
        ([4, 2, 2, 0], [4, 4, 0, 0], 4),
        ([2, 0, 0, 2], [4, 0, 0, 0], 4),
        ([16384, 16384, 32768, 32768], [32768, 32768, 32768, 0], 32768),
        ([0, 32768, 0, 32768], [32768, 32768, 0, 0], 0),
    ],
)
def test_rows_slide_as_worked_out_by_hand(
    model: Game2048, rng: np.random.Generator, row: list[int], after: list[int], reward: int
) -> None:
    for action, quarter_turns in ((LEFT, 0), (UP, -1), (RIGHT, -2), (DOWN, -3)):
        board = np.zeros((4, 4), np.int32)
        board[2] = row
        wanted = np.zeros((4, 4), np.int32)
        wanted[2] = after
        following, gained, _ = model.sample(np.rot90(board, quarter_turns), action, rng)
        following = np.rot90(following, -quarter_turns)
        assert gained == reward
        assert np.count_nonzero(following != wanted) == 1


def test_a_new_tile_is_a_two_nine_times_in_ten(model: Game2048) -> None:
    """4,000 draws; each bound fails by chance less than once in a million runs of other seeds."""
    board, rng = model.initial_state(), np.random.default_rng(11)
    fours, places = 0, np.zeros((4, 4), int)
    slid, _ = slide(board, LEFT)
    for _ in range(4_000):
        following, _, _ = model.sample(board, LEFT, rng)
        fours += int(following.max() == 4)
        places += following != slid
    assert abs(fours - 400) < 5 * np.sqrt(4_000 * 0.09)
    expected = 4_000 / 14
    assert (np.abs(places[slid == 0] - expected) < 5.5 * np.sqrt(expected)).all()


def test_rollout_plays_as_single_steps_do(
    model: Game2048, assert_rolls_out_step_by_step: Callable[..., None]
) -> None:
    boards = [b for b in boards_of_games(model, 4, seed=5) if not model.is_terminal(b)]
    for seed, board in enumerate(boards[::3]):
        for max_steps in (0, 1, 2, 60):
            assert_rolls_out_step_by_step(model.handle, model.pack_state(board), max_steps, seed)


def test_boards_survive_packing(model: Game2048) -> None:
    for board in crowded_boards(200, seed=6):
        unpacked = model.unpack_state(model.pack_state(board))
        assert unpacked.dtype == np.int32
        np.testing.assert_array_equal(unpacked, board)


def test_initial_state_has_two_tiles(model: Game2048) -> None:
    rng = np.random.default_rng(7)
    boards = [model.initial_state(rng) for _ in range(200)]
    assert all(np.count_nonzero(board) == 2 for board in boards)
    assert {int(tile) for board in boards for tile in board.ravel()} == {0, 2, 4}
    assert len({board.tobytes() for board in boards}) > 100
    np.testing.assert_array_equal(np.argwhere(model.initial_state()), [[0, 0], [3, 3]])


@pytest.mark.parametrize(
    ("board", "message"),
    [
        (np.zeros((4, 4), int), "has no tile; a game begins with two"),
        (np.full((4, 4), 3), r"has 3 at \[0, 0\]; must be integers of shape \(4, 4\): 0 empty"),
        (np.full((4, 4), 1), r"has 1 at \[0, 0\]"),
        (np.full((4, 4), -2), r"has -2 at \[0, 0\]"),
        (np.full((4, 4), 65536), r"has 65536 at \[0, 0\]"),
        (np.full((4, 4), 2.0), "has the dtype float64"),
        (np.full((2, 8), 2), r"has the shape \(2, 8\)"),
        ("2048", "is '2048'; must be integers"),
    ],
)
def test_what_is_no_board_is_refused_with_the_reason(
    model: Game2048, board: object, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"state: {message}"):
        model.pack_state(board)


def test_a_slide_that_changes_nothing_is_refused(model: Game2048, rng: np.random.Generator) -> None:
    board = np.zeros((4, 4), np.int32)
    board[0] = [2, 4, 8, 16]
    for ask in (lambda a: model.sample(board, a, rng), lambda a: model.transitions(board, a)):
        for action in (UP, LEFT, RIGHT):
            with pytest.raises(InvalidRequest, match=r"action: is \d; must be one of 2"):
                ask(action)
    with pytest.raises(InvalidRequest, match="action"):
        model.handle.sample(model.pack_state(board), UP, rng)


def test_a_full_board_without_a_pair_is_the_end(model: Game2048, rng: np.random.Generator) -> None:
    assert model.is_terminal(STUCK)
    with pytest.raises(TerminalState):
        model.sample(STUCK, UP, rng)
    greatest = np.full((4, 4), 32768, np.int32)
    assert model.is_terminal(greatest)
    nearly = STUCK.copy()
    nearly[3, 2:] = 8
    assert model.legal_actions(nearly) == [RIGHT, LEFT]


def test_plans_score_many_times_what_random_play_does(model: Game2048) -> None:
    stream = SplitMix64(1)
    random_returns = [
        model.handle.rollout(
            model.pack_state(model.initial_state()), 10_000, np.random.Generator(stream)
        )[0]
        for _ in range(200)
    ]
    planner, total, terminated = MCTS(model, SearchConfig(max_depth=60)), 0.0, False
    state, rng, step = model.initial_state(), np.random.default_rng(0), 0
    while not terminated:
        action = planner.plan(state, Budget(simulations=100), seed=step).action
        state, reward, terminated = model.sample(state, action, rng)
        total += reward
        step += 1
    assert total > 3 * np.mean(random_returns)

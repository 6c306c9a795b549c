"""Games against a peer: in pairs, on the same board, and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.quality import match_run
from benchmarks.quality.game_problems import GAMES
from benchmarks.quality.match_run import play_matches, read_pairs
from benchmarks.quality.match_scores import score_matches
from benchmarks.quality.matches import Pair, play_pair
from benchmarks.quality.table import format_matches
from mcts_service import MCTS
from mcts_service.errors import DeadlineExpired
from mcts_service.models import make


def pair(*points: float, number: int = 0, seconds: float = 1.0, milliseconds: int = 10) -> Pair:
    return Pair("connect_four", milliseconds, number, list(points), 9.0, 11.0, seconds)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """What was asked to be played; a pair of g takes 1 s, of h 3 s."""
    asked: list[tuple[str, int, int]] = []

    def play(game: str, milliseconds: int, number: int) -> Pair:
        asked.append((game, milliseconds, number))
        return Pair(game, milliseconds, number, [1.0, 0.5], 1.0, 1.0, 1.0 if game == "g" else 3.0)

    monkeypatch.setattr(match_run, "play_pair", play)
    return asked


def test_a_score_is_over_pairs() -> None:
    """Means 1, 0.5, 0.75: their mean 0.75, their deviation 0.25."""
    [score] = score_matches([pair(1.0, 1.0), pair(1.0, 0.0), pair(0.5, 1.0)])
    assert (score.wins, score.draws, score.losses) == (4, 1, 1)
    assert score.points == 0.75
    assert score.standard_error == pytest.approx(0.25 / 3**0.5)
    assert format_matches([score])[-1] == (
        "| connect_four | 10 ms | 4 | 1 | 1 | 0.750 ± 0.144 | 9 / 11 ms |"
    )


def test_each_game_and_time_is_a_match() -> None:
    scores = score_matches([pair(1, 1), pair(0, 0, milliseconds=1)])
    assert [(score.milliseconds, score.points) for score in scores] == [(1, 0.0), (10, 1.0)]


def test_the_match_played_least_long_goes_on(
    played: list[tuple[str, int, int]], tmp_path: Path
) -> None:
    play_matches(tmp_path / "m.jsonl", 1e6, ["g", "h"], [1], most_pairs=3)
    assert [(game, number) for game, _, number in played] == [
        ("g", 0), ("h", 0), ("g", 1), ("g", 2), ("h", 1), ("h", 2),
    ]  # fmt: skip


def test_a_run_goes_on_from_what_is_kept(
    played: list[tuple[str, int, int]], tmp_path: Path
) -> None:
    path = tmp_path / "folder" / "m.jsonl"
    first = play_matches(path, 1e6, ["g"], [1], most_pairs=2)
    path.write_text(path.read_text() + '{"game": "g", "mill')
    assert read_pairs(path) == first
    played.clear()
    assert len(play_matches(path, 1e6, ["g"], [1], most_pairs=3)) == 3
    assert played == [("g", 1, 2)]
    assert len(read_pairs(path)) == 3


def test_no_game_is_begun_that_would_not_end_in_time(
    played: list[tuple[str, int, int]], tmp_path: Path
) -> None:
    path = tmp_path / "m.jsonl"
    assert play_matches(path, 0.0, ["h"], [1]) == []
    play_matches(path, 2.9, ["h"], [1])
    assert played == [("h", 1, 0)]


@pytest.mark.parametrize("name", GAMES)
def test_the_peer_sees_the_board_that_we_see(name: str) -> None:
    """The same legal moves after the same moves, to the end of the game."""
    pyspiel = pytest.importorskip("pyspiel")
    from benchmarks.quality.openspiel_planner import openspiel_state

    rules, rng = pyspiel.load_game(name), np.random.default_rng(0)
    model: Any = make(name)
    for position in GAMES[name].positions()[::10]:
        board, state = position.board, openspiel_state(rules, position.board)
        while not model.is_terminal(board):
            assert model.legal_actions(board) == state.legal_actions()
            action = int(rng.choice(state.legal_actions()))
            board, rewards, _ = model.sample(board, action, rng)
            state.apply_action(action)
        assert state.is_terminal()
        assert list(rewards) == state.returns()


def test_a_move_that_got_no_processor_is_planned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspiel")
    plan, asked = MCTS.plan, []

    def late_at_first(planner: MCTS, *arguments: Any, **options: Any) -> Any:
        asked.append(options["seed"])
        if len(asked) == 1:
            raise DeadlineExpired("not one simulation fits into 0.001 s")
        return plan(planner, *arguments, **options)

    monkeypatch.setattr(MCTS, "plan", late_at_first)
    assert len(play_pair("tic_tac_toe", 10, 0).points) == 2
    assert len(asked) >= 3


def test_a_pair_is_two_games_with_little_time() -> None:
    pytest.importorskip("pyspiel")
    found = play_pair("tic_tac_toe", 1, 0)
    assert len(found.points) == 2
    assert set(found.points) <= {0.0, 0.5, 1.0}
    assert found.our_milliseconds > 0
    assert found.their_milliseconds > 0

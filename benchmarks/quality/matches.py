"""Whole games against OpenSpiel, both sides with the same wall-clock time a move.

Games come in pairs: one opening of random moves, played once with each side moving first. So
neither gains by the opening.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service import MCTS, Budget
from mcts_service.errors import DeadlineExpired
from mcts_service.models import make

__all__ = ["Pair", "play_pair"]

_OPENING_MOVES = 2

#: (board, moves from the first one on) -> an action.
Side = Callable[[np.ndarray, Sequence[int]], int]


@dataclass(frozen=True)
class Pair:
    """Two games with the same opening.

    Attributes:
      game: its name.
      milliseconds: of wall-clock time that a move may take.
      number: of the pair, which its opening follows from.
      points: ours in each: 1 a win, 0.5 a draw, 0 a loss. First the game in which we move first
        after the opening.
      our_milliseconds, their_milliseconds: that a move took.
      wall_seconds: that the pair took.
    """

    game: str
    milliseconds: int
    number: int
    points: list[float]
    our_milliseconds: float
    their_milliseconds: float
    wall_seconds: float


def play_pair(game: str, milliseconds: int, number: int) -> Pair:
    """Our default recipe against OpenSpiel's bot, sides swapped after the first game."""
    started = time.perf_counter()
    ours = _Clocked(_our_side(game, milliseconds, number))
    theirs = _Clocked(_their_side(game, milliseconds, number))
    as_first, _ = _play(game, number, (ours, theirs))
    _, as_second = _play(game, number, (theirs, ours))
    return Pair(
        game,
        milliseconds,
        number,
        [(as_first + 1) / 2, (as_second + 1) / 2],
        ours.milliseconds,
        theirs.milliseconds,
        time.perf_counter() - started,
    )


class _Clocked:
    """A side, and the time that it takes."""

    def __init__(self, side: Side) -> None:
        self._side, self._seconds, self._moves = side, 0.0, 0

    def move(self, board: np.ndarray, moves: Sequence[int]) -> int:
        started = time.perf_counter()
        action = self._side(board, moves)
        self._seconds += time.perf_counter() - started
        self._moves += 1
        return action

    @property
    def milliseconds(self) -> float:
        """Of a move."""
        return 1e3 * self._seconds / self._moves


def _play(game: str, number: int, sides: tuple[_Clocked, _Clocked]) -> tuple[float, float]:
    """The returns of both sides; the first of them moves first after the opening."""
    model: Any = make(game)
    rng = np.random.default_rng([2, number])
    board, rewards, moves = model.initial_state(), (0.0, 0.0), list[int]()
    while not model.is_terminal(board):
        if len(moves) < _OPENING_MOVES:
            action = int(rng.choice(model.legal_actions(board)))
        else:
            action = sides[len(moves) % 2].move(board, moves)
        board, rewards, _ = model.sample(board, action, rng)
        moves.append(action)
    return float(rewards[0]), float(rewards[1])


def _our_side(game: str, milliseconds: int, number: int) -> Side:
    planner, budget = MCTS(make(game)), Budget(time_limit=milliseconds / 1e3)
    seeds = np.random.default_rng([3, number])

    def side(board: np.ndarray, moves: Sequence[int]) -> int:
        while True:
            try:
                return int(planner.plan(board, budget, seed=int(seeds.integers(2**63))).action)
            except DeadlineExpired:
                # Another program had the processor for all of the time; the clock counts it.
                continue

    return side


def _their_side(game: str, milliseconds: int, number: int) -> Side:
    # Here, as matches of other runs are read without OpenSpiel.
    import pyspiel

    from benchmarks.quality.openspiel_planner import make_bot

    rules = pyspiel.load_game(game)
    bot = make_bot(rules, None, milliseconds / 1e3, number)

    def side(board: np.ndarray, moves: Sequence[int]) -> int:
        state = rules.new_initial_state()
        for move in moves:
            state.apply_action(move)
        return int(bot.step(state))

    return side

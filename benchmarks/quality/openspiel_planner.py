"""A peer: OpenSpiel's C++ MCTSBot with its C++ random rollouts, one a leaf.

python -m benchmarks.quality.openspiel_planner    a process as `peer_worker` says

It proves wins and losses (`solve`), as ours does. Its exploration is on returns from -1 to 1 as
they are; ours is scaled by their range, so its constant is ours, 1, times 2.
"""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pyspiel

from benchmarks.quality.game_problems import GAMES
from benchmarks.quality.peer_worker import serve
from benchmarks.quality.problem import Problem

__all__ = ["OpenSpielPlanner", "make_bot", "openspiel_state"]

_EXPLORATION = 2.0
_MAX_MEMORY_MEGABYTES = 2_000
#: Where time is the limit.
_NO_LIMIT = 2**30


def make_bot(game: Any, simulations: int | None, seconds: float | None, seed: int) -> Any:
    """A bot, whose `step(state)` is an action from a fresh tree.

    Args:
      game: OpenSpiel's.
      simulations: a move; None: no limit.
      seconds: a move, of wall-clock time; None: no limit.
      seed: below 2**31.
    """
    return pyspiel.MCTSBot(
        game,
        pyspiel.RandomRolloutEvaluator(n_rollouts=1, seed=seed),
        _EXPLORATION,
        _NO_LIMIT if simulations is None else simulations,
        _MAX_MEMORY_MEGABYTES,
        True,  # solve
        seed,
        False,  # verbose
        max_wall_clock_time=-1.0 if seconds is None else seconds,
    )


def openspiel_state(game: Any, board: np.ndarray) -> Any:
    """OpenSpiel's state of a board that is not over, as our models give it.

    Args:
      game: OpenSpiel's tic-tac-toe or connect four.
      board: int8[3, 3] or int8[6, 7], row 0 on top: 0 empty, 1 first player, -1 second player.
    """
    # Its connect four counts rows from below; its tic-tac-toe is one list.
    rows = board[::-1] if board.shape == (6, 7) else board.reshape(-1)
    marks = np.array([".", "x", "o"])[rows]
    mover = "x" if board.sum() == 0 else "o"
    described = {"board": marks.tolist(), "current_player": mover}
    if board.shape == (6, 7):
        described |= {"is_terminal": False, "winner": ""}
    return game.new_initial_state(json.dumps(described))


class OpenSpielPlanner:
    """Plans in the positions of a game."""

    def __init__(self, problem: Problem) -> None:
        self._game = pyspiel.load_game(GAMES[problem.name].model)

    def decide(self, state: Any, left: int, simulations: int, seed: int) -> tuple[Any, float]:
        position = openspiel_state(self._game, state)
        started = time.process_time()
        bot = make_bot(self._game, simulations, None, seed % 2**31)
        action = bot.step(position)
        return action, time.process_time() - started


if __name__ == "__main__":
    serve(OpenSpielPlanner)

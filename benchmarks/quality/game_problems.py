"""The games: positions whose value is known, in which a plan has one move to keep it.

A move keeps the value of a position if it is worth as much, with perfect play from then on, as the
best one. In every position some legal move is worth less than the best, and none wins at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.quality.connect_four_positions import read_positions
from benchmarks.quality.connect_four_solver import NOT_LEGAL
from benchmarks.quality.problem import Problem
from benchmarks.quality.tic_tac_toe_positions import (
    after,
    can_win_at_once,
    unfinished_positions,
    value,
)
from mcts_service.models import ConnectFour, make

__all__ = ["GAMES", "MATCH_GAMES", "Game", "JudgedPosition", "game_problem"]

#: Of tic-tac-toe; connect four has as many in its file.
NUM_POSITIONS = 400
#: A decision is all of an episode, so more of them are played.
BLOCK_EPISODES, LEAST_EPISODES = 80, 200


@dataclass(frozen=True)
class JudgedPosition:
    """A position and the exact value of its moves.

    Attributes:
      board: as the game's model takes it, int8.
      values: legal action -> -1 a loss, 0 a draw, 1 a win, for the side that moves.
    """

    board: np.ndarray
    values: Mapping[int, int]

    @property
    def kept(self) -> set[int]:
        """The actions that keep the value."""
        best = max(self.values.values())
        return {action for action, value in self.values.items() if value == best}


def game_problem(name: str) -> Problem:
    """A game of `GAMES`, whose n-th episode is a position: all come before one comes again."""
    model: Any = make(GAMES[name].model)
    positions = GAMES[name].positions()
    # Shuffled, so that the first episodes are not all of the early game.
    order = np.random.default_rng(0).permutation(len(positions))
    by_state = {model.pack_state(position.board): position for position in positions}

    def loss(state: Any, action: int, left: int) -> float:
        return float(action not in by_state[model.pack_state(state)].kept)

    return Problem(
        name=name,
        model=model,
        steps=1,
        best=1.0,
        random=float(np.mean([len(p.kept) / len(p.values) for p in positions])),
        start=lambda episode, luck: positions[order[episode % len(positions)]].board,
        loss=loss,
        measure="share",
        tells_steps_left=False,
        block_episodes=BLOCK_EPISODES,
        least_episodes=LEAST_EPISODES,
    )


def _tic_tac_toe_positions() -> list[JudgedPosition]:
    """Drawn with a fixed seed from all that qualify."""
    found = []
    for cells in unfinished_positions():
        values = {cell: -value(after(cells, cell)) for cell in range(9) if cells[cell] == 0}
        if len(set(values.values())) > 1 and not can_win_at_once(cells):
            found.append(JudgedPosition(np.array(cells, np.int8).reshape(3, 3), values))
    drawn = np.random.default_rng(0).choice(len(found), NUM_POSITIONS, replace=False)
    return [found[index] for index in drawn]


def _connect_four_positions(discs: range) -> list[JudgedPosition]:
    game = ConnectFour()
    return [
        JudgedPosition(
            game.state_from_json(position.moves),
            {column: v for column, v in enumerate(position.values) if v != NOT_LEGAL},
        )
        for position in read_positions()
        if len(position.moves) in discs
    ]


@dataclass(frozen=True)
class Game:
    """What positions are taken from.

    Attributes:
      model: the name of the model, which OpenSpiel gives it too.
      positions: reads them.
    """

    model: str
    positions: Callable[[], Sequence[JudgedPosition]]


#: Before the twelfth disc the value of a position often hangs on thirty moves to come.
GAMES: Mapping[str, Game] = {
    "tic_tac_toe": Game("tic_tac_toe", _tic_tac_toe_positions),
    "connect_four": Game("connect_four", partial(_connect_four_positions, range(12, 28))),
    "connect_four_opening": Game("connect_four", partial(_connect_four_positions, range(8, 12))),
}

#: Those that are played from the start to the end against a peer.
MATCH_GAMES = ("tic_tac_toe", "connect_four")

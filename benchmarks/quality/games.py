"""How often a plan keeps the value of a position, in games that are solved.

    python -m benchmarks.quality.games
    python -m benchmarks.quality.games --games tic_tac_toe --simulations 2000 --exploration 1

prints, for each game, kind of rollout, exploration constant and number of simulations, the share
of positions in which the plan's action is worth as much as the best one, with its standard error.

Connect four is measured on the committed positions (connect_four_positions.py), in each of which
some legal move is worth less than the best; tic-tac-toe on all positions, whether the choice
matters or not.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.connect_four_positions import read_positions
from benchmarks.quality.connect_four_solver import NOT_LEGAL
from benchmarks.quality.tic_tac_toe_positions import after, unfinished_positions, value
from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.models import ConnectFour, TicTacToe
from mcts_service.models.board import BoardModel

__all__ = ["GAMES", "JudgedPosition", "Kept", "measure"]


@dataclass(frozen=True)
class JudgedPosition:
    """A position and the exact value of its moves.

    Attributes:
      board: as the game's model takes it, int8.
      values: legal action -> -1 a loss, 0 a draw, 1 a win, for the side that moves.
    """

    board: np.ndarray
    values: Mapping[int, int]


@dataclass(frozen=True)
class Kept:
    """In how many of how many positions the value was kept."""

    kept: int
    positions: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.kept / self.positions

    @property
    def standard_error(self) -> float:
        """Of the share, as of independent positions."""
        return math.sqrt(self.share * (1 - self.share) / self.positions)


@dataclass(frozen=True)
class Game:
    """A game, and positions of it that are solved.

    Attributes:
      model: the game with decisive rollouts or uniform ones.
      positions: the same list every time.
    """

    model: Callable[[bool], BoardModel]
    positions: Callable[[], list[JudgedPosition]]


def measure(
    model: BoardModel,
    positions: Sequence[JudgedPosition],
    config: SearchConfig,
    simulations: int,
    seed: int = 0,
) -> Kept:
    """Plans each position once.

    Args:
      model: the game.
      positions: at least one.
      config: of the search.
      simulations: a plan.
      seed: the same numbers for the same seed; every position has a stream of its own.
    """
    planner, budget, kept = MCTS(model, config), Budget(simulations=simulations), 0
    for index, position in enumerate(positions):
        plan = planner.plan(position.board, budget, seed=seed * len(positions) + index)
        kept += position.values[plan.action] == max(position.values.values())
    return Kept(kept, len(positions))


def _connect_four_positions() -> list[JudgedPosition]:
    game = ConnectFour()
    return [
        JudgedPosition(
            game.state_from_json(position.moves),
            {column: v for column, v in enumerate(position.values) if v != NOT_LEGAL},
        )
        for position in read_positions()
    ]


def _tic_tac_toe_positions() -> list[JudgedPosition]:
    return [
        JudgedPosition(
            np.array(cells, np.int8).reshape(3, 3),
            {cell: -value(after(cells, cell)) for cell in range(9) if cells[cell] == 0},
        )
        for cells in unfinished_positions()
    ]


GAMES: Mapping[str, Game] = {
    "connect_four": Game(lambda decisive: ConnectFour(decisive=decisive), _connect_four_positions),
    "tic_tac_toe": Game(lambda decisive: TicTacToe(decisive=decisive), _tic_tac_toe_positions),
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--games", nargs="+", choices=sorted(GAMES), default=["connect_four"])
    parser.add_argument("--simulations", nargs="+", type=int, default=[1_000, 5_000, 20_000])
    parser.add_argument("--exploration", nargs="+", type=float, default=[0.5, 0.7, 1.0, 1.4])
    parser.add_argument(
        "--rollouts", nargs="+", choices=["random", "decisive"], default=["random", "decisive"]
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Prints a table of Markdown."""
    arguments = _arguments()
    for name in arguments.games:
        positions = GAMES[name].positions()
        print(f"\n{name}: share of {len(positions):,} positions whose value is kept\n")
        columns = [f"{simulations:,} simulations" for simulations in arguments.simulations]
        print("| rollouts | exploration | " + " | ".join(columns) + " |")
        print("|" + "---|" * (2 + len(columns)))
        for rollouts in arguments.rollouts:
            model = GAMES[name].model(rollouts == "decisive")
            for exploration in arguments.exploration:
                print(f"| {rollouts} | {exploration} |", end="", flush=True)
                for simulations in arguments.simulations:
                    config = SearchConfig(exploration=exploration)
                    found = measure(model, positions, config, simulations, arguments.seed)
                    cell = f" {found.share:.3f} ± {found.standard_error:.3f} |"
                    print(cell, end="", flush=True)
                print()


if __name__ == "__main__":
    main()

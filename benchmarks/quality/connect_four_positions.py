"""Connect-four positions whose every move has a known value, and the script that solved them.

    python -m benchmarks.quality.connect_four_positions

writes connect_four_positions.json again, from a fixed seed: the same file every time. Positions
come from random play, twenty for each number of discs from 8 to 27. Kept are those in which legal
moves differ in value, so that the choice matters, and the side that moves has no win in one move,
which any search finds. A position and its mirror image count as one.

The file is a list, by ascending number of discs, of pairs as in

    ["13642255", [1, -1, 0, 1, 1, 2, 1]]

which are the two fields of `SolvedPosition`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.quality.connect_four_solver import NOT_LEGAL, Solver
from mcts_service.models import ConnectFour

__all__ = ["DISCS", "FILE", "SolvedPosition", "generate", "read_positions"]

FILE = Path(__file__).with_suffix(".json")
DISCS = range(8, 28)
POSITIONS_PER_NUMBER_OF_DISCS = 20
SEED = 4


@dataclass(frozen=True)
class SolvedPosition:
    """A position and what its moves are worth.

    Attributes:
      moves: from the empty board, columns counted from 1: `ConnectFour.state_from_json`'s form.
      values: by column, for the side that moves: -1 a loss, 0 a draw, 1 a win; `NOT_LEGAL`
        where it is full.
    """

    moves: str
    values: tuple[int, ...]

    @property
    def best(self) -> int:
        """The value of the position for the side to move."""
        return max(value for value in self.values if value != NOT_LEGAL)

    @property
    def is_a_choice(self) -> bool:
        """Whether legal moves differ in value."""
        return any(value not in (self.best, NOT_LEGAL) for value in self.values)


def read_positions(file: Path = FILE) -> list[SolvedPosition]:
    """The committed positions."""
    return [SolvedPosition(moves, tuple(values)) for moves, values in json.loads(file.read_text())]


def generate(
    discs: int, count: int, rng: np.random.Generator, solver: Solver
) -> list[SolvedPosition]:
    """That many different positions with that many discs in which the choice matters and no move
    wins at once.
    """
    game = ConnectFour()
    found: list[SolvedPosition] = []
    seen: set[bytes] = set()
    while len(found) < count:
        moves, board = _random_game(game, discs, rng)
        if game.is_terminal(board) or _can_win_at_once(game, board, rng):
            continue
        if not seen.isdisjoint({board.tobytes(), _mirrored(board)}):
            continue
        seen.add(board.tobytes())
        position = SolvedPosition(moves, tuple(solver.move_values(board)))
        if position.is_a_choice:
            found.append(position)
    return found


def _can_win_at_once(game: ConnectFour, board: np.ndarray, rng: np.random.Generator) -> bool:
    outcomes = (game.sample(board, column, rng) for column in game.legal_actions(board))
    return any(max(rewards) == 1 for _, rewards, _ in outcomes)


def _mirrored(board: np.ndarray) -> bytes:
    return bytes(board[:, ::-1].tobytes())


def _random_game(game: ConnectFour, discs: int, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """The moves and the board after so many discs, or where the game ended before."""
    moves, board, over = "", game.initial_state(), False
    while len(moves) < discs and not over:
        column = int(rng.choice(game.legal_actions(board)))
        board, _, over = game.sample(board, column, rng)
        moves += str(column + 1)
    return moves, board


def main() -> None:
    """Solves and writes all positions; some minutes."""
    solver, rng = Solver(), np.random.default_rng(SEED)
    positions: list[SolvedPosition] = []
    for discs in DISCS:
        positions += generate(discs, POSITIONS_PER_NUMBER_OF_DISCS, rng, solver)
        print(f"{discs} discs: {len(positions)} positions, {solver.nodes:,} nodes", flush=True)
    rows = [json.dumps([position.moves, list(position.values)]) for position in positions]
    FILE.write_text("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    main()

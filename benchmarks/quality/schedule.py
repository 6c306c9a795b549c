"""What to play next: the time is shared out evenly, and cheap points are done with first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.quality.episodes import Block, episodes_of_block
from benchmarks.quality.problem import Problem
from benchmarks.quality.records import Cell, Records

__all__ = ["Schedule"]

#: A standard error in units of the score that is small enough to stop.
ENOUGH = 0.01
#: Episodes after which a standard error is let be.
MOST_EPISODES = 400
#: A point that is not there yet says more than a smaller error: so many times its time.
FIRST_BLOCK_WORTH = 4.0


@dataclass(frozen=True)
class _Played:
    """What a cell's blocks come to: all that a choice looks at."""

    blocks: int
    seconds: float
    is_known: bool


class Schedule:
    """Picks cells until each is known well enough, or the next block would take too long."""

    def __init__(self, curves: Sequence[Sequence[Cell]], problems: Mapping[str, Problem]) -> None:
        """The cells of a run.

        Args:
          curves: one a problem and recipe: its cells by ascending simulations.
          problems: by their names.
        """
        self._curves, self._problems = curves, problems
        # A run asks thousands of times, and each time one cell has changed.
        self._played: dict[Cell, _Played] = {}

    def next_cell(self, records: Records, seconds_left: float) -> Cell | None:
        """The cell on which least time would have been spent with one block more.

        The first block of a cell counts for less than it takes. A curve grows from its left end,
        since a cell's cost is foretold by the one before it.
        """
        best, least = None, math.inf
        for curve in self._curves:
            block_seconds = 0.0
            for place, cell in enumerate(curve):
                played = self._sum_up(cell, records.blocks(cell))
                if played.blocks:
                    block_seconds = played.seconds / played.blocks
                elif place > 0:
                    block_seconds *= self._growth(curve[place - 1], cell)
                spent = played.seconds + block_seconds
                if not played.blocks:
                    spent /= FIRST_BLOCK_WORTH
                if spent < least and block_seconds <= seconds_left and not played.is_known:
                    best, least = cell, spent
                if not played.blocks:
                    break
        return best

    def _sum_up(self, cell: Cell, blocks: Sequence[Block]) -> _Played:
        played = self._played.get(cell)
        if played is None or played.blocks != len(blocks):
            seconds = math.fsum(block.wall_seconds for block in blocks)
            played = _Played(len(blocks), seconds, self._is_known(cell, blocks))
            self._played[cell] = played
        return played

    def _is_known(self, cell: Cell, blocks: Sequence[Block]) -> bool:
        problem = self._problems[cell.problem]
        losses = [loss / problem.span for block in blocks for loss in block.losses]
        if len(losses) < problem.least_episodes:
            return False
        mean = math.fsum(losses) / len(losses)
        variance = math.fsum((loss - mean) ** 2 for loss in losses) / (len(losses) - 1)
        return len(losses) >= MOST_EPISODES or math.sqrt(variance / len(losses)) <= ENOUGH

    def _growth(self, before: Cell, cell: Cell) -> float:
        """How much longer a block takes, if a simulation takes as long."""
        most = self._problems[cell.problem].block_episodes
        return (cell.simulations * episodes_of_block(cell.simulations, most)) / (
            before.simulations * episodes_of_block(before.simulations, most)
        )

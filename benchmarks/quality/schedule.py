"""What to play next: the time is shared out evenly, and cheap points are done with first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.quality.episodes import Block, episodes_of_block
from benchmarks.quality.records import Cell, Records

__all__ = ["Schedule"]

#: A standard error in units of the score that is small enough to stop.
ENOUGH = 0.01
#: Episodes before a standard error is believed, and after which it is let be.
LEAST_EPISODES, MOST_EPISODES = 6, 400
#: A point that is not there yet says more than a smaller error: so many times its time.
FIRST_BLOCK_WORTH = 4.0


class Schedule:
    """Picks cells until each is known well enough, or the next block would take too long."""

    def __init__(self, curves: Sequence[Sequence[Cell]], spans: dict[str, float]) -> None:
        """The cells of a run.

        Args:
          curves: one a problem and recipe: its cells by ascending simulations.
          spans: best less random return of each problem.
        """
        self._curves, self._spans = curves, spans

    def next_cell(self, records: Records, seconds_left: float) -> Cell | None:
        """The cell on which least time would have been spent with one block more.

        The first block of a cell counts for less than it takes. A curve grows from its left end,
        since a cell's cost is foretold by the one before it.
        """
        best, least = None, math.inf
        for curve in self._curves:
            block_seconds = 0.0
            for place, cell in enumerate(curve):
                blocks = records.blocks(cell)
                if blocks:
                    block_seconds = _mean_seconds(blocks)
                elif place > 0:
                    block_seconds *= _growth(curve[place - 1], cell)
                spent = sum(block.wall_seconds for block in blocks) + block_seconds
                if not blocks:
                    spent /= FIRST_BLOCK_WORTH
                if (
                    spent < least
                    and block_seconds <= seconds_left
                    and not self._is_known(cell, blocks)
                ):
                    best, least = cell, spent
                if not blocks:
                    break
        return best

    def _is_known(self, cell: Cell, blocks: Sequence[Block]) -> bool:
        losses = [loss / self._spans[cell.problem] for block in blocks for loss in block.losses]
        if len(losses) < LEAST_EPISODES:
            return False
        mean = math.fsum(losses) / len(losses)
        variance = math.fsum((loss - mean) ** 2 for loss in losses) / (len(losses) - 1)
        return len(losses) >= MOST_EPISODES or math.sqrt(variance / len(losses)) <= ENOUGH


def _mean_seconds(blocks: Sequence[Block]) -> float:
    return sum(block.wall_seconds for block in blocks) / len(blocks)


def _growth(before: Cell, cell: Cell) -> float:
    """How much longer a block takes, if a simulation takes as long."""
    return (cell.simulations * episodes_of_block(cell.simulations)) / (
        before.simulations * episodes_of_block(before.simulations)
    )

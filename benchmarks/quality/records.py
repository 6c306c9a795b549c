"""What was played, as lines of JSON: a run goes on where the last one stopped."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.episodes import Block

__all__ = ["Cell", "Records"]


@dataclass(frozen=True)
class Cell:
    """A point of a curve.

    Attributes:
      problem, recipe: their names.
      simulations: a decision.
    """

    problem: str
    recipe: str
    simulations: int


class Records:
    """The blocks of each cell, kept in a file as they come.

    A line holds the cell, the settings of its recipe, the number of the block and the block. A
    line of other settings under the same name is passed over: its recipe has changed since.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """What the file holds, if there is one.

        Args:
          path: of the file.
          settings: of each recipe by its name, such as JSON can write.
        Raises:
          ValueError: a line is no record. The last may be cut short, and is then played again.
        """
        self._path = path
        # As they will be read back: JSON knows no tuples.
        self._settings = json.loads(json.dumps(settings))
        self._blocks: dict[Cell, dict[int, Block]] = defaultdict(dict)
        lines = path.read_text().splitlines() if path.exists() else []
        for number, line in enumerate(lines, 1):
            try:
                self._take(json.loads(line))
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                if number == len(lines):
                    self._cut_off(lines[:-1])
                    break
                raise ValueError(f"{path}, line {number}: is no record of a block") from error

    def blocks(self, cell: Cell) -> Sequence[Block]:
        """All of a cell, by their numbers."""
        found = self._blocks.get(cell, {})
        return [found[number] for number in sorted(found)]

    def next_number(self, cell: Cell) -> int:
        """Of the first block that is missing."""
        found = self._blocks.get(cell, {})
        return next(number for number in range(len(found) + 1) if number not in found)

    def add(self, cell: Cell, number: int, block: Block) -> None:
        """Keeps a block, in the file too."""
        self._blocks[cell][number] = block
        line = {
            **asdict(cell),
            "settings": self._settings[cell.recipe],
            "block": number,
            **asdict(block),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _take(self, line: dict[str, Any]) -> None:
        cell = Cell(line.pop("problem"), line.pop("recipe"), line.pop("simulations"))
        number, settings = line.pop("block"), line.pop("settings")
        block = Block(**line)
        if settings == self._settings.get(cell.recipe):
            self._blocks[cell][number] = block

    def _cut_off(self, lines: Sequence[str]) -> None:
        self._path.write_text("".join(f"{line}\n" for line in lines))

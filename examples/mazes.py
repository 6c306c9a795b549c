"""Mazes of Sutton and Barto's chapter on planning and learning, as models.

    #  wall     S  where episodes begin     G  where they end, rewarded with 1; all else gives 0

A state is row * columns + column, from the top left. The actions are 0 up, 1 right, 2 down, 3 left;
into a wall or out of the maze, one stays where one is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["BLOCKED", "DYNA_MAZE", "OPEN_LEFT", "OPEN_RIGHT", "SHORTCUT", "ChangingMaze", "Maze"]

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


class Maze:
    """A distribution and sample model of a maze.

    Attributes:
      num_states: cells, walls included, so that mazes of one size have one numbering.
      num_actions, discount, deterministic: of the model.
      num_free: cells that are no wall.
    """

    num_actions = 4
    discount = 0.95
    deterministic = True

    def __init__(self, *rows: str) -> None:
        """Raises ValueError: the rows differ in length, or there is not one S and a G."""
        if len({len(row) for row in rows}) != 1:
            raise ValueError("the rows of a maze are equally long")
        self.rows = rows
        cells = "".join(rows)
        if cells.count("S") != 1 or "G" not in cells:
            raise ValueError("a maze has one S, and a G")
        self.num_states = len(cells)
        self.num_free = self.num_states - cells.count("#")
        self._start = cells.index("S")
        self._ends = [cell == "G" for cell in cells]
        self._following = [
            [self._neighbour(state, move) for move in MOVES] for state in range(len(cells))
        ]

    def initial_state(self, rng: np.random.Generator | None = None) -> int:
        """The cell of the S."""
        return self._start

    def is_terminal(self, state: int) -> bool:
        """Whether it is a cell of the goal."""
        return self._ends[state]

    def sample(self, state: int, action: int, rng: Any = None) -> tuple[int, float, bool]:
        """(next_state, reward, terminated); nothing is drawn."""
        following = self._following[state][action]
        ended = self._ends[following]
        return following, float(ended), ended

    def transitions(self, state: int, action: int) -> list[tuple[float, int, float, bool]]:
        """The one outcome: (1, next_state, reward, terminated)."""
        return [(1.0, *self.sample(state, action))]

    def stretched(self, height: int, width: int) -> Maze:
        """The maze at a finer resolution: every cell becomes height x width of them.

        Episodes begin in the top left of the cells that were the S.
        """
        rows = ["".join(cell * width for cell in row) for row in self.rows for _ in range(height)]
        finer = "\n".join(rows)
        return Maze(*finer.replace("S", "s", 1).replace("S", ".").replace("s", "S").split("\n"))

    def shortest(self) -> int:
        """The fewest steps from the start to the goal."""
        steps, to_explore = {self._start: 0}, deque([self._start])
        while to_explore:
            state = to_explore.popleft()
            if self._ends[state]:
                return steps[state]
            for following in self._following[state]:
                if following not in steps:
                    steps[following] = steps[state] + 1
                    to_explore.append(following)
        raise ValueError("no way leads to the goal")

    def greedy_steps(self, q: np.ndarray, most: int) -> int:
        """How many steps the best actions take from the start to the goal; `most` if not fewer.

        Args:
          q: float64[num_states, num_actions]; of equally good actions the first is taken.
          most: where to give up.
        """
        state, steps = self._start, 0
        while steps < most and not self._ends[state]:
            state = self._following[state][int(q[state].argmax())]
            steps += 1
        return steps

    def _neighbour(self, state: int, move: tuple[int, int]) -> int:
        columns = len(self.rows[0])
        row, column = state // columns + move[0], state % columns + move[1]
        inside = 0 <= row < len(self.rows) and 0 <= column < columns
        return row * columns + column if inside and self.rows[row][column] != "#" else state


class ChangingMaze:
    """A world that is one maze for some steps and another from then on: a function of a step.

    It keeps the time, so it is no model: the same state and action have another outcome later.
    """

    def __init__(self, mazes: Sequence[Maze], change_after: int) -> None:
        """The first of two mazes of one size for `change_after` steps, then the second."""
        self._before, self._after = mazes
        self._steps_left = change_after

    def __call__(self, state: int, action: int, rng: Any) -> tuple[int, float, bool]:
        """(next_state, reward, terminated)."""
        maze = self._before if self._steps_left > 0 else self._after
        self._steps_left -= 1
        return maze.sample(state, action)


#: Figure 8.2: 47 cells, 14 steps from the start to the goal.
DYNA_MAZE = Maze(
    ".......#G",
    "..#....#.",
    "S.#....#.",
    "..#......",
    ".....#...",
    ".........",
)
#: Figure 8.4: the barrier has its gap on the right, 10 steps, and then on the left, 16 steps.
OPEN_RIGHT = Maze(
    "........G",
    ".........",
    ".........",
    "########.",
    ".........",
    "...S.....",
)
OPEN_LEFT = Maze(
    "........G",
    ".........",
    ".........",
    ".########",
    ".........",
    "...S.....",
)
BLOCKED = (OPEN_RIGHT, OPEN_LEFT)
#: Figure 8.5: a second gap opens, through which the way is shorter.
SHORTCUT = (
    OPEN_LEFT,
    Maze(
        "........G",
        ".........",
        ".........",
        ".#######.",
        ".........",
        "...S.....",
    ),
)

"""All 4,520 unfinished tic-tac-toe positions, solved by exhaustive search."""

from __future__ import annotations

from functools import cache

__all__ = ["Cells", "after", "can_win_at_once", "unfinished_positions", "value"]

#: Nine marks, row by row: 0 empty, 1 first player, -1 second player.
Cells = tuple[int, ...]

_LINES = [
    (0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6),
]  # fmt: skip


def after(cells: Cells, action: int) -> Cells:
    """The position after a move into an empty cell."""
    return (*cells[:action], _mover(cells), *cells[action + 1 :])


@cache
def value(cells: Cells) -> int:
    """The value of a position for the side to move: -1 a loss, 0 a draw, 1 a win."""
    if _has_line(cells, -_mover(cells)):
        return -1
    return max((-value(after(cells, cell)) for cell in _empty(cells)), default=0)


def can_win_at_once(cells: Cells) -> bool:
    """Whether a move completes a line of the side to move."""
    return any(_has_line(after(cells, cell), _mover(cells)) for cell in _empty(cells))


def unfinished_positions() -> list[Cells]:
    """Every position of a game that goes on, sorted."""
    found: set[Cells] = set()
    pending: list[Cells] = [(0,) * 9]
    while pending:
        cells = pending.pop()
        if cells in found or _has_line(cells, -_mover(cells)) or 0 not in cells:
            continue
        found.add(cells)
        pending += [after(cells, cell) for cell in _empty(cells)]
    return sorted(found)


def _mover(cells: Cells) -> int:
    return 1 if sum(cells) == 0 else -1


def _empty(cells: Cells) -> list[int]:
    return [cell for cell in range(9) if cells[cell] == 0]


def _has_line(cells: Cells, mark: int) -> bool:
    return any(all(cells[cell] == mark for cell in line) for line in _LINES)

"""The statistics of a plan's actions, made into objects when someone looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from mcts_service.planning.plan import ActionStatistics

__all__ = ["ActionTable"]


class ActionTable(Sequence[ActionStatistics]):
    """A list of `ActionStatistics` that costs nothing until it is read.

    A short search has more actions than simulations, and a service that sends them on needs no
    objects.

    Attributes:
      rows: the fields of each, as tuples.
    """

    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[tuple[Any, int, float, float, float, float, float, bool]]):
        """`rows` become the table's own."""
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> ActionStatistics: ...
    @overload
    def __getitem__(self, index: slice) -> list[ActionStatistics]: ...
    def __getitem__(self, index: int | slice) -> ActionStatistics | list[ActionStatistics]:
        if isinstance(index, slice):
            return [ActionStatistics(*row) for row in self.rows[index]]
        return ActionStatistics(*self.rows[index])

    def __iter__(self) -> Iterator[ActionStatistics]:
        return (ActionStatistics(*row) for row in self.rows)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ActionTable):
            return self.rows == other.rows
        return list(self) == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))

"""A row of the table: a test, where it is wanted, and what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Row", "Scale", "markdown", "percentile"]


@dataclass(frozen=True)
class Row:
    """One thing that was tried.

    Attributes:
      test: what was done.
      aim: what is wanted.
      measured: what came of it, in words and figures.
      holds: whether what must hold on any machine does: nothing is lost, and nobody else suffers.
      in_time: whether what is wanted of times is so too.
    """

    test: str
    aim: str
    measured: str
    holds: bool
    in_time: bool = True

    @property
    def met(self) -> bool:
        """Whether all is as wanted."""
        return self.holds and self.in_time


@dataclass(frozen=True)
class Scale:
    """How long the tests go on.

    Attributes:
      messages: mutated ones, over all methods.
      soak_calls: calls of the soak, a part of which are cancelled.
      seconds: of a test that puts load on a server.
      connections: held open at once.
    """

    messages: int
    soak_calls: int
    seconds: float
    connections: int


def markdown(rows: Iterable[Row]) -> str:
    """The table."""
    lines = ["| test | aim | measured | |", "|---|---|---|---|"]
    lines += [
        f"| {row.test} | {row.aim} | {row.measured} | {'met' if row.met else '**missed**'} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that so many percent are not above.

    Raises:
      ValueError: there are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]

"""The table of what was played: live on a terminal, line by line elsewhere."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table

from problems import Problem

__all__ = ["Scoreboard", "Tally"]

NOTHING_YET = "·"
#: Wide enough for the table where the output is a file, which has no width of its own.
FILE_WIDTH = 110


@dataclass
class Tally:
    """What was measured on one problem.

    Attributes:
      returns: of each finished episode, in reward units.
      latencies: of each plan as the agent waited for it, in seconds.
      simulations: of all plans.
      search_seconds: that the server spent searching.
    """

    returns: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    simulations: int = 0
    search_seconds: float = 0.0

    def mean_return(self) -> str:
        """Mean ± standard error, to the decimals that the error leaves meaning to."""
        if not self.returns:
            return NOTHING_YET
        mean = float(np.mean(self.returns))
        if len(self.returns) == 1:
            return f"{mean:g}"
        error = float(np.std(self.returns, ddof=1)) / math.sqrt(len(self.returns))
        decimals = 3 if error < 0.1 else 1
        return f"{mean:.{decimals}f} ± {error:.{decimals}f}"

    def speed(self) -> str:
        """Simulations per second of search."""
        if not self.search_seconds:
            return NOTHING_YET
        return f"{self.simulations / self.search_seconds:,.0f}"

    def latency(self, percentile: float) -> str:
        """A percentile of the latencies, in milliseconds."""
        if not self.latencies:
            return NOTHING_YET
        return f"{1_000 * np.percentile(self.latencies, percentile):.1f}"


class Scoreboard:
    """Shows one row a problem, in the order in which they are played."""

    def __init__(self, problems: tuple[Problem, ...], console: Console | None = None) -> None:
        self._console = console or Console()
        if not self._console.is_terminal:
            self._console.width = FILE_WIDTH
        self._tallies = {problem: Tally() for problem in problems}
        self._playing: Problem | None = None

    def live(self) -> AbstractContextManager[Any]:
        """A context in which the table is redrawn as it changes, where there is a terminal."""
        if not self._console.is_terminal:
            return nullcontext()
        return Live(
            get_renderable=self.table, console=self._console, refresh_per_second=4, transient=True
        )

    def begin(self, problem: Problem) -> Tally:
        """Marks a problem as the one being played, and gives its tally to fill."""
        self._playing = problem
        return self._tallies[problem]

    def end(self, problem: Problem) -> None:
        """Says what came of a problem, where no live table does."""
        self._playing = None
        if not self._console.is_terminal:
            tally = self._tallies[problem]
            self._console.print(
                f"{problem.title}: {len(tally.returns)} episodes, mean return "
                f"{tally.mean_return()} (best {problem.best:g}, random {problem.random:g})"
            )

    def show(self) -> None:
        """Prints the table as it stands."""
        self._console.print(self.table())

    def table(self) -> Table:
        """The table as it stands."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("environment", no_wrap=True)
        table.add_column("episodes", justify="right")
        table.add_column("return\n± std. error", justify="right", no_wrap=True)
        table.add_column("best\nknown", justify="right")
        table.add_column("random\nplay", justify="right")
        table.add_column("simulations\nper plan", justify="right")
        table.add_column("simulations\nper second", justify="right")
        table.add_column("latency\np50 ms", justify="right")
        table.add_column("latency\np99 ms", justify="right")
        for problem, tally in self._tallies.items():
            table.add_row(
                problem.title,
                str(len(tally.returns)),
                tally.mean_return(),
                f"{problem.best:g}",
                f"{problem.random:g}",
                f"{problem.simulations:,}",
                tally.speed(),
                tally.latency(50),
                tally.latency(99),
                style="bold" if problem is self._playing else "",
            )
        return table

"""The look of the examples' tables and plots, and where plots go."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot
from rich.console import Console
from rich.table import Table

__all__ = [
    "BLACK",
    "BLUE",
    "ORANGE",
    "RESULTS",
    "YELLOW",
    "arguments_of",
    "save",
    "show",
    "subplots",
]

RESULTS = Path(__file__).parent / "results"
#: Of Okabe and Ito's palette, which people of every colour vision can tell apart.
BLACK, BLUE, ORANGE, YELLOW = "#000000", "#0072b2", "#d55e00", "#e69f00"
GRID = "#e4e4e4"
DOTS_PER_INCH = 160
#: Wide enough for a table where the output is a file, which has no width of its own.
FILE_WIDTH = 140


def arguments_of(description: str, *, runs: int) -> argparse.Namespace:
    """The command line of an example that is played several times: runs, seed, results.

    Args:
      description: of the example.
      runs: the default.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", type=int, default=runs, help=f"of each learner (default {runs})")
    parser.add_argument("--seed", type=int, default=0, help="of the runs (default 0)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the plot goes")
    return parser.parse_args()


def show(table: Table) -> None:
    """Prints a table."""
    console = Console()
    if not console.is_terminal:
        console.width = FILE_WIDTH
    console.print(table)


def subplots(columns: int, *, width: float, height: float) -> tuple[Any, list[Any]]:
    """A figure of so many inches with panels side by side, gridded and without a frame."""
    figure, axes = pyplot.subplots(
        1, columns, figsize=(width, height), squeeze=False, layout="constrained"
    )
    for axis in axes[0]:
        axis.grid(color=GRID, linewidth=0.6)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, list(axes[0])


def save(figure: Any, path: Path) -> None:
    """Writes a PNG and says where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS_PER_INCH)
    pyplot.close(figure)
    print(f"plot: {path}")

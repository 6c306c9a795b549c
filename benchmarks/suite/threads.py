"""Two threads on one tree, against two searches that share nothing but the machine."""

from __future__ import annotations

from collections.abc import Iterator

from comparison import Comparison, Pair
from programs import Programs
from report import Aim
from side_process import Side
from suite.names import SIMULATIONS_A_SECOND

__all__ = ["threads"]

SIMULATIONS = 100_000
#: Simulations of a turn, of both threads together.
TURN = 400_000
ONE_TREE, TWO_TREES = "one tree", "two trees"
#: What is drawn on the way down, and what not.
PROBLEMS = {
    "connect_four": "connect four",
    "tic_tac_toe": "tic-tac-toe",
    "grid10": "grid10, horizon 50",
    "frozen_lake_8x8": "FrozenLake 8x8, plain UCT",
}


def threads(programs: Programs) -> Iterator[Comparison]:
    """Games, whose steps are certain, and grids, whose steps are drawn."""
    for problem, name in PROBLEMS.items():
        arguments = {"problem": problem, "simulations": SIMULATIONS}
        if problem == "grid10":
            arguments["library"] = str(programs.grid10_native)
        yield Comparison(
            "Two threads",
            f"{name}, {SIMULATIONS:,} simulations",
            SIMULATIONS_A_SECOND,
            "higher",
            {
                ONE_TREE: Side("sides.two_threads:OneTree", arguments, TURN),
                TWO_TREES: Side("sides.two_threads:TwoTrees", arguments, TURN),
            },
            [Pair(ONE_TREE, TWO_TREES, Aim(0.9, "higher"))],
        )

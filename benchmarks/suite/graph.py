"""A step of a search over a graph of states against a step of plain UCT."""

from __future__ import annotations

from collections.abc import Iterator

from comparison import Comparison, Pair
from programs import Programs
from report import Aim
from side_process import Side

__all__ = ["graphs"]

GRAPH, FREQUENCIES = "graph", "graph, by frequencies"
UCT, UCT_TREE = "uct", "uct without rollouts"

#: Problems by what they are called, with the recipes and the simulations of a turn.
PROBLEMS: dict[str, tuple[str, tuple[str, ...], int]] = {
    "FrozenLake 8x8": ("frozen_lake_8x8", (GRAPH, UCT, UCT_TREE), 4_000),
    "Taxi": ("taxi", (GRAPH, UCT, UCT_TREE), 4_000),
    "SysAdmin 1": ("sysadmin_1", (GRAPH, FREQUENCIES, UCT, UCT_TREE), 400),
    "a million cells": ("grid1000", (GRAPH, UCT, UCT_TREE), 4_000),
    "a million cells, from samples": ("grid1000_by_samples", (GRAPH, UCT, UCT_TREE), 4_000),
}


def graphs(programs: Programs) -> Iterator[Comparison]:
    """The preset "graph" against the preset "uct", step for step, on the same models."""
    for words, (problem, recipes, amount) in PROBLEMS.items():
        arguments = {"problem": problem, "library": str(programs.grid1000)}
        sides = {
            recipe: Side("sides.descents:Descents", {**arguments, "recipe": recipe}, amount)
            for recipe in recipes
        }
        pairs = [
            Pair(graph, uct, Aim(3.0, "lower"))
            for graph in (GRAPH, FREQUENCIES)
            for uct in (UCT, UCT_TREE)
            if graph in recipes
        ]
        yield Comparison("Graph search", words, "nanoseconds a step", "lower", sides, pairs)

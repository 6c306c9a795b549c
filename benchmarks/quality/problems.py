"""Which problems there are, by name, in the order of the panels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

from benchmarks.quality.factored_problems import INSTANCES
from benchmarks.quality.mdp_problems import factored_problem, table_problem
from benchmarks.quality.problem import Problem
from benchmarks.quality.racetrack import racetrack
from benchmarks.quality.random_mdp import random_mdp
from benchmarks.quality.sailing import sailing
from mcts_service.models import make

__all__ = ["PROBLEMS", "problem_of"]

#: Steps of an episode: Gymnasium's own limits where it has one, else enough to arrive.
_BUILT_IN = {
    "frozen_lake_4x4": 100,
    "frozen_lake_8x8": 200,
    "cliff_walking": 100,
    "taxi": 200,
}
_TABLES = {"sailing": (sailing, 100), "racetrack": (racetrack, 50), "random_mdp": (random_mdp, 50)}

PROBLEMS: Mapping[str, Callable[[], Problem]] = {
    **{
        name: lambda name=name, horizon=horizon: table_problem(name, make(name), horizon)
        for name, horizon in _BUILT_IN.items()
    },
    **{
        name: lambda name=name, table=table, horizon=horizon: table_problem(name, table(), horizon)
        for name, (table, horizon) in _TABLES.items()
    },
    **{name: partial(factored_problem, name) for name in INSTANCES},
}


@cache
def problem_of(name: str) -> Problem:
    """The problem of that name, built and solved once in a process."""
    return PROBLEMS[name]()

"""Which problems there are, by name, in the order of the panels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from benchmarks.quality.control_problems import CONTROL, control_problem
from benchmarks.quality.factored_problems import INSTANCES
from benchmarks.quality.game_problems import GAMES, game_problem
from benchmarks.quality.mdp_problems import factored_problem, table_problem
from benchmarks.quality.problem import Problem
from benchmarks.quality.racetrack import racetrack
from benchmarks.quality.random_mdp import random_mdp
from benchmarks.quality.sailing import sailing
from mcts_service.models import make

__all__ = ["PROBLEMS", "problem_of"]


def _table(name: str, build: Callable[[], Any], horizon: int) -> Callable[[], Problem]:
    return lambda: table_problem(name, build(), horizon)


#: A table's name, what builds it, and steps of an episode: Gymnasium's own limits where it has
#: one, else enough to arrive.
_TABLES: Sequence[tuple[str, Callable[[], Any], int]] = (
    ("frozen_lake_4x4", partial(make, "frozen_lake_4x4"), 100),
    ("frozen_lake_8x8", partial(make, "frozen_lake_8x8"), 200),
    ("cliff_walking", partial(make, "cliff_walking"), 100),
    ("taxi", partial(make, "taxi"), 200),
    ("sailing", sailing, 100),
    ("racetrack", racetrack, 50),
    ("random_mdp", random_mdp, 50),
)

PROBLEMS: Mapping[str, Callable[[], Problem]] = {
    **{name: _table(name, build, horizon) for name, build, horizon in _TABLES},
    **{name: partial(factored_problem, name) for name in INSTANCES},
    **{name: partial(control_problem, name) for name in CONTROL},
    **{name: partial(game_problem, name) for name in GAMES},
}


@cache
def problem_of(name: str) -> Problem:
    """The problem of that name, built and solved once in a process."""
    return PROBLEMS[name]()

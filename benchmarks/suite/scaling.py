"""What a simulation costs in a tree of ten million, over what it costs in one of ten thousand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparison import Comparison, Pair
from programs import Programs
from report import Aim
from side_process import Side
from suite.exploration import EXPLORATION, GAME_RANGE, grid10_range
from suite.names import LIMIT, OURS_SAME_FLAGS

__all__ = ["scaling"]

SMALL, LARGE = 10_000, 10_000_000
HORIZON = 50
ROUNDS = 2


def scaling(programs: Programs) -> Iterator[Comparison]:
    """Connect four and grid10, from 10,000 to 10 million simulations."""
    game = {"exploration": EXPLORATION / GAME_RANGE}
    grid = {
        "exploration": EXPLORATION / grid10_range(HORIZON),
        "horizon": HORIZON,
        "library": str(programs.grid10_native),
        "own_rollout": True,
    }
    for name, problem, factory, arguments in (
        ("connect four", "c4", "connect_four", game),
        ("grid10", "grid", "native_grid10", grid),
    ):
        limit = {"program": str(programs.limit), "problem": problem}
        sides = {
            OURS_SAME_FLAGS: _growth(f"sides.ours:{factory}", arguments, programs),
            LIMIT: _growth("sides.limit_program:LimitProgram", limit),
        }
        yield Comparison(
            "Growth with the tree",
            f"{name}, from {SMALL:,} to {LARGE:,} simulations",
            "times the cost of a simulation",
            "lower",
            sides,
            [Pair(OURS_SAME_FLAGS, LIMIT, Aim(1.0, "lower"))],
            most_rounds=ROUNDS,
            warms_up=False,
            is_long=True,
        )


def _growth(factory: str, arguments: dict[str, Any], programs: Programs | None = None) -> Side:
    whole = {"factory": factory, "arguments": arguments, "small": SMALL}
    modules = programs.native_extension if programs else None
    return Side("sides.growth:Growth", whole, LARGE, modules)

"""The loop of a peer's process.

It reads a request a line, {"problem", "simulations", "block"}, and answers each with the block as a
line of JSON; first comes {"ready": true}.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import cache

from benchmarks.quality.episodes import play_block
from benchmarks.quality.planners import Planner
from benchmarks.quality.problem import Problem
from benchmarks.quality.problems import problem_of

__all__ = ["serve"]


def serve(planner_of: Callable[[Problem], Planner]) -> None:
    """Answers until there are no more requests.

    Args:
      planner_of: the planner for a problem, made once.
    """

    @cache
    def planner(name: str) -> Planner:
        return planner_of(problem_of(name))

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        name = request["problem"]
        block = play_block(
            problem_of(name), planner(name), request["simulations"], request["block"]
        )
        print(json.dumps(asdict(block)), flush=True)

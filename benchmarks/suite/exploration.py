"""The same exploration on all sides, as far as it acts.

The limit programs and the peers add exploration * sqrt(ln N / n) to returns as they are; ours
first scales returns to the range that was seen. So ours explores as they do with their constant
divided by that range.
"""

from __future__ import annotations

__all__ = ["EXPLORATION", "GAME_RANGE", "grid10_range"]

#: Of the limit program, on returns as they are; the peers are given the same.
EXPLORATION = 2.0
#: Returns of a game are from -1 to 1.
GAME_RANGE = 2.0


def grid10_range(horizon: int) -> float:
    """Between the highest and the lowest return of a grid10 that lasts `horizon` steps.

    The goal is 18 steps from the start; a return that misses it is one of costs alone, of one
    step at least.
    """
    discount, cost, goal_reward, steps_to_goal = 0.95, 0.1, 10.0, 18
    lowest = -cost * (1 - discount**horizon) / (1 - discount)
    highest = goal_reward if horizon >= steps_to_goal else -cost
    return highest - lowest

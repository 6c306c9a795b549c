"""pomdp-py's POUCT on grid10, observed in full: then its histories are those of an MDP."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pomdp_py
from models.grid10 import GOAL, NEIGHBOURS, START
from sides.work import Work

from mcts_service._core import SplitMix64

__all__ = ["PomdpPyPlanner"]

DISCOUNT = 0.95


class Number:
    """A state, observation or action that is a number, compared and hashed as it."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.number == other.number


class Cell(Number, pomdp_py.State):
    pass


class SeenCell(Number, pomdp_py.Observation):
    pass


class Move(Number, pomdp_py.Action):
    pass


CELLS = [Cell(number) for number in range(GOAL + 1)]
SEEN_CELLS = [SeenCell(number) for number in range(GOAL + 1)]
MOVES = [Move(number) for number in range(4)]


class Grid10Blackbox(pomdp_py.BlackboxModel):
    """`Grid10.sample` in pomdp-py's terms, with the same generator and one draw a step.

    pomdp-py knows no terminal states. A step from the goal takes more steps than are left, so
    that one call ends there what the other sides end without.
    """

    def __init__(self, horizon: int) -> None:
        self.steps_to_the_end = horizon + 1
        self.rng = np.random.Generator(SplitMix64(0))
        self.calls = 0

    def sample(self, state: Cell, action: Move) -> tuple[Cell, SeenCell, float, int]:
        number = state.number
        if number == GOAL:
            return state, SEEN_CELLS[GOAL], 0.0, self.steps_to_the_end
        turn = action.number
        draw = self.rng.random()
        if draw >= 0.8:
            turn = (turn + (1 if draw < 0.9 else 3)) % 4
        number = NEIGHBOURS[number][turn]
        if number == GOAL:
            return CELLS[number], SEEN_CELLS[number], 10.0, 1
        return CELLS[number], SEEN_CELLS[number], -0.1, 1


class CountingBlackbox(Grid10Blackbox):
    def sample(self, state: Cell, action: Move) -> tuple[Cell, SeenCell, float, int]:
        self.calls += 1
        return super().sample(state, action)


class UniformRollout(pomdp_py.RolloutPolicy):
    """Cheaper than pomdp-py's own, which copies the actions at every step."""

    def __init__(self) -> None:
        self.rng = np.random.Generator(SplitMix64(1))

    def rollout(self, state: Cell, history: tuple[Any, ...]) -> Move:
        return MOVES[int(self.rng.random() * 4)]

    def get_all_actions(self, state: Any = None, history: Any = None) -> list[Move]:
        return MOVES


class PomdpPyPlanner(Work):
    """One search after the other from the start.

    Args:
      exploration: of UCB1, on returns in reward units.
    """

    def __init__(self, simulations: int, exploration: float, horizon: int) -> None:
        self.simulations, self.exploration, self.horizon = simulations, exploration, horizon
        self.steps_a_search = self._count()["calls"]

    def turn(self, amount: int) -> float:
        searches = max(1, amount // self.simulations)
        seconds = 0.0
        for _ in range(searches):
            planner, agent = self._prepare(Grid10Blackbox(self.horizon))
            started = time.perf_counter()
            planner.plan(agent)
            seconds += time.perf_counter() - started
        return 1e9 * seconds / searches / self.steps_a_search

    def counts(self) -> dict[str, float]:
        counts = self._count()
        return {
            "depth": counts["depths"] / self.simulations,
            "steps": counts["calls"] / self.simulations,
        }

    def _prepare(self, model: Grid10Blackbox) -> tuple[Any, Any]:
        belief = pomdp_py.Histogram({CELLS[START]: 1.0})
        policy = UniformRollout()
        agent = pomdp_py.Agent(belief, policy, blackbox_model=model)
        planner = pomdp_py.POUCT(
            max_depth=self.horizon,
            num_sims=self.simulations,
            discount_factor=DISCOUNT,
            exploration_const=self.exploration,
            rollout_policy=policy,
        )
        return planner, agent

    def _count(self) -> dict[str, float]:
        model = CountingBlackbox(self.horizon)
        planner, agent = self._prepare(model)
        planner.plan(agent)
        return {"calls": model.calls, "depths": _sum_of_depths(agent.tree)}


def _sum_of_depths(node: Any) -> int:
    """The sum of the lengths of all simulations' paths below a node."""
    total = 0
    for action in node.children:
        branch = node[action]
        total += branch.num_visits
        total += sum(_sum_of_depths(branch[seen]) for seen in branch.children)
    return total

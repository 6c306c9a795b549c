"""Plays episodes and adds up what the decisions lost, or how the return falls short."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.quality.planners import Planner
from benchmarks.quality.problem import Problem

__all__ = ["Block", "episodes_of_block", "play_block"]

#: Simulations a decision up to which a block has all its episodes: few where each takes long.
_WHOLE_BLOCK_SIMULATIONS = 250


@dataclass(frozen=True)
class Block:
    """Some episodes with seeds that follow from the number of the block.

    Attributes:
      losses: best return less the episode's, one each: expected, see `mdp_problems`, or as it
        was, where a problem knows no losses.
      decisions: of all episodes.
      seconds: of CPU time that the decisions took.
      wall_seconds: that the whole block took.
    """

    losses: list[float]
    decisions: int
    seconds: float
    wall_seconds: float


def episodes_of_block(simulations: int, most: int) -> int:
    """How many a block has at so many simulations a decision, of at most so many."""
    return max(1, min(most, most * _WHOLE_BLOCK_SIMULATIONS // simulations))


def play_block(problem: Problem, planner: Planner, simulations: int, block: int) -> Block:
    """The episodes of a block: every planner meets the same starts and the same luck."""
    started = time.perf_counter()
    count = episodes_of_block(simulations, problem.block_episodes)
    played = [
        _play(problem, planner, simulations, episode)
        for episode in range(block * count, (block + 1) * count)
    ]
    return Block(
        losses=[loss for loss, _, _ in played],
        decisions=sum(decisions for _, decisions, _ in played),
        seconds=sum(seconds for _, _, seconds in played),
        wall_seconds=time.perf_counter() - started,
    )


def _play(
    problem: Problem, planner: Planner, simulations: int, episode: int
) -> tuple[float, int, float]:
    """(loss, decisions, seconds) of an episode."""
    luck, seeds = np.random.default_rng([0, episode]), np.random.default_rng([1, episode])
    state: Any = problem.start(episode, luck)
    lost, gained, spent, decisions = 0.0, 0.0, 0.0, 0
    for left in range(problem.steps, 0, -1):
        action, seconds = planner.decide(state, left, simulations, int(seeds.integers(2**63)))
        spent += seconds
        decisions += 1
        if problem.loss is not None:
            lost += problem.loss(state, action, left)
        state, reward, terminated = problem.model.sample(state, action, luck)
        if problem.loss is None:
            gained += float(reward)
        if terminated:
            break
    return lost if problem.loss is not None else problem.best - gained, decisions, spent

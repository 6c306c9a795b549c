"""An agent that plays real environments, asking a planning server for every action.

    mcts-service serve --port 50051
    python examples/play.py --target 127.0.0.1:50051

The environments are stepped here, by Gymnasium; the server sees one state at a time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np

from mcts_client import PlannerClient
from problems import PROBLEMS, Problem
from scoreboard import Scoreboard, Tally

#: An episode that has begun is played to its end, so the total is a little more than asked;
#: beyond this factor it is abandoned all the same.
OVERRUN = 1.4


def main() -> int:
    """Plays every problem for its share of the time and shows the table.

    Returns:
      The exit status: 0, or 130 after Ctrl-C.
    """
    arguments = _parse_arguments()
    board = Scoreboard(PROBLEMS)
    status = 0
    with PlannerClient(arguments.target) as client, board.live():
        try:
            play_all(client, board, seconds=arguments.seconds, seed=arguments.seed)
        except KeyboardInterrupt:
            status = 130
    board.show()
    return status


def play_all(client: PlannerClient, board: Scoreboard, *, seconds: float, seed: int) -> None:
    """Plays the problems one after the other, each for an equal share of the time."""
    start = time.monotonic()
    for number, problem in enumerate(PROBLEMS, 1):
        play(
            problem,
            client,
            board.begin(problem),
            share_ends=start + seconds * number / len(PROBLEMS),
            give_up_at=start + seconds * OVERRUN,
            seed=seed,
        )
        board.end(problem)


def play(
    problem: Problem,
    client: PlannerClient,
    tally: Tally,
    *,
    share_ends: float,
    give_up_at: float,
    seed: int,
) -> None:
    """Plays at least one episode, and begins new ones until the share of the time is over.

    Args:
      problem: what to play.
      client: the planning server.
      tally: filled as play goes on.
      share_ends: no episode begins after it, in seconds of `time.monotonic`.
      give_up_at: an episode still running then is not counted, in the same seconds.
      seed: fixes every episode and every plan.
    """
    seeds = np.random.default_rng(seed)
    environment = problem.make_environment(problem.steps)
    while time.monotonic() < give_up_at:
        total = 0.0
        for reward in _rewards_of_an_episode(problem, environment, client, tally, seeds):
            total += reward
            if time.monotonic() >= give_up_at:
                return
        tally.returns.append(total)
        if time.monotonic() >= share_ends:
            return


def _rewards_of_an_episode(
    problem: Problem,
    environment: gym.Env[Any, Any],
    client: PlannerClient,
    tally: Tally,
    seeds: np.random.Generator,
) -> Iterator[float]:
    """The reward of each step of one episode, every action planned."""
    observation, _ = environment.reset(seed=int(seeds.integers(2**31)))
    for steps_left in range(problem.steps, 0, -1):
        asked = time.perf_counter()
        plan = client.plan(
            problem.model,
            problem.state_of(observation),
            simulations=problem.simulations,
            horizon=steps_left,
            seed=int(seeds.integers(2**63)),
        )
        tally.latencies.append(time.perf_counter() - asked)
        tally.simulations += plan.simulations
        tally.search_seconds += plan.search_time
        observation, reward, terminated, truncated, _ = environment.step(plan.action)
        yield float(reward)
        if terminated or truncated:
            return


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--target", required=True, help="HOST:PORT of a planning server")
    parser.add_argument(
        "--seconds", type=float, default=75.0, help="how long to play (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

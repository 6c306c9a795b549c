"""Expert iteration on connect four: a network that learns from the plans it helps to make.

python examples/connect_four_expert.py [--iterations N] [--seed SEED] [--results FOLDER]

64 games at a time are played against itself, every move by a plan of 64 simulations whose leaves
the network values; the network then imitates the plans. Every tenth iteration it plays against
plain UCT, which rolls out to the end of the game, with as many simulations.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from connect_four_network import Imitation, Network, evaluation, new_network
from figures import BLUE, ORANGE, RESULTS, save, show, subplots
from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import MCTSServiceError
from mcts_service.learning import Callback, Iteration, ProgressBar, expert_iteration
from mcts_service.models import ConnectFour, with_evaluation

#: Rollouts, where there are any, are random: nobody is told how the game is won.
GAME = ConnectFour(decisive=False)
BUDGET = Budget(simulations=64)
EPISODES, EXPLORING_STEPS = 64, 12
MEASURED_EVERY, GAMES = 10, 100
OPENING_MOVES = 2
#: More than the preset's: rewards are 1 and -1, and a young network knows nothing.
EXPLORATION = 4.0


@dataclass(frozen=True)
class Point:
    """What was measured after some iterations.

    Attributes:
      games: of self-play so far.
      searching: points a game against UCT, of plans with the network.
      alone: the same of the network without a search, which takes what it holds likeliest.
    """

    games: int
    searching: float
    alone: float


def main() -> None:
    """Learns, prints the table and draws the plot."""
    parser = argparse.ArgumentParser(description="Expert iteration on connect four")
    parser.add_argument("--iterations", type=int, default=60, help="of 64 games (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="of all chance (default 0)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the plot goes")
    arguments = parser.parse_args()
    points = learn(arguments.iterations, arguments.seed, [ProgressBar("playing itself")])
    show(table(points))
    draw(points, arguments.results / "connect_four_expert.png")


def learn(
    iterations: int,
    seed: int,
    callbacks: Sequence[Callback] = (),
    *,
    episodes: int = EPISODES,
    games: int = GAMES,
    measured_every: int = MEASURED_EVERY,
) -> list[Point]:
    """What was measured before the first iteration and after every tenth."""
    rng = np.random.default_rng(seed)
    network = new_network(rng)
    points = [measured(network, 0, games)]

    def measure(done: Iteration) -> None:
        if done.number % measured_every == 0:
            points.append(measured(done.parameters, done.number * episodes, games))

    expert_iteration(
        GAME,
        network,
        evaluation=evaluation,
        imitate=Imitation(),
        iterations=iterations,
        episodes=episodes,
        budget=BUDGET,
        exploring_steps=EXPLORING_STEPS,
        rng=rng,
        callbacks=[*callbacks, measure],
    )
    return points


def measured(network: Network, games_so_far: int, games: int) -> Point:
    """The network against UCT, always by the same seed: openings are the same."""
    evaluate = evaluation(network)
    config = SearchConfig.preset("puct", exploration=EXPLORATION)
    planner = MCTS(with_evaluation(GAME, evaluate_batch=evaluate), config)

    def likeliest(boards: list[Any], rng: np.random.Generator) -> list[int]:
        priors, _ = evaluate(np.array(boards))
        legal = np.array([board[0] == 0 for board in boards])
        return [int(action) for action in np.where(legal, priors, -1).argmax(axis=1)]

    return Point(
        games_so_far,
        points_a_game(planned_by(planner), games),
        points_a_game(likeliest, games),
    )


Moves = Callable[[list[Any], np.random.Generator], list[int]]


def planned_by(planner: MCTS) -> Moves:
    """Moves by plans, of many boards at once."""

    def moves(boards: list[Any], rng: np.random.Generator) -> list[int]:
        seeds = rng.integers(2**64, size=len(boards), dtype=np.uint64).tolist()
        actions = []
        for plan in planner.plan_batch(boards, BUDGET, seeds=seeds):
            if isinstance(plan, MCTSServiceError):
                raise plan
            actions.append(int(plan.action))
        return actions

    return moves


def points_a_game(moves: Moves, games: int, seed: int = 1) -> float:
    """Against UCT: 1 for a win, half for a draw. Sides change, openings of two moves are random."""
    rng = np.random.default_rng(seed)
    opponent = planned_by(MCTS(GAME, SearchConfig.preset("uct")))
    boards = [opened(rng) for _ in range(games)]
    results = np.full(games, np.nan)
    for move in range(42):
        for player, of_player in ((0, moves), (1, opponent)):
            # In even games it begins.
            turn = [g for g in range(games) if (move + g) % 2 == player and np.isnan(results[g])]
            if not turn:
                continue
            actions = of_player([boards[g] for g in turn], rng)
            for game, action in zip(turn, actions, strict=True):
                boards[game], rewards, terminated = GAME.sample(boards[game], action, rng)
                if terminated:
                    results[game] = (1 + rewards[game % 2]) / 2
        if not np.isnan(results).any():
            break
    return float(results.mean())


def opened(rng: np.random.Generator) -> Any:
    """A board after the opening."""
    board = GAME.initial_state()
    for _ in range(OPENING_MOVES):
        board, _, _ = GAME.sample(board, int(rng.integers(GAME.num_actions)), rng)
    return board


def table(points: list[Point]) -> Table:
    """What was measured."""
    shown = Table(title=f"Points a game against UCT, both with {BUDGET.simulations} simulations")
    for column in ("games of self-play", "network and search", "network alone"):
        shown.add_column(column, justify="right")
    for point in points:
        shown.add_row(f"{point.games:,}", f"{point.searching:.3f}", f"{point.alone:.3f}")
    return shown


def draw(points: list[Point], path: Path) -> None:
    """Points a game against games of self-play."""
    figure, (axis,) = subplots(1, width=6.4, height=4.0)
    games = [point.games for point in points]
    for colour, label, of_points in (
        (BLUE, f"network and {BUDGET.simulations} simulations", [p.searching for p in points]),
        (ORANGE, "network alone", [p.alone for p in points]),
    ):
        values = np.array(of_points)
        error = np.sqrt(values * (1 - values) / GAMES)
        axis.plot(games, values, color=colour, linewidth=1.4, marker="o", markersize=3, label=label)
        axis.fill_between(
            games, values - error, values + error, color=colour, alpha=0.18, linewidth=0
        )
    label = "as strong as UCT with rollouts"
    axis.axhline(0.5, color="#888888", linewidth=1.0, linestyle=":", label=label)
    axis.set_xlim(0, games[-1])
    axis.set_ylim(0, 1)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.set_xlabel("games of self-play")
    axis.set_ylabel(f"points a game against UCT, {GAMES} games ± s.e.")
    axis.legend(frameon=False, loc="upper left")
    save(figure, path)


if __name__ == "__main__":
    main()

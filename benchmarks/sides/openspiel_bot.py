"""OpenSpiel's C++ MCTSBot with its C++ random rollouts."""

from __future__ import annotations

import random
import time
from typing import Any

import pyspiel
from sides.work import Work

__all__ = ["OpenSpielBot"]

MAX_MEMORY_MEGABYTES = 4_000
#: Rollouts played again to estimate how long they are.
COUNTED_ROLLOUTS = 2_000


class OpenSpielBot(Work):
    """One search after the other from the first state of a game.

    The bot draws one rollout for each leaf and keeps no proven values, as the other sides.

    Args:
      game: OpenSpiel's name of it.
      exploration: the bot's uct_c, on returns from -1 to 1.
    """

    def __init__(self, game: str, simulations: int, exploration: float) -> None:
        self.game = pyspiel.load_game(game)
        self.simulations = simulations
        self.bot = pyspiel.MCTSBot(
            self.game,
            pyspiel.RandomRolloutEvaluator(n_rollouts=1, seed=1),
            exploration,
            simulations,
            MAX_MEMORY_MEGABYTES,
            False,  # solve
            1,  # seed
            False,  # verbose
        )

    def turn(self, amount: int) -> float:
        searches = max(1, amount // self.simulations)
        state = self.game.new_initial_state()
        started = time.perf_counter()
        for _ in range(searches):
            self.bot.mcts_search(state)
        return self.simulations * searches / (time.perf_counter() - started)

    def counts(self) -> dict[str, float]:
        root = self.bot.mcts_search(self.game.new_initial_state())
        leaves: list[Any] = []
        depth = self._walk(root, self.game.new_initial_state(), leaves)
        rng = random.Random(0)
        lengths = [_rollout_length(rng.choice(leaves), rng) for _ in range(COUNTED_ROLLOUTS)]
        rollouts = len(leaves) / self.simulations
        return {
            "depth": depth / self.simulations,
            "steps": rollouts * sum(lengths) / len(lengths),
        }

    def _walk(self, node: Any, state: Any, leaves: list[Any]) -> int:
        """The sum of the lengths of all paths below a node; collects the states rolled out from.

        Each node that was visited and is not terminal had one rollout, at its first visit.
        """
        if state.is_terminal():
            return 0
        leaves.append(state)
        total = 0
        for child in node.children:
            if child.explore_count > 0:
                total += child.explore_count + self._walk(child, state.child(child.action), leaves)
        return total


def _rollout_length(state: Any, rng: random.Random) -> int:
    state, length = state.clone(), 0
    while not state.is_terminal():
        state.apply_action(rng.choice(state.legal_actions()))
        length += 1
    return length

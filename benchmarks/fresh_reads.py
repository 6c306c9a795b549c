"""What a step down the graph costs as an action has more outcomes.

Bellman backups read an edge fresh: all its outcomes if they are at most 16, else four of them in
rotation. So the cost of a step should grow up to there and then no more. Run it by hand:

    python benchmarks/fresh_reads.py
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from mcts_service._core import Search
from mcts_service.models import TabularModel

STATES, ACTIONS, STEPS, ROUNDS = 2_000, 4, 50, 7
WIDTHS = (2, 10, 16, 100, 1_000)


def random_table(outcomes: int) -> TabularModel:
    """Every action of every state leads to that many states, equally likely; nothing ends."""
    rng = np.random.default_rng(outcomes)
    rows = STATES * ACTIONS
    following = np.concatenate([rng.choice(STATES, outcomes, replace=False) for _ in range(rows)])
    return TabularModel.from_arrays(
        np.arange(rows + 1) * outcomes,
        np.full(rows * outcomes, 1 / outcomes),
        following,
        rng.random(rows * outcomes),
        np.zeros(rows * outcomes, bool),
        num_actions=ACTIONS,
        discount=0.95,
    )


def nanoseconds_a_step(model: TabularModel, backup: str, sharing: str) -> float:
    """Of a search that has seen every state, so that nothing is expanded while it is timed."""
    evaluation = "trial" if backup == "bellman" else "rollout"
    search = Search(
        model.handle,
        exploration=1.0,
        max_depth=STEPS,
        evaluation=evaluation,
        backup=backup,
        sharing=sharing,
    )
    search.begin(model.pack_state(0), horizon=0, allowed=None, seed=0, max_bytes=2**34)
    search.run(1_000)
    done, steps = search.simulations, search.simulations * search.mean_depth
    started = time.perf_counter()
    search.run(done + 400)
    seconds = time.perf_counter() - started
    return seconds * 1e9 / (search.simulations * search.mean_depth - steps)


def main() -> None:
    """Prints a row for each number of outcomes, sides in turn."""
    print(f"{'outcomes':>8}  {'ns a step':>9}  {'least .. most':>15}")
    models = {width: random_table(width) for width in WIDTHS}
    measured: dict[int, list[float]] = {width: [] for width in WIDTHS}
    for _ in range(ROUNDS):
        for width, model in models.items():
            measured[width].append(nanoseconds_a_step(model, "bellman", "state"))
    for width, times in measured.items():
        spread = f"{min(times):.0f} .. {max(times):.0f}"
        print(f"{width:>8}  {statistics.median(times):>9.0f}  {spread:>15}")


if __name__ == "__main__":
    main()

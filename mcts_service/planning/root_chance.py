"""Chance at the root: noise before a search, and an action drawn by visits after it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcts_service._core import Search, SeedWords
from mcts_service.planning.config import SearchConfig

__all__ = ["add_root_noise", "draw_by_visits"]


def add_root_noise(search: Search, config: SearchConfig, seed: int) -> None:
    """Gives a search that has begun, or resumed, the noise that its selection asks for.

    That is one Gumbel number an action for "gumbel", and Dirichlet noise for "puct" by
    `root_noise`.

    Source: Danihelka et al. (2022), section 2; Silver et al. (2018).
    """
    if config.selection == "gumbel":
        search.add_gumbel_noise(seed)
    elif config.selection == "puct" and config.root_noise > 0:
        shape = np.full(search.root_count, config.root_noise_concentration)
        search.add_noise(_rng(seed).dirichlet(shape), config.root_noise)


def draw_by_visits(action_visits: Sequence[int], temperature: float, seed: int) -> int:
    """The position of an action drawn with probability ~ visits^(1 / temperature).

    By a stream of its own: the visits depend on the noise of that seed.

    Source: Silver et al. (2017), "Mastering the game of Go without human knowledge".
    """
    visits = np.array(action_visits, np.float64)
    if not visits.any():
        return 0
    weights = (visits / visits.max()) ** (1.0 / temperature)
    rng = _rng(seed, spawn_key=1)
    return int(rng.choice(len(visits), p=weights / weights.sum()))


def _rng(seed: int, spawn_key: int | None = None) -> np.random.Generator:
    # It takes any ISeedSequence, which its stub does not say.
    bit_generator = np.random.PCG64(SeedWords(seed, spawn_key))  # type: ignore[arg-type]
    return np.random.Generator(bit_generator)

"""What an ensemble is not trained on, so that its training knows when to stop."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service.learning.fit.fit_ensemble import held_rows


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.99])
def test_trajectories_are_held_out_as_a_whole(share):
    rng = np.random.default_rng(0)
    for _ in range(50):
        lengths = rng.integers(1, 20, size=rng.integers(2, 30))
        first = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        held = held_rows(first, int(lengths.sum()), share, rng)
        assert held.any()
        assert not held.all()
        parts = np.split(held, first[1:])
        assert all(part.all() or not part.any() for part in parts)
        # No trajectory more or less would be closer to the share, but where one must be left.
        most = lengths.max()
        assert abs(held.sum() - share * len(held)) <= most + 1


def test_of_a_single_trajectory_its_end_is_held_out():
    rng = np.random.default_rng(0)
    assert held_rows(np.array([0]), 10, 0.2, rng).tolist() == [False] * 8 + [True] * 2
    assert held_rows(np.array([0]), 2, 0.9, rng).tolist() == [False, True]
    assert held_rows(np.array([0]), 10, 0.001, rng).sum() == 1


def test_which_ones_is_drawn():
    first = np.arange(0, 100, 10)
    rng = np.random.default_rng(0)
    drawn = {tuple(held_rows(first, 100, 0.1, rng)) for _ in range(200)}
    assert len(drawn) == 10  # each of ten; one is missed once in 10^8

"""Which features are active: of numbered states, and of tiles over a box."""

from __future__ import annotations

import copy
import pickle

import gymnasium
import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.learning import OneHot, TileCoding, tile_coding
from mcts_service.learning.features import active_of


def test_one_hot_is_the_state_itself():
    features = OneHot(5)
    assert (features.num_features, features.num_active) == (5, 1)
    assert features.active(3).tolist() == [3]
    assert features.active_batch([0, 4]).tolist() == [[0], [4]]


@pytest.mark.parametrize("state", [-1, 5, 1.0, "a", True])
def test_one_hot_refuses_what_is_no_state(state):
    with pytest.raises(InvalidRequest, match="state"):
        OneHot(5).active(state)
    with pytest.raises(InvalidRequest, match="state"):
        OneHot(5).active_batch(np.array([state, state]))


def test_tiles_worked_out_by_hand():
    # Two tilings of 2 tiles over [0, 1]: the second is shifted by half a tile, so that a tile
    # has the width 0.5 and tiling 1 changes tiles at 0.25 and 0.75. Three tiles each.
    features = TileCoding([0.0], [1.0], 2, 2)
    assert (features.num_features, features.num_active) == (6, 2)
    for state, tiles in [(0.0, [0, 3]), (0.24, [0, 3]), (0.25, [0, 4]), (0.5, [1, 4]),
                         (0.75, [1, 5]), (1.0, [2, 5])]:  # fmt: skip
        assert features.active([state]).tolist() == tiles


def test_tilings_are_shifted_by_the_first_odd_numbers():
    # Tiling 1 of 4 is shifted by 1/4 of a tile in the first dimension and by 3/4 in the second.
    features = TileCoding([0.0, 0.0], [1.0, 1.0], 1, 4)
    column = features.active([0.74, 0.0])[1] - 4
    row = features.active([0.75, 0.0])[1] - 4
    assert (column, row) == (0, 2), "floor(0.74 + 0.25) = 0, floor(0.75 + 0.25) = 1: a row on"
    assert features.active([0.0, 0.24])[1] - 4 == 0
    assert features.active([0.0, 0.25])[1] - 4 == 1


def test_every_feature_is_of_one_tile_and_the_edges_hold():
    features = TileCoding([-1.0, 0.0], [1.0, 3.0], [4, 3], 8)
    assert features.num_features == 8 * 5 * 4
    inside, beyond = features.active([1.0, 0.0]), features.active([7.0, -2.0])
    assert inside.tolist() == beyond.tolist()
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 200), np.linspace(0, 3, 200)), -1).reshape(-1, 2)
    active = features.active_batch(grid)
    tiling = active // 20
    assert (tiling == np.arange(8)).all(), "one tile of each tiling"
    assert len(np.unique(active[:, 0])) == 20


def numpy_tiles(features, states):
    """What compiled code does, by the formula in the docstring of `TileCoding`."""
    tilings, dimensions = features.num_active, len(features.tiles)
    inside = np.clip(states, features.low, features.high)
    across = (inside - features.low) * (features.tiles / (features.high - features.low))
    found = []
    for k in range(tilings):
        shift = k * (2 * np.arange(dimensions) + 1) % tilings / tilings
        tiles = np.floor(across + shift).astype(int)
        number = np.ravel_multi_index(tuple(tiles.T), tuple(features.tiles + 1))
        found.append(k * np.prod(features.tiles + 1) + number)
    return np.stack(found, axis=1)


@pytest.mark.parametrize("dimensions", [1, 2, 4, 6])
def test_native_tiles_are_those_of_numpy(dimensions):
    rng = np.random.default_rng(dimensions)
    low = rng.normal(size=dimensions)
    high = low + rng.random(dimensions) * 5 + 0.1
    features = TileCoding(low, high, list(rng.integers(1, 7, dimensions)), 8)
    # Beyond the box too, and on the very edges of tiles.
    states = low + (high - low) * rng.uniform(-0.2, 1.2, (2_000, dimensions))
    edges = low + (high - low) * rng.integers(0, 57, (2_000, dimensions)) / 56
    states = np.concatenate([states, edges])
    found = features.active_batch(states)
    assert np.array_equal(found, numpy_tiles(features, states))
    assert np.array_equal(found[:50], [features.active(state) for state in states[:50]])
    assert found.min() >= 0
    assert found.max() < features.num_features


@pytest.mark.parametrize(
    "name",
    ["CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Acrobot-v1", "Pendulum-v1"],
)
def test_classic_control_has_tiles_for_what_its_environments_show(name):
    features = tile_coding(name, tiles=4, tilings=2)
    env = gymnasium.make(name)
    observation, _ = env.reset(seed=0)
    assert features.active(observation).shape == (2,)
    space = env.observation_space
    bounded = np.isfinite(space.high) & (space.high < 1e30)
    # An angle of 12 degrees ends an episode; the space is wider by a factor of two.
    if not name.startswith("CartPole"):
        assert features.low[bounded] == pytest.approx(space.low[bounded], rel=1e-6)
        assert features.high[bounded] == pytest.approx(space.high[bounded], rel=1e-6)
    env.close()


def test_unknown_problems_are_told_the_known_ones():
    with pytest.raises(InvalidRequest, match="name: is 'Ant-v5'; must be one of Acrobot, CartPole"):
        tile_coding("Ant-v5")


@pytest.mark.parametrize(
    "state", [[0.0], [0.0, 0.0, 0.0], [np.nan, 0.0], [0.0, np.inf], "ab", None, 0.0, [[0.0, 0.0]]]
)
def test_a_state_that_is_no_point_of_the_box_is_refused(state):
    features = TileCoding([0, 0], [1, 1], 2, 2)
    with pytest.raises(InvalidRequest, match=r"state: .*must be 2 finite numbers"):
        features.active(state)
    with pytest.raises(InvalidRequest, match=r"state: .*must be 2 finite numbers"):
        features.active_batch([state])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0.0], [0.0], 2, 2), r"low\[0\]: is 0.0, high\[0\] 0.0"),
        (([0.0, 1.0], [1.0, np.nan], 2, 2), r"low\[1\]"),
        (([0.0], [1.0, 2.0], 2, 2), "low: has the shape"),
        (([], [], 2, 2), "low: has the shape"),
        (([0.0], [1.0], 0, 2), "tiles: is 0"),
        (([0.0], [1.0], [2, 2], 2), "tiles: has 2 numbers; must have 1"),
        (([0.0], [1.0], 2, 0), "tilings: is 0"),
        (([0.0] * 6, [1.0] * 6, 100, 8), "tiles: make .* features; must be at most"),
    ],
)
def test_what_makes_no_tiling_is_refused(arguments, said):
    with pytest.raises(InvalidRequest, match=said):
        TileCoding(*arguments)


def test_tilings_can_be_copied_and_pickled():
    features = TileCoding([0, 0], [1, 1], 2, 2)
    for duplicate in (copy.deepcopy(features), pickle.loads(pickle.dumps(features))):
        assert duplicate.active([0.3, 0.9]).tolist() == features.active([0.3, 0.9]).tolist()


def test_features_out_of_range_never_reach_the_parameters():
    class Wrong:
        num_features, num_active = 3, 1

        def active(self, state):
            return np.array([state])

    with pytest.raises(InvalidRequest, match="features: give numbers from 0 to 3"):
        active_of(Wrong(), [0, 3])
    Wrong.num_active = 2
    with pytest.raises(InvalidRequest, match=r"must be \[2, 2\]"):
        active_of(Wrong(), [0, 1])

"""Many trajectories of a batch model at once, each as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models import UnrolledBatch
from mcts_service.policies import Uniform


class Drift:
    """A point that is pushed by -1 or 1 with noise, and ends beyond 2 on the right."""

    num_actions = 2
    horizon = 50

    def __init__(self):
        self.rows = []

    def initial_state(self, rng=None):
        return np.array([0.0])

    def is_terminal(self, state):
        return bool(state[0] > 2)

    def sample_batch(self, states, actions, rng):
        self.rows.append(len(states))
        pushed = states[:, 0] + 2 * actions - 1 + rng.normal()
        return pushed[:, np.newaxis], -np.abs(pushed), pushed > 2


def states_of(trajectories):
    return [np.array(trajectory.states).ravel().tolist() for trajectory in trajectories]


def test_an_episode_is_the_same_however_many_run_beside_it():
    model = UnrolledBatch(Drift())
    few = model.trajectories(Uniform(2), 3, np.random.default_rng(4))
    many = model.trajectories(Uniform(2), 9, np.random.default_rng(4))
    assert states_of(few) == states_of(many[:3])
    assert states_of(few) == states_of(model.trajectories(Uniform(2), 3, np.random.default_rng(4)))
    assert len({len(trajectory.actions) for trajectory in many}) > 1


def test_episodes_end_one_by_one_and_are_not_asked_about_again():
    drift = Drift()
    trajectories = UnrolledBatch(drift, max_steps=20).trajectories(
        Uniform(2), 16, np.random.default_rng(0)
    )
    lengths = [len(trajectory.actions) for trajectory in trajectories]
    assert drift.rows == [sum(length > t for length in lengths) for t in range(max(lengths))]
    for trajectory in trajectories:
        assert len(trajectory.states) == len(trajectory.actions) + 1 == len(trajectory.rewards) + 1
        assert trajectory.terminated == (trajectory.states[-1][0] > 2)
        assert trajectory.terminated or len(trajectory.actions) == 20
        found = [-abs(float(state[0])) for state in trajectory.states[1:]]
        assert trajectory.rewards == found


def test_one_trajectory_is_unrolled_too():
    trajectory = UnrolledBatch(Drift()).trajectory(Uniform(2), np.random.default_rng(0))
    assert trajectory.terminated or len(trajectory.actions) == 50


def test_what_cannot_run_side_by_side_is_refused():
    class Lame(Drift):
        def sample_batch(self, states, actions, rng):
            return states[:1], np.zeros(1), np.zeros(1, bool)

    class Alone:
        num_actions = 2

        def sample(self, state, action, rng):
            return state, 0.0, True

    rng = np.random.default_rng(0)
    with pytest.raises(ModelFault, match=r"sample_batch gives 1 next states, .* for 2 rows"):
        UnrolledBatch(Lame()).trajectories(Uniform(2), 2, rng)
    with pytest.raises(InvalidRequest, match="model: is a Alone; must have sample_batch"):
        UnrolledBatch(Alone())
    with pytest.raises(InvalidRequest, match="count: is 0"):
        UnrolledBatch(Drift()).trajectories(Uniform(2), 0, rng)
    with pytest.raises(InvalidRequest, match="policy: takes the action 2"):
        UnrolledBatch(Drift()).trajectories(Uniform(3), 20, rng)

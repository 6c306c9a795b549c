"""A live Gymnasium environment is a trajectory model."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models import EnvironmentModel, UnrolledModel, from_gymnasium
from mcts_service.policies import Uniform


class Ramp(gymnasium.Env):
    """Writes into the same array at every step; ends at 3. Actions count from 5."""

    action_space = gymnasium.spaces.Discrete(2, start=5)
    observation_space = gymnasium.spaces.Box(-10, 10, (1,))

    def __init__(self, reward=1.0, broken_at=None):
        self.shown = np.zeros(1, np.float32)
        self.reward, self.broken_at, self.taken = reward, broken_at, []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.shown[0] = 0
        return self.shown, {}

    def step(self, action):
        self.taken.append(action)
        self.shown += 1
        if self.shown[0] == self.broken_at:
            self.shown[0] = np.nan
        return self.shown, self.reward, bool(self.shown[0] == 3), False, {}


def test_states_are_kept_apart_and_actions_are_numbered_from_zero():
    env = Ramp()
    trajectory = EnvironmentModel(env).trajectory(Uniform(2), np.random.default_rng(0))
    assert [state.tolist() for state in trajectory.states] == [[0], [1], [2], [3]]
    assert set(trajectory.actions) <= {0, 1}
    assert env.taken == [action + 5 for action in trajectory.actions]
    assert trajectory.terminated is True


def test_the_generator_seeds_each_episode():
    model = EnvironmentModel("CartPole-v1")
    first = model.trajectory(Uniform(2), np.random.default_rng(7))
    model.trajectory(Uniform(2), np.random.default_rng(8))
    again = model.trajectory(Uniform(2), np.random.default_rng(7))
    assert first.actions == again.actions
    assert np.array_equal(first.states, again.states)
    model.env.close()


def test_truncated_is_not_terminated():
    model = EnvironmentModel("MountainCar-v0")
    trajectory = model.trajectory(Uniform(3), np.random.default_rng(0))
    assert len(trajectory.actions) == 200
    assert trajectory.terminated is False
    cut = EnvironmentModel("MountainCar-v0", max_steps=2)
    trajectory = cut.trajectory(Uniform(3), np.random.default_rng(0))
    assert len(trajectory.actions) == 2
    assert trajectory.terminated is False


def test_the_environment_and_its_model_play_by_the_same_rules():
    # The deterministic lake leaves nothing to chance but the policy.
    class Tour:
        def action(self, state, rng):
            return {0: 1, 4: 1, 8: 2, 9: 2, 10: 1, 14: 2}[state]

    arguments = {"is_slippery": False}
    real = EnvironmentModel("FrozenLake-v1", **arguments)
    simulated = UnrolledModel(from_gymnasium("FrozenLake-v1", **arguments))
    played = [model.trajectory(Tour(), np.random.default_rng(0)) for model in (real, simulated)]
    assert played[0] == played[1]
    assert played[0].states == [0, 4, 8, 9, 10, 14, 15]


def test_continuous_actions_are_passed_on():
    class Push:
        def action(self, state, rng):
            return np.array([0.5], np.float32)

    model = EnvironmentModel("Pendulum-v1", max_steps=3)
    assert model.num_actions is None
    assert len(model.trajectory(Push(), np.random.default_rng(0)).actions) == 3


@pytest.mark.parametrize("action", [-1, 2, True, 0.0, "up"])
def test_an_action_that_there_is_not_is_refused(action):
    class Wrong:
        def action(self, state, rng):
            return action

    with pytest.raises(InvalidRequest, match=r"policy: takes the action .* from 0 to 1"):
        EnvironmentModel(Ramp()).trajectory(Wrong(), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("env", "said"),
    [(Ramp(reward=np.inf), "gives the reward inf"), (Ramp(broken_at=2), "the environment shows")],
)
def test_numbers_that_are_not_finite_are_the_environments_fault(env, said):
    with pytest.raises(ModelFault, match=said):
        EnvironmentModel(env).trajectory(Uniform(2), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: EnvironmentModel("NoSuch-v0"), "env: 'NoSuch-v0' cannot be made"),
        (lambda: EnvironmentModel(object()), "env: is a object"),
        (lambda: EnvironmentModel(Ramp(), render_mode="human"), "render_mode: goes with"),
        (lambda: EnvironmentModel(Ramp(), max_steps=0), "max_steps: is 0"),
    ],
)
def test_what_is_no_environment_is_refused(build, said):
    with pytest.raises(InvalidRequest, match=said):
        build()

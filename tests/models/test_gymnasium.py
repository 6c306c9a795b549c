"""Tables, classic control and the choice between the ways to model an environment."""

from __future__ import annotations

import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import CartPoleEnv
from gymnasium.envs.toy_text import CliffWalkingEnv, FrozenLakeEnv, TaxiEnv
from gymnasium.wrappers import TimeLimit, TransformObservation, TransformReward
from searching import to_the_end

from mcts_service import MCTS, Budget
from mcts_service.errors import InvalidRequest
from mcts_service.models.gymnasium import from_gymnasium
from mcts_service.models.gymnasium_classic import ClassicControlModel
from mcts_service.models.gymnasium_copy import CopiedEnvironmentModel
from mcts_service.models.gymnasium_table import EnvironmentTable
from mcts_service.testing import assert_model

CLASSIC = ["CartPole-v1", "MountainCar-v0", "Acrobot-v1"]


class TwoRooms(gymnasium.Env):
    """A user's environment with a table: action 5 stays, action 6 leaves room 0 half the time."""

    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2, start=5)
    initial_state_distrib = np.array([1.0, 0.0])

    def __init__(self, honest=True):
        self.P = {
            state: {
                5: [(1.0, state, -1.0, False)],
                6: [(0.5, 0, -1.0, False), (0.5, 1, 0.0, True)],
            }
            for state in (0, 1)
        }
        self.honest = honest

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.s = 0
        return 0, {}

    def step(self, action):
        outcomes = self.P[self.s][action]
        _, self.s, reward, terminated = outcomes[self.np_random.integers(len(outcomes))]
        return self.s, reward if self.honest else reward * 2, terminated, False, {}


@pytest.mark.parametrize("toy", [FrozenLakeEnv(), CliffWalkingEnv(), TaxiEnv()])
def test_toy_text_environment_becomes_its_own_table(toy):
    model = from_gymnasium(toy)
    assert isinstance(model, EnvironmentTable)
    assert model.discount == 0.99
    assert model.horizon is None
    states = range(len(toy.P))
    for state in [*states][:: max(1, len(states) // 20)]:
        if model.is_terminal(state):
            continue
        for action in range(model.num_actions):
            assert merged(model.transitions(state, action)) == pytest.approx(
                merged(toy.P[state][action]), abs=1e-12
            )
    assert_model(model)


def merged(outcomes):
    total = {}
    for probability, *outcome in outcomes:
        total[tuple(outcome)] = total.get(tuple(outcome), 0.0) + probability
    return total


def test_table_starts_where_gymnasium_starts():
    toy = TaxiEnv()
    model = from_gymnasium(toy)
    rng = np.random.default_rng(0)
    assert all(toy.initial_state_distrib[model.initial_state(rng)] > 0 for _ in range(100))


def test_table_of_a_user_counts_actions_from_zero():
    model = from_gymnasium(TwoRooms())
    assert isinstance(model, EnvironmentTable)
    assert (model.num_actions, model.first_action) == (2, 5)
    assert merged(model.transitions(0, 1)) == {(0, -1.0, False): 0.5, (1, 0.0, True): 0.5}


def test_environment_that_strays_from_its_table_is_copied():
    assert isinstance(from_gymnasium(TwoRooms(honest=False)), CopiedEnvironmentModel)


def test_taxi_with_a_fickle_passenger_is_copied():
    model = from_gymnasium(TaxiEnv(fickle_passenger=True))
    assert isinstance(model, CopiedEnvironmentModel)


def test_live_table_state_is_told():
    model = from_gymnasium("FrozenLake-v1", is_slippery=False)
    env = gymnasium.make("FrozenLake-v1", is_slippery=False)
    with pytest.raises(InvalidRequest, match=r"call env\.reset\(\) first"):
        model.state_of(env)
    env.reset(seed=0)
    env.step(2)
    assert model.state_of(env) == 1


@pytest.mark.parametrize("name", CLASSIC)
def test_classic_control_steps_as_gymnasium_does(name):
    env = gymnasium.make(name)
    model = from_gymnasium(env)
    assert isinstance(model, ClassicControlModel)
    unused = np.random.default_rng(0)
    rng = np.random.default_rng(1)
    for seed in range(3):
        env.reset(seed=seed)
        state = model.state_of(env)
        ended = False
        while not ended:
            action = int(rng.integers(model.num_actions))
            _, reward, terminated, truncated, _ = env.step(action)
            state, *answer = model.sample(state, action, unused)
            assert np.array_equal(state, model.state_of(env))
            assert answer == [reward, terminated]
            assert model.is_terminal(state) == terminated
            ended = terminated or truncated


@pytest.mark.parametrize("name", CLASSIC)
def test_classic_control_keeps_the_contract(name):
    model = from_gymnasium(name)
    assert model.deterministic
    assert model.discount == 1.0
    assert model.state_spec.shape == model.initial_state().shape
    assert_model(model)


def test_subclass_of_a_classic_problem_is_copied():
    class TwoPoles(CartPoleEnv):
        """May keep more than `state`."""

    assert isinstance(from_gymnasium(TwoPoles()), CopiedEnvironmentModel)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("CartPole-v1", [2.5, 0, 0, 0]),
        ("CartPole-v1", [0, 0, -0.3, 0]),
        ("MountainCar-v0", [0.5, 0.01]),
        ("Acrobot-v1", [np.pi, 0, 0, 0]),
    ],
)
def test_end_of_a_classic_episode_is_terminal(name, state):
    assert from_gymnasium(name).is_terminal(np.array(state, dtype=np.float64))


def test_classic_model_leaves_its_environment_alone():
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=0)
    before, generator = env.unwrapped.state.copy(), env.unwrapped.np_random.bit_generator.state
    model = from_gymnasium(env)
    model.sample(model.initial_state(np.random.default_rng(3)), 1, np.random.default_rng(4))
    assert np.array_equal(env.unwrapped.state, before)
    assert env.unwrapped.np_random.bit_generator.state == generator


def test_pole_that_has_fallen_in_the_environment_stands_in_the_model():
    env = gymnasium.make("CartPole-v1").unwrapped
    env.reset(seed=0)
    while not env.step(1)[2]:
        pass
    model = from_gymnasium(env)
    falling = np.array([0.0, 0.0, 0.2, 3.0])
    _, reward, terminated = model.sample(falling, 1, np.random.default_rng(0))
    assert (reward, terminated) == (1.0, True)


def test_changed_constants_count():
    env = gymnasium.make("CartPole-v1").unwrapped
    env.gravity = 20.0
    state, rng = np.array([0.0, 0.0, 0.1, 0.0]), np.random.default_rng(0)
    heavy, _, _ = from_gymnasium(env).sample(state, 0, rng)
    usual, _, _ = from_gymnasium("CartPole-v1").sample(state, 0, rng)
    assert heavy[3] > usual[3]


def test_acrobot_with_torque_noise_draws_from_the_planners_generator():
    env = gymnasium.make("Acrobot-v1").unwrapped
    env.torque_noise_max = 0.5
    model = from_gymnasium(env)
    assert not model.deterministic
    assert_model(model)
    state = np.zeros(4)
    outcomes = {model.sample(state, 0, np.random.default_rng(s))[0].tobytes() for s in range(5)}
    assert len(outcomes) == 5


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (np.zeros(3), r"must be float64\[4\]: x, x_dot, theta, theta_dot"),
        ("upright", "is 'upright'; must be"),
        (np.array([0, np.nan, 0, 0]), "all finite"),
    ],
)
def test_wrong_classic_state_is_named(state, said):
    with pytest.raises(InvalidRequest, match=f"state: .*{said}"):
        from_gymnasium("CartPole-v1").validate_state(state)


def test_state_of_another_environment_is_refused():
    model = from_gymnasium("CartPole-v1")
    with pytest.raises(InvalidRequest, match="is a MountainCarEnv; must be a CartPoleEnv"):
        model.state_of(gymnasium.make("MountainCar-v0"))
    with pytest.raises(InvalidRequest, match=r"call env\.reset\(\) first"):
        model.state_of(gymnasium.make("CartPole-v1"))


def test_horizon_is_the_least_time_limit():
    assert from_gymnasium("CartPole-v1").horizon == 500
    assert from_gymnasium("FrozenLake-v1").horizon == 100
    assert from_gymnasium(TimeLimit(gymnasium.make("CartPole-v1"), 30)).horizon == 30
    assert from_gymnasium(gymnasium.make("CartPole-v1").unwrapped).horizon is None


def test_wrapper_that_changes_only_what_is_seen_is_looked_through():
    env = gymnasium.make("CartPole-v1")
    assert from_gymnasium(TransformObservation(env, np.negative, None)).num_actions == 2


def test_wrapper_that_changes_rewards_is_refused():
    env = TransformReward(gymnasium.make("CartPole-v1"), np.negative)
    with pytest.raises(InvalidRequest, match="wrapper TransformReward may change what a step"):
        from_gymnasium(env)


@pytest.mark.parametrize("name", ["Pendulum-v1", "MountainCarContinuous-v0"])
def test_continuous_actions_are_refused(name):
    with pytest.raises(InvalidRequest, match=r"has the actions Box\(.*must have Discrete ones"):
        from_gymnasium(name)


def test_discount_is_the_callers():
    assert from_gymnasium("CartPole-v1", discount=0.9).discount == 0.9
    assert from_gymnasium("FrozenLake-v1", discount=0.9).discount == 0.9


def test_what_is_no_environment_is_refused():
    with pytest.raises(InvalidRequest, match="env: is a int; must be a gymnasium"):
        from_gymnasium(7)
    with pytest.raises(InvalidRequest, match="env: 'Nowhere-v0' cannot be made"):
        from_gymnasium("Nowhere-v0")
    with pytest.raises(InvalidRequest, match="map_name: goes with an environment's id"):
        from_gymnasium(FrozenLakeEnv(), map_name="8x8")


@pytest.mark.parametrize("name", ["FrozenLake-v1", "CartPole-v1", "Blackjack-v1"])
def test_planner_plans_in_a_live_environment(name):
    env = gymnasium.make(name)
    model = from_gymnasium(env)
    env.reset(seed=1)
    planners = [MCTS(model, to_the_end()) for _ in range(2)]
    plans = [planner.plan(model.state_of(env), Budget(simulations=50)) for planner in planners]
    assert plans[0].actions == plans[1].actions
    assert plans[0].simulations == 50


def test_missing_gymnasium_is_told_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(InvalidRequest, match=r"pip install 'mcts-service\[gymnasium\]'"):
        from_gymnasium("CartPole-v1")

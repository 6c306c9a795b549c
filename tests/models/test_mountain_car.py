"""The compiled mountain car moves as Gymnasium's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import MountainCarEnv

from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models import MountainCar


@pytest.fixture(scope="module")
def model() -> MountainCar:
    return MountainCar()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def random_states(rng: np.random.Generator, count: int, scale: float) -> np.ndarray:
    """States on the track and, where scale is above 1, beside it. float64[count, 2]."""
    middle, half = np.array([-0.3, 0.0]), np.array([0.9, 0.07]) * scale
    return rng.uniform(middle - half, middle + half, size=(count, 2))


def gymnasium_step(state: np.ndarray, action: int) -> tuple[np.ndarray, float, bool]:
    env: Any = MountainCarEnv()
    env.state = state.copy()
    _, reward, terminated, _, _ = env.step(action)
    return np.array(env.state, dtype=np.float64), float(reward), terminated


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_a_step_is_gymnasiums_within_rounding(
    model: MountainCar, rng: np.random.Generator, scale: float
) -> None:
    for state in random_states(rng, 1_000, scale):
        action = int(rng.integers(3))
        expected, reward, terminated = gymnasium_step(state, action)
        # Bytes, as states at the goal have no step in public.
        data, rewards, ended = model.handle.sample(state.tobytes(), action, rng)
        np.testing.assert_allclose(model.unpack_state(data), expected, rtol=1e-13, atol=1e-15)
        assert (rewards, ended) == ((reward,), terminated)


def test_an_episode_that_swings_up_is_gymnasiums(
    model: MountainCar, rng: np.random.Generator
) -> None:
    env = gymnasium.make("MountainCar-v0")
    env.reset(seed=3)
    live: Any = env.unwrapped
    state, terminated, steps = np.array(live.state), False, 0
    while not terminated:
        with_the_swing = 2 if state[1] >= 0 else 0
        state, reward, ended = model.sample(state, with_the_swing, rng)
        _, expected, terminated, truncated, _ = env.step(with_the_swing)
        steps += 1
        assert not truncated
        assert (reward, ended) == (expected, terminated)
        np.testing.assert_allclose(state, np.array(live.state), rtol=1e-9, atol=1e-12)
    assert 80 < steps < 200
    env.close()


def test_the_wall_stops_the_car(model: MountainCar, rng: np.random.Generator) -> None:
    following, _, terminated = model.sample(np.array([-1.19, -0.06]), 0, rng)
    assert following.tolist() == [-1.2, 0.0]
    assert not terminated


def test_terminal_states_are_those_at_the_goal_that_do_not_roll_back(
    model: MountainCar, rng: np.random.Generator
) -> None:
    for state in random_states(rng, 2_000, 1.2):
        arrived = state[0] >= 0.5 and state[1] >= 0
        assert model.is_terminal(state) == arrived
        assert model.legal_actions(state) == ([] if arrived else [0, 1, 2])
    assert model.is_terminal(np.array([0.5, 0.0]))
    assert not model.is_terminal(np.array([np.nextafter(0.5, 0), 0.07]))
    assert not model.is_terminal(np.array([0.55, np.nextafter(0, -1)]))


def test_a_hundred_steps_give_the_same_bits_on_every_machine(
    model: MountainCar, rng: np.random.Generator
) -> None:
    state = np.array([-0.5, 0.0])
    for step in range(100):
        state, _, _ = model.sample(state, (step // 20) % 3, rng)
    assert [float(number).hex() for number in state] == [
        "-0x1.096e5d5066c0ap+0",
        "-0x1.b0ce5800468fdp-7",
    ]


def test_rollout_plays_as_single_steps_do(
    model: MountainCar,
    rng: np.random.Generator,
    assert_rolls_out_step_by_step: Callable[..., None],
) -> None:
    states = [s for s in random_states(rng, 100, 1.0) if not model.is_terminal(s)]
    near_the_goal = [np.array([0.45, 0.03]), np.array([0.49, 0.0])]
    for seed, state in enumerate(states + near_the_goal):
        for max_steps in (0, 1, 2, 200):
            assert_rolls_out_step_by_step(model.handle, state.tobytes(), max_steps, seed)


def test_initial_state_is_drawn_as_gymnasium_draws_it(model: MountainCar) -> None:
    env: Any = gymnasium.make("MountainCar-v0")
    env.reset(seed=7)
    state = model.initial_state(np.random.Generator(np.random.PCG64(7)))
    np.testing.assert_array_equal(env.unwrapped.state, state)
    assert model.initial_state().tolist() == [-0.5, 0]
    assert model.horizon == env.spec.max_episode_steps
    env.close()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([0, 0, 0], r"has the shape \(3,\); must be float64\[2\]: position"),
        ([0, np.nan], r"is \(0, -?nan\); must be two numbers from -100 to 100"),
        ([101, 0], r"is \(101, 0\); must be two numbers from -100 to 100"),
    ],
)
def test_what_is_no_state_is_refused_with_the_reason(
    model: MountainCar, state: object, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"state: {message}"):
        model.pack_state(state)


def test_a_state_that_was_rounded_to_float32_is_accepted(model: MountainCar) -> None:
    for state in ([-1.2, 0.07], [0.6, -0.07]):
        rounded = np.array(state, np.float32)
        np.testing.assert_array_equal(model.unpack_state(model.pack_state(rounded)), rounded)


def test_a_car_at_the_goal_cannot_be_pushed(model: MountainCar, rng: np.random.Generator) -> None:
    with pytest.raises(TerminalState):
        model.sample(np.array([0.5, 0.01]), 2, rng)


@pytest.mark.parametrize("action", [-1, 3, True])
def test_an_action_that_is_none_is_refused(
    model: MountainCar, rng: np.random.Generator, action: int
) -> None:
    with pytest.raises(InvalidRequest, match=r"action: is .*; must be one of 0, 1, 2"):
        model.sample(model.initial_state(), action, rng)

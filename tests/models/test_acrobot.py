"""The compiled acrobot moves as Gymnasium's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import AcrobotEnv

from mcts_service import MCTS, Budget, SearchConfig
from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models import Acrobot

BOUNDS = np.array([np.pi, np.pi, 4 * np.pi, 9 * np.pi])


@pytest.fixture(scope="module")
def model() -> Acrobot:
    return Acrobot()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def random_states(rng: np.random.Generator, count: int, scale: float) -> np.ndarray:
    """States within and, where scale is above 1, beyond the bounds. float64[count, 4]."""
    return rng.uniform(-BOUNDS * scale, BOUNDS * scale, size=(count, 4))


def gymnasium_step(state: np.ndarray, action: int) -> tuple[np.ndarray, float, bool]:
    env: Any = AcrobotEnv()
    env.state = state.copy()
    _, reward, terminated, _, _ = env.step(action)
    return np.array(env.state), float(reward), terminated


@pytest.mark.parametrize(("scale", "tolerance"), [(0.1, 1e-13), (0.5, 1e-12), (1.0, 1e-10)])
def test_a_step_is_gymnasiums_within_rounding(
    model: Acrobot, rng: np.random.Generator, scale: float, tolerance: float
) -> None:
    """Great velocities make a step so wild that roundings grow."""
    for state in random_states(rng, 1_000, scale):
        action = int(rng.integers(3))
        expected, reward, terminated = gymnasium_step(state, action)
        # Bytes, as states with the tip up have no step in public.
        data, rewards, ended = model.handle.sample(state.tobytes(), action, rng)
        np.testing.assert_allclose(
            model.unpack_state(data), expected, rtol=tolerance, atol=tolerance
        )
        assert (rewards, ended) == ((reward,), terminated)


def test_an_episode_that_swings_up_is_gymnasiums(model: Acrobot, rng: np.random.Generator) -> None:
    env = gymnasium.make("Acrobot-v1")
    env.reset(seed=5)
    live: Any = env.unwrapped
    state, terminated, steps = np.array(live.state, np.float64), False, 0
    while not terminated:
        against_the_swing = 0 if state[2] > 0 else 2
        state, reward, ended = model.sample(state, against_the_swing, rng)
        _, expected, terminated, truncated, _ = env.step(against_the_swing)
        steps += 1
        assert not truncated
        assert (reward, ended) == (expected, terminated)
        np.testing.assert_allclose(state, np.array(live.state), rtol=1e-6, atol=1e-6)
    assert 40 < steps < 300
    env.close()


def test_terminal_states_are_those_with_the_tip_above_the_line(
    model: Acrobot, rng: np.random.Generator
) -> None:
    up = 0
    for state in random_states(rng, 2_000, 1.0):
        height = -np.cos(state[0]) - np.cos(state[0] + state[1])
        if abs(height - 1) > 1e-12:
            assert model.is_terminal(state) == (height > 1)
            assert model.legal_actions(state) == ([] if height > 1 else [0, 1, 2])
            up += height > 1
    assert 200 < up < 1_000


def test_sixty_steps_give_the_same_bits_on_every_machine(
    model: Acrobot, rng: np.random.Generator
) -> None:
    state = np.array([0.05, -0.02, 0.03, 0.04])
    for step in range(60):
        state, _, terminated = model.sample(state, (step // 4) % 3, rng)
        assert not terminated
    assert [float(number).hex() for number in state] == [
        "-0x1.104474f5b7a98p+0",
        "0x1.0ada72660659bp+0",
        "-0x1.36c3c06f4145ep+1",
        "0x1.38a6271637046p+2",
    ]


def test_rollout_plays_as_single_steps_do(
    model: Acrobot, rng: np.random.Generator, assert_rolls_out_step_by_step: Callable[..., None]
) -> None:
    states = [s for s in random_states(rng, 150, 0.6) if not model.is_terminal(s)]
    for seed, state in enumerate(states):
        for max_steps in (0, 1, 2, 100):
            assert_rolls_out_step_by_step(model.handle, state.tobytes(), max_steps, seed)


def test_initial_state_is_drawn_as_gymnasium_draws_it(model: Acrobot) -> None:
    env: Any = gymnasium.make("Acrobot-v1")
    env.reset(seed=7)
    state = model.initial_state(np.random.Generator(np.random.PCG64(7)))
    np.testing.assert_array_equal(env.unwrapped.state, state)
    assert model.initial_state().tolist() == [0, 0, 0, 0]
    assert model.horizon == env.spec.max_episode_steps
    env.close()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([0, 0], r"has the shape \(2,\); must be float64\[4\]: theta1"),
        ([0, 0, np.inf, 0], r"is \(0, 0, inf, 0\); must be four numbers from -100 to 100"),
        ([0, 0, 0, -101], r"is \(0, 0, 0, -101\); must be four numbers from -100 to 100"),
    ],
)
def test_what_is_no_state_is_refused_with_the_reason(
    model: Acrobot, state: object, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"state: {message}"):
        model.pack_state(state)


def test_a_step_from_the_greatest_numbers_leads_to_a_state_within_the_bounds(
    model: Acrobot, rng: np.random.Generator
) -> None:
    corners = np.array(np.meshgrid(*[[-100.0, 100.0]] * 4)).reshape(4, -1).T
    for state in corners:
        data, _, _ = model.handle.sample(state.tobytes(), 2, rng)
        assert (np.abs(model.unpack_state(data)) <= BOUNDS).all()


def test_an_arm_that_is_up_cannot_be_turned(model: Acrobot, rng: np.random.Generator) -> None:
    with pytest.raises(TerminalState):
        model.sample(np.array([np.pi, 0, 0, 0]), 2, rng)


@pytest.mark.parametrize("action", [-1, 3, True])
def test_an_action_that_is_none_is_refused(
    model: Acrobot, rng: np.random.Generator, action: int
) -> None:
    with pytest.raises(InvalidRequest, match=r"action: is .*; must be one of 0, 1, 2"):
        model.sample(model.initial_state(), action, rng)


def test_plans_swing_the_arm_up_in_gymnasium(model: Acrobot) -> None:
    """Random play mostly takes all 500 steps; its rollouts must be as long to see the end."""
    env = gymnasium.make("Acrobot-v1")
    env.reset(seed=0)
    live: Any = env.unwrapped
    planner, terminated, truncated, steps = (
        MCTS(model, SearchConfig(max_depth=500)),
        False,
        False,
        0,
    )
    while not (terminated or truncated):
        plan = planner.plan(live.state, Budget(simulations=300), seed=steps)
        _, _, terminated, truncated, _ = env.step(plan.action)
        steps += 1
    assert terminated
    assert steps <= 250
    env.close()

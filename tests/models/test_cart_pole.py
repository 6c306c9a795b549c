"""The compiled cart-pole moves as Gymnasium's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import CartPoleEnv

from mcts_service.errors import InvalidRequest, TerminalState
from mcts_service.models import CartPole

TWELVE_DEGREES = 12 * 2 * np.pi / 360


@pytest.fixture(scope="module")
def model() -> CartPole:
    return CartPole()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def random_states(rng: np.random.Generator, count: int, scale: float) -> np.ndarray:
    """States around those of an episode, float64[count, 4]."""
    bounds = np.array([2.4, 3.0, TWELVE_DEGREES, 3.0]) * scale
    return rng.uniform(-bounds, bounds, size=(count, 4))


def gymnasium_step(state: np.ndarray, action: int) -> tuple[np.ndarray, float, bool]:
    env: Any = CartPoleEnv()
    env.state = state.copy()
    _, reward, terminated, _, _ = env.step(action)
    return np.array(env.state), float(reward), terminated


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_a_step_is_gymnasiums_within_rounding(
    model: CartPole, rng: np.random.Generator, scale: float
) -> None:
    for state in random_states(rng, 1_000, scale):
        action = int(rng.integers(2))
        expected, reward, terminated = gymnasium_step(state, action)
        # Bytes, as states beyond the bounds have no step in public.
        data, rewards, ended = model.handle.sample(state.tobytes(), action, rng)
        np.testing.assert_allclose(model.unpack_state(data), expected, rtol=1e-12, atol=1e-12)
        assert (rewards, ended) == ((reward,), terminated)


def test_terminal_states_are_those_in_which_gymnasium_ends(
    model: CartPole, rng: np.random.Generator
) -> None:
    for state in random_states(rng, 2_000, 1.5):
        fallen = abs(state[0]) > 2.4 or abs(state[2]) > TWELVE_DEGREES
        assert model.is_terminal(state) == fallen
        assert model.legal_actions(state) == ([] if fallen else [0, 1])
    for bound in (2.4, -2.4):
        assert not model.is_terminal(np.array([bound, 0, 0, 0]))
        assert model.is_terminal(np.array([np.nextafter(bound, 2 * bound), 0, 0, 0]))
    for bound in (TWELVE_DEGREES, -TWELVE_DEGREES):
        assert not model.is_terminal(np.array([0, 0, bound, 0]))
        assert model.is_terminal(np.array([0, 0, np.nextafter(bound, 2 * bound), 0]))


def test_sixty_steps_give_the_same_bits_on_every_machine(
    model: CartPole, rng: np.random.Generator
) -> None:
    state = np.array([0.01, -0.02, 0.03, 0.04])
    for _ in range(60):
        towards_the_fall = int(state[2] + 0.3 * state[3] > 0)
        state, _, terminated = model.sample(state, towards_the_fall, rng)
        assert not terminated
    assert [float(number).hex() for number in state] == [
        "0x1.408f6e9962d5ep-3",
        "0x1.6f843daf9ff24p-2",
        "0x1.c9b603e617f21p-8",
        "-0x1.2e4d2a2a5c6f4p-2",
    ]


def test_rollout_plays_as_single_steps_do(
    model: CartPole, rng: np.random.Generator, assert_rolls_out_step_by_step: Callable[..., None]
) -> None:
    for seed, state in enumerate(random_states(rng, 200, 0.9)):
        for max_steps in (0, 1, 2, 300):
            assert_rolls_out_step_by_step(model.handle, state.tobytes(), max_steps, seed)


def test_initial_state_is_drawn_as_gymnasium_draws_it(model: CartPole) -> None:
    env: Any = gymnasium.make("CartPole-v1")
    env.reset(seed=7)
    state = model.initial_state(np.random.Generator(np.random.PCG64(7)))
    np.testing.assert_array_equal(env.unwrapped.state, state)
    assert model.initial_state().tolist() == [0, 0, 0, 0]
    env.close()


@pytest.mark.parametrize(
    "state",
    [
        [0, 0, 0, 0],
        (0.5, 0, 0, 0),
        np.zeros(4, np.float32),
        np.array([1, 0, 0, 0], np.int8),
        np.zeros((4, 2))[:, 0],
        np.zeros(4, ">f8"),
    ],
)
def test_four_numbers_in_any_form_are_a_state(model: CartPole, state: object) -> None:
    expected = np.asarray(state, dtype=np.float64)
    unpacked = model.unpack_state(model.pack_state(state))
    assert unpacked.dtype == np.float64
    np.testing.assert_array_equal(unpacked, expected)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([0, 0, 0], r"has the shape \(3,\); must be float64\[4\]: x"),
        (np.zeros((1, 4)), r"has the shape \(1, 4\); must be float64\[4\]"),
        (None, r"is None; must be float64\[4\]"),
        ("0000", r"is '0000'; must be float64\[4\]"),
        ([[0], [0, 0]], r"is \[\[0\], \[0, 0\]\]; must be"),
        (["0", "0", "0", "0"], "has the dtype <U1"),
        ([True, False, True, False], "has the dtype bool"),
        (np.zeros(4, np.complex128), "has the dtype complex128"),
        ([0, np.nan, 0, 0], r"is \(0, -?nan, 0, 0\); must be four finite numbers"),
        ([0, 0, -np.inf, 0], r"is \(0, 0, -inf, 0\); must be four finite numbers"),
        ([0, 0, 0.1, 1e200], r"is \(0, 0, 0.1, 1e\+200\); the velocities must be so small"),
    ],
)
def test_what_is_no_state_is_refused_with_the_reason(
    model: CartPole, state: object, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"state: {message}"):
        model.pack_state(state)


def test_a_step_from_the_greatest_velocities_leads_to_a_state(
    model: CartPole, rng: np.random.Generator
) -> None:
    for state in ([0, 0, 0.2, 1e153], [0, 1e307, 0, 0]):
        following, _, terminated = model.sample(np.array(state), 1, rng)
        assert terminated
        model.validate_state(following)


def test_a_fallen_pole_cannot_be_pushed(model: CartPole, rng: np.random.Generator) -> None:
    with pytest.raises(TerminalState):
        model.sample(np.array([0, 0, 0.3, 0]), 0, rng)


@pytest.mark.parametrize("action", [-1, 2, False])
def test_a_push_to_neither_side_is_refused(
    model: CartPole, rng: np.random.Generator, action: int
) -> None:
    with pytest.raises(InvalidRequest, match=r"action: is .*; must be one of 0, 1"):
        model.sample(model.initial_state(), action, rng)


def test_an_episode_has_five_hundred_steps(model: CartPole) -> None:
    assert model.horizon == gymnasium.spec("CartPole-v1").max_episode_steps

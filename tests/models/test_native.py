"""What all compiled models share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from mcts_service._core import ModelHandle, SplitMix64
from mcts_service.errors import InvalidRequest
from mcts_service.models import NativeModel, StateSpec, make, names
from mcts_service.protocols import SampleModel

BOARDS = {"tic_tac_toe": (3, 3), "connect_four": (6, 7)}


@pytest.fixture(params=names())
def model(request: pytest.FixtureRequest) -> NativeModel[Any]:
    return make(request.param)


@pytest.fixture(params=BOARDS)
def board_model(request: pytest.FixtureRequest) -> NativeModel[np.ndarray]:
    return make(request.param)


def stream(seed: int) -> np.random.Generator:
    """A generator that draws from the search's own stream."""
    bits: Any = SplitMix64(seed)
    return np.random.Generator(bits)


def test_a_compiled_model_is_a_sample_model(model: NativeModel[Any]) -> None:
    assert isinstance(model, SampleModel)
    assert isinstance(model.handle, ModelHandle)
    assert model.handle.thread_safe


def test_states_have_the_form_of_their_spec(model: NativeModel[Any]) -> None:
    rng = np.random.default_rng(0)
    first = model.initial_state(rng)
    following, _, _ = model.sample(first, model.legal_actions(first)[0], rng)
    for state in (first, following):
        if model.state_spec.kind == "discrete":
            assert type(state) is int
            assert 0 <= state < model.state_spec.num_values
        else:
            assert state.dtype == model.state_spec.dtype
            assert state.shape == model.state_spec.shape


def test_a_reward_is_one_number_for_each_player(model: NativeModel[Any]) -> None:
    rng = np.random.default_rng(0)
    _, reward, _ = model.sample(model.initial_state(rng), 0, rng)
    assert isinstance(reward, float) if model.num_players == 1 else len(reward) == 2


def test_arrays_are_new_each_time(board_model: NativeModel[np.ndarray]) -> None:
    packed = board_model.pack_state(board_model.initial_state())
    first = board_model.unpack_state(packed)
    first[...] = 1
    assert not board_model.unpack_state(packed).any()
    assert not board_model.initial_state().any()


def test_the_stream_decides_and_any_other_generator_seeds_one() -> None:
    model = make("frozen_lake_4x4")
    by_stream = [model.sample(10, 1, stream(7)) for _ in range(3)]
    assert by_stream[0] == by_stream[1] == by_stream[2]
    by_seed = [model.sample(10, 1, np.random.default_rng(7)) for _ in range(3)]
    assert by_seed[0] == by_seed[1] == by_seed[2]
    rng = np.random.default_rng(7)
    assert len({model.sample(10, 1, rng) for _ in range(100)}) == 3


def test_threads_share_a_model(model: NativeModel[Any]) -> None:
    state = model.pack_state(model.initial_state())

    def returns(seed: int) -> list[tuple[float, ...]]:
        rng = stream(seed)
        return [model.handle.rollout(state, 100, rng) for _ in range(200)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(returns, range(16))) == [returns(seed) for seed in range(16)]


@pytest.mark.parametrize("convert", [list, np.array, np.asfortranarray, np.ndarray.tolist])
@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.int16])
def test_a_board_may_have_any_integer_form(
    board_model: NativeModel[np.ndarray], convert: Callable[[np.ndarray], Any], dtype: Any
) -> None:
    board = board_model.initial_state()
    board[-1, 1], board[-1, 2] = 1, -1
    unpacked = board_model.unpack_state(board_model.pack_state(convert(board.astype(dtype))))
    np.testing.assert_array_equal(unpacked, board)
    assert unpacked.dtype == np.int8


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (None, "is None; must be integers of shape"),
        (5, "is 5; must be integers of shape"),
        ("44", "is '44'; must be integers of shape"),
        ([[0], [0, 0]], r"is \[\[0\], \[0, 0\]\]; must be integers of shape"),
        (np.zeros((2, 2), np.int8), r"has the shape \(2, 2\); must be integers of shape"),
        (np.zeros(42, np.int8), r"has the shape \(42,\); must be integers of shape"),
        ([], r"has the shape \(0,\); must be integers of shape"),
    ],
)
def test_what_is_no_board_is_refused_with_the_shape(
    board_model: NativeModel[np.ndarray], state: Any, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"state: {message}"):
        board_model.validate_state(state)


@pytest.mark.parametrize(
    ("dtype", "value", "message"),
    [
        (np.float64, 0, "has the dtype float64; must be integers"),
        (np.bool_, 0, "has the dtype bool; must be integers"),
        (np.complex128, 0, "has the dtype complex128; must be integers"),
        (object, 0, "has the dtype object; must be integers"),
        (np.int64, 257, r"has 257 at \[2, 1\]; must be integers"),
        (np.int8, -128, r"has -128 at \[2, 1\]; must be integers"),
        (np.uint8, 255, r"has 255 at \[2, 1\]; must be integers"),
        (np.uint64, 2**64 - 1, r"has 18446744073709551615 at \[2, 1\]; must be integers"),
    ],
)
def test_cells_that_are_none_are_refused_with_the_place(
    board_model: NativeModel[np.ndarray], dtype: Any, value: int, message: str
) -> None:
    board = np.zeros(board_model.state_spec.shape, dtype)
    board[2, 1] = value
    with pytest.raises(InvalidRequest, match=f"state: {message} of shape"):
        board_model.pack_state(board)


def test_something_other_than_a_capsule_is_no_model() -> None:
    class Model(NativeModel[int]):
        def __init__(self) -> None:
            super().__init__(
                object(), state_spec=StateSpec("discrete"), action_description="", description=""
            )

        def pack_state(self, state: Any) -> bytes:
            return b""

        def unpack_state(self, data: bytes) -> int:
            return 0

        def initial_state(self, rng: np.random.Generator | None = None) -> int:
            return 0

    with pytest.raises(InvalidRequest, match="model: is object; must be a capsule"):
        Model()

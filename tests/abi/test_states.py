"""States of compiled models of one's own: arrays and integers in, the same out."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from mcts_service.errors import InvalidRequest
from mcts_service.models import NativeModel


def model_of(library: ctypes.CDLL, dtype: Any, shape: Any, **more: Any) -> NativeModel[Any]:
    return NativeModel.from_functions(
        sample=library.good, num_actions=2, state_dtype=dtype, state_shape=shape, **more
    )


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("shape", [(3,), (2, 2), 5])
def test_an_array_comes_back_as_it_went_in(library: ctypes.CDLL, dtype: str, shape: Any) -> None:
    model = model_of(library, dtype, shape)
    state = np.arange(np.zeros(shape).size).reshape(shape).astype(dtype)
    unpacked = model.unpack_state(model.pack_state(state))
    np.testing.assert_array_equal(unpacked, state)
    assert (unpacked.dtype, unpacked.shape) == (state.dtype, state.shape)
    unpacked[...] = 0
    assert model.state_spec.kind == "tensor"


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "i8", "u8"])
def test_an_integer_comes_back_as_an_int(library: ctypes.CDLL, dtype: str) -> None:
    model = model_of(library, dtype, ())
    limits = np.iinfo(dtype)
    for state in (int(limits.min), 1, int(limits.max), np.int8(7), np.array(7)):
        unpacked = model.unpack_state(model.pack_state(state))
        assert type(unpacked) is int
        assert unpacked == state
    assert model.state_spec.kind == "discrete"


@pytest.mark.parametrize(
    ("dtype", "shape", "state", "message"),
    [
        ("i8", (), 1.0, "is 1.0; must be an integer from"),
        ("i8", (), True, "is True; must be an integer from"),
        ("i8", (), np.zeros(1, int), "must be an integer from"),
        ("i1", (), 128, "is 128; must be an integer from -128 to 127"),
        ("u8", (), -1, "is -1; must be an integer from 0 to"),
        ("i8", (2,), 5, r"is 5; must be int64\[2\]"),
        ("i8", (2,), None, r"is None; must be int64\[2\]"),
        ("i8", (2,), [1, 2, 3], r"has the shape \(3,\); must be int64\[2\]"),
        ("i8", (2,), [[1, 2]], r"has the shape \(1, 2\); must be int64\[2\]"),
        ("i8", (2,), [1.0, 2.0], r"has the dtype float64; must be int64\[2\]"),
        ("i8", (2,), [True, False], r"has the dtype bool; must be int64\[2\]"),
        ("i8", (2,), ["a", "b"], r"has the dtype <U1; must be int64\[2\]"),
        ("i1", (2,), [0, 128], r"has 128 at \[1\]; must be int8\[2\]"),
        ("i8", (1,), np.array([2**63], np.uint64), r"has 9223372036854775808 at \[0\]"),
        ("u8", (1,), [-1], r"has -1 at \[0\]; must be uint64\[1\]"),
        ("f8", (2,), [0.0, float("nan")], r"has nan at \[1\]; must be float64\[2\]"),
        ("f4", (1,), [1e300], r"has 1e\+300 at \[0\]; must be float32\[1\]"),
        ("f8", (1,), [1j], r"has the dtype complex128; must be float64\[1\]"),
        ("?", (1,), [1], r"has the dtype int64; must be bool\[1\]"),
    ],
)
def test_what_is_no_state_is_refused(
    library: ctypes.CDLL, dtype: str, shape: Any, state: Any, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"^state: .*{message}"):
        model_of(library, dtype, shape).pack_state(state)


def test_where_an_episode_starts_is_a_state_or_drawn(library: ctypes.CDLL) -> None:
    start = np.array([1, 2])
    model = model_of(library, "i8", (2,), initial_state=start)
    model.initial_state()[...] = 0
    assert model.initial_state().tolist() == [1, 2]

    drawn = model_of(library, "i8", (), initial_state=lambda rng: 0 if rng is None else 5)
    assert (drawn.initial_state(), drawn.initial_state(np.random.default_rng(0))) == (0, 5)

    with pytest.raises(InvalidRequest, match="initial_state: the model was built without one"):
        model_of(library, "i8", ()).initial_state()


def test_what_the_numbers_mean_ends_an_error(library: ctypes.CDLL) -> None:
    model = model_of(library, "f8", (2,), state_description="position, speed")
    with pytest.raises(InvalidRequest, match=r"must be float64\[2\]: position, speed$"):
        model.pack_state([1.0])

"""What `NativeModel.from_functions` refuses, and what it holds on to."""

from __future__ import annotations

import ctypes
import gc
import weakref
from typing import Any

import cffi
import numpy as np
import pytest

from mcts_service import MCTS, Budget
from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.models import NativeModel, StateSpec

FFI = cffi.FFI()
SAMPLE = ctypes.CFUNCTYPE(
    ctypes.c_int,
    *(ctypes.c_void_p, ctypes.POINTER(ctypes.c_int64), ctypes.c_int64, ctypes.c_void_p),
    *(ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(ctypes.c_double)),
    *(ctypes.POINTER(ctypes.c_int32), ctypes.c_void_p),
)


def model_of(library: ctypes.CDLL, **arguments: Any) -> NativeModel[Any]:
    given = {"sample": library.good, "num_actions": 2, "state_dtype": np.int64, **arguments}
    return NativeModel.from_functions(**given)


@pytest.mark.parametrize(
    "pointer", [0, ctypes.c_void_p(), FFI.NULL, SAMPLE()], ids=["int", "ctypes", "cffi", "function"]
)
@pytest.mark.parametrize("name", ["sample", "terminal", "error_text"])
def test_a_null_pointer_is_no_function(library: ctypes.CDLL, name: str, pointer: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"^{name}: is the address 0; must be"):
        model_of(library, **{name: pointer})


@pytest.mark.parametrize(
    "function", [lambda *_: 0, "good", 1.5, True, [], FFI, FFI.cast("int", 3), np.float64(1)]
)
def test_what_is_not_compiled_is_no_function(library: ctypes.CDLL, function: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^sample: is .*, of type .*; must be an int, "):
        model_of(library, sample=function)


@pytest.mark.parametrize("address", [-1, 2**64, 10**100])
def test_an_integer_beyond_the_memory_is_no_address(library: ctypes.CDLL, address: int) -> None:
    with pytest.raises(InvalidRequest, match=r"^sample: is .*; must be an address, 0 to"):
        model_of(library, sample=address)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sample": None}, "^sample: is missing; every model needs it"),
        ({"discount": 0}, "^discount: is 0; must be above 0"),
        ({"discount": 1.5}, "^discount: is 1.5; must be a number from 0 to 1"),
        ({"discount": float("nan")}, "^discount: is nan"),
        ({"discount": "1"}, "^discount: is '1'"),
        ({"num_actions": 0}, "^num_actions: is 0; must be an integer from 1"),
        ({"num_actions": 2**24 + 1}, "^num_actions: is 16777217"),
        ({"num_actions": 2.0}, "^num_actions: is 2.0"),
        ({"num_players": 0}, "^num_players: is 0; must be an integer from 1 to 255"),
        ({"num_players": 2}, "^player: is missing; a game for 2 players needs it"),
        ({"key": 1}, "^key_bytes: is 0; must be above 0 where key is given"),
        ({"key_bytes": 8}, "^key_bytes: is 8; must be 0 where key is not given"),
        ({"transitions": 1}, "^max_outcomes: is 0; must be above 0 where transitions is given"),
        ({"max_outcomes": 2}, "^max_outcomes: is 2; must be 0 where transitions is not"),
        ({"deterministic": 1}, "^deterministic: is 1; must be true or false"),
        ({"thread_safe": None}, "^thread_safe: is None; must be true or false"),
        ({"step_evaluates": 1}, "^step_evaluates: is 1; must be true or false"),
        ({"step_evaluates": True}, "^step_batch: is missing; step_evaluates says what it gives"),
        ({"ctx": "here"}, "^ctx: is 'here', of type str; must be an int"),
        ({"ctx": None}, "^ctx: is None"),
        ({"state_dtype": None}, "^state_dtype: is missing; must be a dtype of bool, integers"),
        ({"state_dtype": "number"}, "^state_dtype: is 'number'; must be"),
        ({"state_dtype": object}, "^state_dtype: is object; must be"),
        ({"state_dtype": ">i8"}, "^state_dtype: is >i8; must be .* in the machine's byte order"),
        ({"state_dtype": np.complex128}, "^state_dtype: is complex128; must be"),
        ({"state_dtype": np.float64}, r"^state_shape: is \(\) with the dtype float64; must be"),
        ({"state_shape": (0,)}, "^state_shape: is 0; must be an integer from 1"),
        ({"state_shape": (2, -1)}, "^state_shape: is -1"),
        ({"state_shape": (1.5,)}, "^state_shape: is 1.5"),
        ({"state_shape": None}, "^state_shape: is None; must be at most 32 lengths"),
        ({"state_shape": (1,) * 33}, "^state_shape: .* must be at most 32 lengths"),
        ({"state_shape": (2**12, 2**12)}, "^state_shape: is 134217728; must be an integer from 1"),
        ({"state_spec": StateSpec("opaque")}, "^state_spec: .* must be discrete, or a tensor"),
        ({"state_spec": StateSpec("tensor", np.dtype(np.int8), (2,))}, "without state_dtype"),
        ({"initial_state": "start"}, "^state: is 'start'; must be an integer"),
    ],
)
def test_an_argument_that_is_wrong_is_named(
    library: ctypes.CDLL, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        model_of(library, **arguments)


def test_ctx_reaches_the_functions(library: ctypes.CDLL) -> None:
    pay = ctypes.c_double(2.5)
    for ctx in (ctypes.addressof(pay), ctypes.pointer(pay)):
        model = model_of(library, sample=library.pays_ctx, ctx=ctx, keep_alive=pay)
        assert model.sample(4, 0, np.random.default_rng(0)) == (0, 2.5, True)


def test_a_model_keeps_what_it_was_given_and_gives_it_back_once(library: ctypes.CDLL) -> None:
    class Owner:
        pass

    def python_sample(
        ctx: Any, state: Any, action: int, rng: Any, following: Any, rewards: Any, end: Any, _: Any
    ) -> int:
        following[0], rewards[0], end[0] = state[0] + action, float(action), 0
        return 0

    owner, callback = Owner(), SAMPLE(python_sample)
    kept, called = weakref.ref(owner), weakref.ref(callback)
    model = model_of(library, sample=callback, keep_alive=owner)
    del owner, callback
    gc.collect()
    planner = MCTS(model)
    del model
    assert planner.plan(0, Budget(simulations=50), horizon=3).action == 1
    assert kept() is not None
    del planner
    gc.collect()
    assert kept() is None
    assert called() is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_python_callback_that_raises_is_a_fault_of_the_model(library: ctypes.CDLL) -> None:
    def raises(*_: Any) -> int:
        raise RuntimeError("on purpose")

    model = model_of(library, sample=SAMPLE(raises))
    # What a callback that raised gives back is whatever lay there.
    with pytest.raises(ModelFault, match=r"^sample"):
        MCTS(model).plan(0, Budget(simulations=5))

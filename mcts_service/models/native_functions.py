"""Compiled functions as a model, whatever compiled them."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from mcts_service._core import model_of_functions
from mcts_service.checks import require_bool, require_bounds, require_integer, require_number, shown
from mcts_service.errors import InvalidRequest
from mcts_service.models.spec import StateSpec

__all__ = ["address_of", "function_address", "functions_capsule"]

#: What the core numbers states' bytes, actions, outcomes and players with.
_MOST, _MOST_PLAYERS = 2**24, 255

_HIGHEST = 2 ** (8 * ctypes.sizeof(ctypes.c_void_p)) - 1
#: ctypes has no public name for what all its functions are.
_CtypesFunction: Any = ctypes.CFUNCTYPE(None).__mro__[1]
_RIGHT = "an int, a function or pointer of ctypes or cffi, or a numba.cfunc"


def functions_capsule(
    functions: Mapping[str, Any],
    *,
    spec: StateSpec,
    dtype: np.dtype,
    num_actions: int,
    discount: float,
    return_bounds: tuple[float, float] | None,
    num_players: int,
    deterministic: bool,
    thread_safe: bool,
    gives_priors: bool,
    step_evaluates: bool,
    max_outcomes: int,
    key_bytes: int,
    observation_bytes: int,
    ctx: Any,
    keep_alive: Any,
) -> Any:
    """The capsule of a model of compiled functions, which keeps all that it was given alive.

    Args:
      functions: by their names in mcts_model.h; None where there is none.
      spec, dtype: the form of a state.
      num_actions, discount, return_bounds, num_players, deterministic, thread_safe,
        gives_priors, step_evaluates, max_outcomes, key_bytes, observation_bytes, ctx,
        keep_alive: as in `NativeModel.from_functions`.
    Raises:
      InvalidRequest: names the argument and what would be right.
    """
    if functions["sample"] is None:
        raise InvalidRequest("sample", "is missing; every model needs it")
    addresses = {
        name: function_address(name, function)
        for name, function in functions.items()
        if function is not None
    }
    require_bool("deterministic", deterministic)
    require_bool("thread_safe", thread_safe)
    require_bool("gives_priors", gives_priors)
    require_bool("step_evaluates", step_evaluates)
    _require_pairs(addresses, num_players, key_bytes, max_outcomes, step_evaluates)
    if require_number("discount", discount, 0, 1) == 0:
        raise InvalidRequest("discount", "is 0; must be above 0")
    bounds = require_bounds("return_bounds", return_bounds)
    return model_of_functions(
        addresses,
        ctx=address_of("ctx", ctx),
        discount=discount,
        min_return=bounds[0],
        max_return=bounds[1],
        state_bytes=require_integer(
            "state_shape", dtype.itemsize * math.prod(spec.shape), 1, _MOST
        ),
        key_bytes=key_bytes,
        observation_bytes=require_integer("observation_bytes", observation_bytes, 0, _MOST),
        num_actions=require_integer("num_actions", num_actions, 1, _MOST),
        max_outcomes=max_outcomes,
        num_players=num_players,
        thread_safe=thread_safe,
        deterministic=deterministic,
        gives_priors=gives_priors,
        step_evaluates=step_evaluates,
        float64_state=dtype == np.float64 and "key" not in addresses,
        keep_alive=(functions, ctx, keep_alive),
    )


def _require_pairs(
    addresses: Mapping[str, int],
    num_players: int,
    key_bytes: int,
    max_outcomes: int,
    step_evaluates: bool,
) -> None:
    """What goes together only."""
    require_integer("num_players", num_players, 1, _MOST_PLAYERS)
    if "evaluate_batch" in addresses and "evaluate" not in addresses:
        raise InvalidRequest("evaluate", "is missing; evaluate_batch needs it beside")
    if step_evaluates and "step_batch" not in addresses:
        raise InvalidRequest("step_batch", "is missing; step_evaluates says what it gives")
    if num_players > 1 and "player" not in addresses:
        raise InvalidRequest("player", f"is missing; a game for {num_players} players needs it")
    for size, function, number in (
        ("key_bytes", "key", key_bytes),
        ("max_outcomes", "transitions", max_outcomes),
    ):
        require_integer(size, number, 0, _MOST)
        if function in addresses and number == 0:
            raise InvalidRequest(size, f"is 0; must be above 0 where {function} is given")
        if function not in addresses and number > 0:
            raise InvalidRequest(size, f"is {number}; must be 0 where {function} is not given")


def function_address(name: str, function: Any) -> int:
    """Where a compiled function begins.

    Args:
      name: the field that an error names.
      function: an address, a ctypes function, a ctypes or cffi pointer, or a numba.cfunc.
    Raises:
      InvalidRequest: it is none of these, or a null pointer.
    """
    address = address_of(name, function)
    if address == 0:
        raise InvalidRequest(
            name, f"is the address 0; must be that of a compiled function: {_RIGHT}"
        )
    return address


def address_of(name: str, pointer: Any) -> int:
    """The address that a pointer holds; 0 for a null pointer.

    Raises:
      InvalidRequest: it is no pointer, or an int that is no address.
    """
    address = _address(pointer)
    if address is None:
        kind = type(pointer).__name__
        raise InvalidRequest(name, f"is {shown(pointer)}, of type {kind}; must be {_RIGHT}")
    if not 0 <= address <= _HIGHEST:
        raise InvalidRequest(name, f"is {shown(pointer)}; must be an address, 0 to {_HIGHEST}")
    return address


def _address(pointer: Any) -> int | None:
    if isinstance(pointer, bool):
        return None
    if isinstance(pointer, (int, np.integer)):
        return int(pointer)
    if isinstance(pointer, (_CtypesFunction, ctypes.c_void_p, ctypes._Pointer)):
        return ctypes.cast(pointer, ctypes.c_void_p).value or 0
    if type(pointer).__module__ == "_cffi_backend":
        return _cffi_address(pointer)
    # numba.cfunc gives an object that holds its address; numba itself need not be loaded.
    if type(pointer).__module__.partition(".")[0] == "numba":
        address = getattr(pointer, "address", None)
        return address if isinstance(address, int) else None
    return None


def _cffi_address(pointer: Any) -> int | None:
    ffi = sys.modules["_cffi_backend"].FFI()
    try:
        kind = ffi.typeof(pointer).kind
    except TypeError:  # a library or a type, say
        return None
    return int(ffi.cast("uintptr_t", pointer)) if kind in ("pointer", "function") else None

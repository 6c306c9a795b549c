"""Models in C, compiled to shared libraries: opened by ctypes and handed over in a capsule."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from mcts_service.models import NativeModel

__all__ = ["open_model"]

CAPSULE_NAME = b"mcts_service.model.v1"  # the capsule keeps the pointer: it must stay alive

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


def open_model(
    library: Path | str, symbol: str, state_dtype: Any, initial_state: int
) -> NativeModel[int]:
    """The model of a struct in a library, with states that are integers.

    Args:
      library: where it lies.
      symbol: the name of a `const mcts_model`.
      state_dtype: of the integers.
      initial_state: where episodes start.
    """
    code = ctypes.CDLL(str(library))  # never unloaded
    address = ctypes.addressof(ctypes.c_char.in_dll(code, symbol))
    capsule = _new_capsule(address, CAPSULE_NAME, None)
    dtype = np.dtype(state_dtype)
    return NativeModel.from_capsule(capsule, state_dtype=dtype, initial_state=initial_state)

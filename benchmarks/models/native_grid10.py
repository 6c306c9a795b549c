"""grid10 compiled: a shared library, opened by ctypes and handed over in a capsule."""

from __future__ import annotations

import ctypes
import struct
from pathlib import Path

from mcts_service._core import ModelHandle

__all__ = ["NativeGrid10"]

CAPSULE_NAME = b"mcts_service.model.v1"  # the capsule keeps the pointer: it must stay alive

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


class NativeGrid10:
    """The model in a library compiled from grid10.c; states are cells, as in `Grid10`.

    Args:
      library: where it lies.
      own_rollout: let the model play its rollouts itself; else the search steps through them.
    """

    num_actions = 4
    discount = 0.95

    def __init__(self, library: Path, *, own_rollout: bool) -> None:
        code = ctypes.CDLL(str(library))
        symbol = "grid10" if own_rollout else "grid10_by_steps"
        address = ctypes.addressof(ctypes.c_char.in_dll(code, symbol))
        self.handle = ModelHandle(_new_capsule(address, CAPSULE_NAME, None), owner=code)

    def pack_state(self, state: int) -> bytes:
        """The cell as the struct's int32."""
        return struct.pack("=i", state)

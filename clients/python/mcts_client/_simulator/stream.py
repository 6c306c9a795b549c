"""The planner's random streams in plain Python: SplitMix64 behind `numpy.random.Generator`.

A model that is served then draws, from the seed of a row, the numbers that it would draw in the
planner's own process, and can say where its stream has got to.

Source: Steele, Lea and Flood (2014).
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np

__all__ = ["Stream", "generator_of"]

_MASK = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15

_ToUint64 = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)
_ToUint32 = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p)
_ToDouble = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p)


class _BitGenerator(ctypes.Structure):
    """NumPy's bitgen_t."""

    _fields_ = (
        ("state", ctypes.c_void_p),
        ("next_uint64", _ToUint64),
        ("next_uint32", _ToUint32),
        ("next_double", _ToDouble),
        ("next_raw", _ToUint64),
    )


#: It must live as long as any capsule of it.
_CAPSULE_NAME = ctypes.create_string_buffer(b"BitGenerator")
_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


class Stream:
    """One stream, as a bit generator. It takes a while to make, and serves for any number of rows.

    Attributes:
      counter: where it is; 0 .. 2**64 - 1. May be set.
      capsule, lock: what NumPy asks a bit generator for.
    """

    def __init__(self, counter: int = 0) -> None:
        self.counter = counter
        self.lock = threading.Lock()
        self._bits = _BitGenerator(
            None,
            _ToUint64(lambda _: self.next_uint64()),
            _ToUint32(lambda _: self.next_uint64() >> 32),
            _ToDouble(lambda _: (self.next_uint64() >> 11) * 2.0**-53),
            _ToUint64(lambda _: self.next_uint64()),
        )
        self.capsule: Any = _new_capsule(ctypes.addressof(self._bits), _CAPSULE_NAME, None)

    def next_uint64(self) -> int:
        """Draws a number, uniform in 0 .. 2**64 - 1."""
        self.counter = (self.counter + _STEP) & _MASK
        z = self.counter
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)


def generator_of(stream: Stream) -> np.random.Generator:
    """NumPy's generator over a stream; it draws what the planner's own generators draw."""
    bit_generator: Any = stream
    return np.random.Generator(bit_generator)

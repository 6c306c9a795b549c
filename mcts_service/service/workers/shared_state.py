"""The memory that a server and one of its workers share: `SharedState`."""

from __future__ import annotations

import ctypes
from multiprocessing.sharedctypes import RawValue

__all__ = ["SharedState", "new_shared_state"]


class SharedState(ctypes.Structure):
    """What either must see at once, whatever the other does.

    Attributes:
      cancelled: not 0 once the job in progress is to end; written by the server. The search looks
        at it before every simulation, so it stands first, see `CancelFlag`.
      begun: the number of the last job that was begun, of which it has the lower bits.
      forked_from: the process that the worker was forked from; 0 until it runs.
    """

    cancelled: int
    begun: int
    forked_from: int

    _fields_ = (
        ("cancelled", ctypes.c_int),
        ("begun", ctypes.c_uint32),
        ("forked_from", ctypes.c_int),
    )

    def has_begun(self, number: int) -> bool:
        """Whether a job was."""
        return self.begun == number & 0xFFFFFFFF


def new_shared_state() -> SharedState:
    """All 0, and shared with the processes that it is handed to."""
    state: SharedState = RawValue(SharedState)
    return state

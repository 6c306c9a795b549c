"""The memory that a server and one of its workers share: `SharedState`."""

from __future__ import annotations

import ctypes
from multiprocessing.sharedctypes import RawValue

__all__ = ["MAX_SLOTS", "NOBODY", "SEVERAL", "SharedState", "new_shared_state"]

#: Jobs that a worker may have at once.
MAX_SLOTS = 256
#: Turns that are no one job's.
NOBODY, SEVERAL = 0, 0xFFFFFFFF


class SharedState(ctypes.Structure):
    """What either must see at once, whatever the other does. Each job in progress has a slot.

    Attributes:
      cancelled: by slot: not 0 once its job is to end; written by the server. A search looks at it
        before every simulation, see `CancelFlag`.
      arrived: set by the server where a job more comes.
      turn: the number of the job that the model is asked for, of which it has the lower bits;
        `SEVERAL` or `NOBODY`.
      turn_began: when, in seconds of time.monotonic().
      begun: by slot: the number of the last job that was begun, of which it has the lower bits.
      forked_from: the process that the worker was forked from; 0 until it runs.
    """

    cancelled: ctypes.Array[ctypes.c_int]
    arrived: int
    turn: int
    turn_began: float
    begun: ctypes.Array[ctypes.c_uint32]
    forked_from: int

    _fields_ = (
        ("cancelled", ctypes.c_int * MAX_SLOTS),
        ("arrived", ctypes.c_int),
        ("turn", ctypes.c_uint32),
        ("turn_began", ctypes.c_double),
        ("begun", ctypes.c_uint32 * MAX_SLOTS),
        ("forked_from", ctypes.c_int),
    )

    def has_begun(self, slot: int, number: int) -> bool:
        """Whether a job was."""
        return self.begun[slot] == number & 0xFFFFFFFF

    def cancel_of(self, slot: int) -> memoryview:
        """The memory of a `CancelFlag` of the slot's job."""
        return memoryview(self.cancelled).cast("B")[slot * _INT : (slot + 1) * _INT]

    def wake(self) -> memoryview:
        """The memory of a `CancelFlag` that is set where a job more has come."""
        at = SharedState.arrived.offset  # type: ignore[attr-defined]
        return memoryview(self).cast("B")[at : at + _INT]


_INT = ctypes.sizeof(ctypes.c_int)


def new_shared_state() -> SharedState:
    """All 0, and shared with the processes that it is handed to."""
    state: SharedState = RawValue(SharedState)
    return state

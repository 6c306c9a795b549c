"""What happened to each call, in columns."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

import grpc
import numpy as np

__all__ = ["Columns", "Records"]

#: Names by code: {0: "OK", 4: "DEADLINE_EXCEEDED", ...}.
STATUS_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}


@dataclass(frozen=True)
class Columns:
    """The records as arrays, one row a call, in the order in which the calls were sent.

    Attributes:
      intended: when the call was meant to start, in seconds of time.monotonic(). float64[N].
      sent: when it did start. float64[N].
      finished: when its answer came; NaN for a call without one. float64[N].
      status: the answer's gRPC status code. uint8[N].
      simulations: of its plan; 0 without one. int64[N].
    """

    intended: np.ndarray
    sent: np.ndarray
    finished: np.ndarray
    status: np.ndarray
    simulations: np.ndarray

    def rows(self, mask: np.ndarray) -> Columns:
        """The rows for which `mask`, bool[N], is True."""
        return Columns(
            self.intended[mask],
            self.sent[mask],
            self.finished[mask],
            self.status[mask],
            self.simulations[mask],
        )


class Records:
    """Grows by one row when a call is sent, and completes the row when its answer comes.

    Attributes:
      messages: the first error text of each status name.
      failed: calls whose answer was an error.
    """

    def __init__(self) -> None:
        self._intended = array("d")
        self._sent = array("d")
        self._finished = array("d")
        self._status = array("B")
        self._simulations = array("q")
        self._order = array("q")
        self.messages: dict[str, str] = {}
        self.failed = 0

    def __len__(self) -> int:
        """Calls sent."""
        return len(self._sent)

    @property
    def answered(self) -> int:
        """Calls that came back, with whatever status."""
        return len(self._order)

    def send(self, intended: float, sent: float) -> int:
        """Notes that a call starts; returns its row."""
        self._intended.append(intended)
        self._sent.append(sent)
        self._finished.append(math.nan)
        self._status.append(0)
        self._simulations.append(0)
        return len(self._sent) - 1

    def answer(
        self, row: int, finished: float, code: grpc.StatusCode, simulations: int, message: str = ""
    ) -> None:
        """Notes what came back for the call of a row."""
        self._finished[row] = finished
        self._status[row] = code.value[0]
        self._simulations[row] = simulations
        self._order.append(row)
        if code is not grpc.StatusCode.OK:
            self.failed += 1
            self.messages.setdefault(code.name, message)

    def recent_latencies(self, since: int) -> np.ndarray:
        """Seconds from intended start to answer, of all answers but the first `since`."""
        return np.array([self._finished[row] - self._intended[row] for row in self._order[since:]])

    def columns(self) -> Columns:
        """A copy of everything."""
        return Columns(
            np.array(self._intended),
            np.array(self._sent),
            np.array(self._finished),
            np.array(self._status),
            np.array(self._simulations),
        )

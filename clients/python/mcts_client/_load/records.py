"""What happened to each call, in columns."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import grpc
import numpy as np

__all__ = ["STATUS_NAMES", "Answer", "Columns", "Outcome", "Records", "code_of", "merged"]

#: Names by code: {0: "OK", 4: "DEADLINE_EXCEEDED", ...}.
STATUS_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
_OK = grpc.StatusCode.OK.value[0]


def code_of(number: int) -> grpc.StatusCode:
    """The status of a number on the wire; UNKNOWN for one that there is not."""
    return grpc.StatusCode[STATUS_NAMES.get(number, "UNKNOWN")]


class Answer(NamedTuple):
    """What came back for a call.

    Attributes:
      code: its status; of a batch, that of the first row that failed, if any.
      simulations: of its plans, together.
      retries: attempts that went before the one that was answered.
      message: the error's text.
    """

    code: grpc.StatusCode
    simulations: int = 0
    retries: int = 0
    message: str = ""


@dataclass(frozen=True)
class Columns:
    """The records as arrays, one row a call, in the order in which the calls were sent.

    Attributes:
      intended: when the call was meant to start, in seconds of time.monotonic(). float64[N].
      sent: when it did start. float64[N].
      finished: when its answer came; NaN for a call without one. float64[N].
      status: the answer's gRPC status code. uint8[N].
      simulations: of its plans; 0 without any. int64[N].
      work: which kind of work it was, by position. uint16[N].
      retries: attempts before the one that was answered. uint8[N].
    """

    intended: np.ndarray
    sent: np.ndarray
    finished: np.ndarray
    status: np.ndarray
    simulations: np.ndarray
    work: np.ndarray
    retries: np.ndarray

    def __len__(self) -> int:
        return len(self.sent)

    def rows(self, mask: np.ndarray) -> Columns:
        """The rows for which `mask`, bool[N], is True."""
        return Columns(*(getattr(self, field.name)[mask] for field in fields(self)))

    @property
    def latencies(self) -> np.ndarray:
        """Seconds from intended start to answer; NaN for a call without one. float64[N]."""
        seconds: np.ndarray = self.finished - self.intended
        return seconds

    @property
    def is_answered(self) -> np.ndarray:
        """bool[N]."""
        answered: np.ndarray = ~np.isnan(self.finished)
        return answered

    @property
    def is_ok(self) -> np.ndarray:
        """bool[N]: answered, and with a plan."""
        answered_ok: np.ndarray = (self.status == _OK) & self.is_answered
        return answered_ok

    @classmethod
    def of_all(cls, parts: Iterable[Columns]) -> Columns:
        """The rows of several in one, in the order in which the calls were sent."""
        listed = list(parts)
        joined = [np.concatenate([getattr(p, f.name) for p in listed]) for f in fields(cls)]
        whole = cls(*joined)
        return whole.rows(np.argsort(whole.sent, kind="stable"))


@dataclass(frozen=True)
class Outcome:
    """Everything about the calls of one run.

    Attributes:
      columns: one row a call.
      messages: the first error text of each status name.
    """

    columns: Columns
    messages: Mapping[str, str]


def merged(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcomes of several processes as that of one: call by call, so nothing is lost."""
    messages: dict[str, str] = {}
    for outcome in outcomes:
        messages = {**outcome.messages, **messages}
    return Outcome(Columns.of_all(outcome.columns for outcome in outcomes), messages)


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
        self._work = array("H")
        self._retries = array("B")
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

    def send(self, intended: float, sent: float, work: int = 0) -> int:
        """Notes that a call starts; returns its row."""
        self._intended.append(intended)
        self._sent.append(sent)
        self._finished.append(math.nan)
        self._status.append(0)
        self._simulations.append(0)
        self._work.append(work)
        self._retries.append(0)
        return len(self._sent) - 1

    def answer(self, row: int, finished: float, answer: Answer) -> None:
        """Notes what came back for the call of a row."""
        self._finished[row] = finished
        self._status[row] = answer.code.value[0]
        self._simulations[row] = answer.simulations
        self._retries[row] = answer.retries
        self._order.append(row)
        if answer.code is not grpc.StatusCode.OK:
            self.failed += 1
            self.messages.setdefault(answer.code.name, answer.message)

    def recent_latencies(self, since: int) -> np.ndarray:
        """Seconds from intended start to answer, of all answers but the first `since`."""
        return np.array([self._finished[row] - self._intended[row] for row in self._order[since:]])

    def outcome(self) -> Outcome:
        """A copy of everything."""
        columns = Columns(
            np.array(self._intended),
            np.array(self._sent),
            np.array(self._finished),
            np.array(self._status),
            np.array(self._simulations),
            np.array(self._work),
            np.array(self._retries),
        )
        return Outcome(columns, dict(self.messages))

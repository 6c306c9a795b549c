"""Questions about many states, split over calls; what is wrong with the answers goes to the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import Message
from google.rpc import code_pb2

from mcts_service.errors import InvalidRequest, ModelFault
from mcts_service.rpc.remote_calls import CallFault, RemoteCalls
from mcts_service.v1 import planner_pb2

__all__ = ["Questions", "column"]

logger = logging.getLogger("mcts_service")


class Questions:
    """Asks one simulator. Any number of threads may use it."""

    def __init__(
        self, calls: RemoteCalls, subject: str, *, calls_at_once: int, max_rows: int
    ) -> None:
        """Of a simulator that takes so many calls at once, each of so many rows at most.

        Args:
          subject: what to call it in the log.
        """
        self._calls, self._subject = calls, subject
        self._calls_at_once, self._max_rows = calls_at_once, max_rows

    def ask(
        self,
        method: str,
        count: int,
        request: Callable[[slice], Message],
        take: Callable[[slice, Any], None],
    ) -> None:
        """Asks about so many rows, and has each answer taken.

        Args:
          request: makes the message about some of the rows.
          take: takes the answer about them; where it raises InvalidRequest, the answer is wrong,
            and nothing is known of those rows.
        Raises:
          ReplicaLost, Cancelled, DeadlineExpired: as of `RemoteCalls.ask`.
        """
        parts = self._parts(count)
        answers = self._calls.ask(method, [request(part) for part in parts])
        for part, answer in zip(parts, answers, strict=True):
            try:
                if isinstance(answer, CallFault):
                    raise ModelFault(answer.text)
                take(part, answer)
            except (InvalidRequest, ModelFault) as error:
                self._log(f"{method} of {part.stop - part.start} rows: {error}")

    def sound_rows(
        self, method: str, errors: Sequence[planner_pb2.RowError], count: int
    ) -> np.ndarray:
        """The rows of an answer, of so many, that none of its errors is about: int64[...].

        Raises:
          InvalidRequest: an error is about no row.
        """
        sound = np.ones(count, np.bool_)
        for error in errors:
            if not 0 <= error.row < count:
                raise InvalidRequest("errors.row", f"is {error.row}; must be from 0 to {count - 1}")
            sound[error.row] = False
        # A state that is none is its sender's mistake, who is told.
        failed = [e for e in errors if e.status.code != code_pb2.INVALID_ARGUMENT]
        if failed:
            row, status = failed[0].row, failed[0].status
            self._log(
                f"{method}: {len(failed)} of {count} rows failed, the first of them row {row} with "
                f"status {status.code}: {status.message}"
            )
        return np.flatnonzero(sound)

    def _parts(self, count: int) -> list[slice]:
        """Rows in parts of about one size: one for each call at once, and more of too many rows."""
        calls = max(min(self._calls_at_once, count), -(-count // self._max_rows))
        bounds = [count * i // calls for i in range(calls + 1)]
        return [slice(bounds[i], bounds[i + 1]) for i in range(calls)]

    def _log(self, text: str) -> None:
        logger.warning("%s: %s", self._subject, text)


def column(name: str, values: Any, due: int, dtype: Any) -> np.ndarray:
    """A column of an answer: dtype[due].

    Raises:
      InvalidRequest: it has another length; names it.
    """
    if len(values) != due:
        raise InvalidRequest(name, f"has {len(values)} entries; must have {due}")
    return np.array(values, dtype)

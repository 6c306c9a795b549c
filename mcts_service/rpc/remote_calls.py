"""Calls to a simulator in another process: made again where that may help, and given up in time."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

from mcts_service.errors import Cancelled, DeadlineExpired, ReplicaLost

__all__ = ["CallFault", "RemoteCalls"]

logger = logging.getLogger("mcts_service")

#: Nobody has seen the question, or nobody knows what became of it. All of them may be asked again.
_LOST = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.ABORTED,
    }
)
#: Before the second attempt, in seconds; twice as long before each further one.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
#: How often a flag is looked at that nobody else may wait for, in seconds.
_LOOK_SECONDS = 0.002
#: A thread that waits for nothing else looks whether its calls are done, in seconds.
_LONGEST_WAIT = 1.0


@dataclass(frozen=True)
class CallFault:
    """A call that the simulator has refused, or failed in.

    Attributes:
      text: its status and message, for the log.
    """

    text: str


@dataclass(frozen=True)
class _Wanted:
    """How long answers are of use, to whoever asks in a thread."""

    until: float = math.inf
    is_cancelled: Callable[[], bool] | None = None

    def require(self) -> None:
        """Raises Cancelled or DeadlineExpired when they are no more."""
        if self.is_cancelled is not None and self.is_cancelled():
            raise Cancelled("the plan was cancelled while its simulator was asked")
        if time.monotonic() >= self.until:
            raise DeadlineExpired("the time of the plan ended while its simulator was asked")


@dataclass(eq=False)
class _Call:
    """One request until there is an answer to it."""

    request: Message
    attempts: int = 0
    not_before: float = 0.0
    future: Any = None
    answer: Message | CallFault | None = None


class RemoteCalls:
    """Makes calls on one channel. Any threads may ask; all together have so many calls in flight.

    Calls are made again by hand: gRPC's own retries have one deadline for all attempts, where here
    each has its own.
    """

    def __init__(
        self,
        methods: dict[str, grpc.UnaryUnaryMultiCallable[Any, Any]],
        subject: str,
        *,
        in_flight: int,
        call_seconds: float,
        attempts: int,
    ) -> None:
        """Makes none yet.

        Args:
          methods: of the stub, by name.
          subject: what to call the simulator in the log.
          in_flight: calls at the same time.
          call_seconds, attempts: as in `RemoteOptions`.
        """
        self._methods, self._subject = methods, subject
        self._call_seconds, self._attempts = call_seconds, attempts
        self._free = in_flight
        self._changed = threading.Condition()
        self._asking = threading.local()

    @contextmanager
    def within(
        self, seconds: float | None, is_cancelled: Callable[[], bool] | None
    ) -> Iterator[None]:
        """In it, what this thread asks is of use so long, and until it is cancelled."""
        before = self._wanted()
        until = math.inf if seconds is None else time.monotonic() + seconds
        self._asking.wanted = _Wanted(until, is_cancelled)
        try:
            yield
        finally:
            self._asking.wanted = before

    def ask(self, method: str, requests: Sequence[Message]) -> list[Message | CallFault]:
        """Makes a call for each request, several at once, and waits for all of them.

        Returns:
          The answers, in the order of the requests.
        Raises:
          ReplicaLost: one of them got none, however often it was made.
          Cancelled, DeadlineExpired: nobody waits for them any more.
        """
        calls, wanted = [_Call(request) for request in requests], self._wanted()
        with self._changed:
            try:
                while True:
                    for call in calls:
                        if call.future is not None and call.future.done():
                            self._take_answer(method, call, wanted)
                    if all(call.answer is not None for call in calls):
                        return [call.answer for call in calls if call.answer is not None]
                    wanted.require()
                    self._start_calls(method, calls)
                    self._changed.wait(self._patience(calls, wanted))
            finally:
                for call in calls:
                    self._abandon(call)

    def _wanted(self) -> _Wanted:
        found: _Wanted = getattr(self._asking, "wanted", _Wanted())
        return found

    # ---- with self._changed

    def _start_calls(self, method: str, calls: list[_Call]) -> None:
        """Starts what waits, as far as there is room."""
        for call in calls:
            waits = call.future is None and call.answer is None
            if not waits or self._free == 0 or call.not_before > time.monotonic():
                continue
            call.attempts += 1
            self._free -= 1
            call.future = self._methods[method].future(call.request, timeout=self._call_seconds)
            call.future.add_done_callback(self._wake)

    def _take_answer(self, method: str, call: _Call, wanted: _Wanted) -> None:
        """What has come of an attempt that is over: an answer, or another attempt."""
        future, call.future = call.future, None
        self._free += 1
        self._changed.notify_all()
        code = future.code()
        if code is grpc.StatusCode.OK:
            call.answer = future.result()
            return
        text = f"{method} ended with {code.name}: {future.details()}"
        if code not in _LOST:
            call.answer = CallFault(text)
            return
        pause = min(_FIRST_PAUSE * 2 ** (call.attempts - 1), _LONGEST_PAUSE)
        call.not_before = time.monotonic() + pause
        logger.warning(
            "%s: %s (attempt %d of %d)", self._subject, text, call.attempts, self._attempts
        )
        if call.attempts >= self._attempts or call.not_before >= wanted.until:
            raise ReplicaLost("the model's simulator does not answer; try again later")

    def _patience(self, calls: list[_Call], wanted: _Wanted) -> float:
        """Seconds until there may be something to do that nobody tells."""
        now = time.monotonic()
        due = [call.not_before for call in calls if call.future is None and call.answer is None]
        waits = [when - now for when in (*due, wanted.until) if when > now]
        longest = _LONGEST_WAIT if wanted.is_cancelled is None else _LOOK_SECONDS
        return min([*waits, longest])

    def _abandon(self, call: _Call) -> None:
        """Whoever has waited for it has gone."""
        if call.future is not None:
            call.future.cancel()
            call.future = None
            self._free += 1
            self._changed.notify_all()

    # ---- in a thread of gRPC's

    def _wake(self, _: Any) -> None:
        with self._changed:
            self._changed.notify_all()

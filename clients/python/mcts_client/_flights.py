"""The plans of a pipeline that have no answer yet: what both clients share of it.

A plan goes out on the stream that is open, and again on another where that is safe: no server, or
one that shut down or died before it answered, or one that had no room. What differs between the
clients comes from outside: how a stream is opened, how one waits, and what kind a future is.
"""

from __future__ import annotations

import itertools
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from mcts_client import _settings
from mcts_client._calls import Call
from mcts_client._status import error_of_status
from mcts_client.errors import (
    Cancelled,
    DeadlineExpired,
    InvalidRequest,
    MCTSServiceError,
    Overloaded,
    ReplicaLost,
)
from mcts_client.results import Plan
from mcts_service.v1 import planner_pb2

__all__ = ["Flights", "Message", "Stream"]

#: Before the second attempt, at most, in seconds; twice as much before each further one.
_FIRST_BACKOFF, _MOST_BACKOFF = 0.1, 1.0
#: On one stream, so that a server which takes up 128 reads on, and hears what is cancelled. The
#: others wait here.
_MOST_ON_STREAM = 100

#: Gives what is to be sent, when it can be; None: nothing any more.
Message = Callable[[], "planner_pb2.PlanManyRequest | None"]


class Stream(Protocol):
    """One call of PlanMany. Whoever opens it is told of every answer, and of the end, once."""

    def send(self, message: Message) -> None:
        """Sends it, after those that were sent before."""


class _Handle(Protocol):
    def cancel(self) -> object: ...


class _Event(Protocol):
    def set(self) -> None: ...
    def clear(self) -> None: ...


class _Flight:
    """One plan.

    Attributes:
      name: its own among those of the pipeline.
      call: what was asked.
      future: what the caller waits for.
      deadline: in seconds of time.monotonic(), or None.
      alarm: what goes off then.
      attempts: how often it has been sent.
      stream: on which it is; None: it waits to be sent, for the first time or again.
    """

    def __init__(
        self, name: str, call: Call[Any, Plan], future: Any, timeout: float | None
    ) -> None:
        self.name, self.call, self.future = name, call, future
        self.deadline = None if timeout is None else time.monotonic() + timeout
        self.alarm: _Handle | None = None
        self.attempts = 0
        self.stream: Stream | None = None

    def message(self) -> planner_pb2.PlanManyRequest | None:
        """What to send; None once nobody waits for it."""
        if self.future.done():
            return None
        timeout = None
        if self.deadline is not None:
            timeout = _settings.duration("timeout", max(self.deadline - time.monotonic(), 1e-9))
        return planner_pb2.PlanManyRequest(
            request_id=self.name, plan=self.call.request, timeout=timeout
        )

    def cancel_message(self) -> planner_pb2.PlanManyRequest:
        """What ends it on the server."""
        return planner_pb2.PlanManyRequest(request_id=self.name, cancel=planner_pb2.CancelPlan())


class Flights:
    """All of them. Any thread may use it.

    Args:
      open_stream: opens one. It is told, by `answered` and `ended`, of what comes of it.
      call_later: calls a function after some seconds, and gives what cancels that.
      settle: gives a future its result or its exception, if it still waits for one.
      idle: is set while there are none.
      target: the server's name, for messages.
      timeout: of the client, in seconds, or None.
      max_attempts: times that a plan is sent, 1 or more.
    """

    def __init__(
        self,
        *,
        open_stream: Callable[[Flights], Stream],
        call_later: Callable[[float, Callable[[], None]], _Handle],
        settle: Callable[[Any, Plan | MCTSServiceError], None],
        idle: _Event,
        target: str,
        timeout: float | None,
        max_attempts: int,
    ) -> None:
        self._open_stream, self._call_later, self._settle = open_stream, call_later, settle
        self._target, self._timeout, self._max_attempts = target, timeout, max_attempts
        self._idle = idle
        self._idle.set()
        self._lock = threading.RLock()
        self._names = map(str, itertools.count(1))
        self._flights: dict[str, _Flight] = {}
        self._unsettled = 0  # those whose futures wait, which is a moment longer
        self._backlog: deque[_Flight] = deque()
        self._stream: Stream | None = None
        self._on_stream = 0
        self._is_closed = False

    @property
    def stream(self) -> Stream | None:
        """The one that is open."""
        return self._stream

    def launch(self, call: Call[Any, Plan], future: Any) -> None:
        """Has a call of `plan` answered: the future is given a plan or an error.

        Raises:
          RuntimeError: the pipeline is closed.
        """
        timeout = call.deadline(self._timeout)
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the pipeline is closed: it plans no more")
            flight = _Flight(next(self._names), call, future, timeout)
            self._send(flight)
            self._flights[flight.name] = flight
            self._unsettled += 1
            self._idle.clear()
            if timeout is not None:
                flight.alarm = self._call_later(timeout, partial(self._expire, flight))
        future.add_done_callback(partial(self._note_done, flight))

    def answered(self, stream: Stream, response: planner_pb2.PlanManyResponse) -> None:
        """Takes the answer to a plan; one that nobody waits for is dropped."""
        with self._lock:
            flight = self._flights.get(response.request_id)
            if flight is None or flight.stream is not stream:
                return
            outcome: Plan | MCTSServiceError
            if response.WhichOneof("outcome") == "plan":
                try:
                    outcome = flight.call.read(response.plan)
                except MCTSServiceError as error:  # of a newer server, perhaps
                    outcome = error
            else:
                outcome = error_of_status(response.error, self._target, flight.call.model)
                if self._goes_again(flight, outcome):
                    return
            self._land(flight)
        self._conclude(flight, outcome)

    def ended(self, stream: Stream, error: MCTSServiceError | None) -> None:
        """Notes that a stream has ended; None: in order."""
        error = error or ReplicaLost(f"{self._target} has ended the stream without an answer")
        with self._lock:
            if self._stream is stream:
                self._stream, self._on_stream = None, 0
            unanswered = [flight for flight in self._flights.values() if flight.stream is stream]
            lost = self._not_sent_again(unanswered, error)
            for flight in lost:
                self._land(flight)
        for flight in lost:
            self._conclude(flight, error)
        self._send_next()

    def close(self) -> None:
        """Takes no more."""
        with self._lock:
            self._is_closed = True

    def abandon(self) -> None:
        """Cancels all of them, and takes no more."""
        with self._lock:
            self._is_closed = True
            flights = list(self._flights.values())
        for flight in flights:
            flight.future.cancel()

    # ---- with the lock

    def _send(self, flight: _Flight) -> None:
        if self._on_stream >= _MOST_ON_STREAM:
            self._backlog.append(flight)
            return
        if self._stream is None:
            self._stream = self._open_stream(self)
        flight.attempts += 1
        flight.stream = self._stream
        self._on_stream += 1
        self._stream.send(flight.message)

    def _leave(self, flight: _Flight) -> None:
        """Its stream has nothing to do with it any more."""
        if flight.stream is not None and flight.stream is self._stream:
            self._on_stream -= 1
        flight.stream = None

    def _goes_again(self, flight: _Flight, error: MCTSServiceError) -> bool:
        """Whether it is sent once more after that error, and then has that done."""
        if not isinstance(error, (ReplicaLost, Overloaded)):
            return False
        delay = self._backoff(flight, error)
        is_late = flight.deadline is not None and time.monotonic() + delay >= flight.deadline
        if flight.attempts >= self._max_attempts or is_late:
            return False
        self._leave(flight)
        self._call_later(delay, partial(self._send_again, flight))
        return True

    def _not_sent_again(self, unanswered: list[_Flight], error: MCTSServiceError) -> list[_Flight]:
        """Has those sent again that may be, and gives the others.

        A request may be the end of its whole stream: one that is larger than the server takes.
        It is the largest one, and the others are not to suffer for it.
        """
        if not isinstance(error, InvalidRequest) or not unanswered:
            return [flight for flight in unanswered if not self._goes_again(flight, error)]
        largest = max(unanswered, key=lambda flight: flight.call.request.ByteSize())
        innocent = ReplicaLost(f"{self._target} has ended the stream over another request")
        others = [flight for flight in unanswered if flight is not largest]
        return [largest, *(one for one in others if not self._goes_again(one, innocent))]

    def _backoff(self, flight: _Flight, error: MCTSServiceError) -> float:
        """Seconds until the next attempt: what the server asks for, else as gRPC waits."""
        if isinstance(error, Overloaded) and not math.isnan(error.retry_after):
            return error.retry_after
        most = min(_FIRST_BACKOFF * 2 ** (flight.attempts - 1), _MOST_BACKOFF)
        return random.uniform(0, most)

    def _land(self, flight: _Flight) -> bool:
        """Takes it out; False if it was out already."""
        if self._flights.pop(flight.name, None) is None:
            return False
        self._leave(flight)
        if flight.alarm is not None:
            flight.alarm.cancel()
        return True

    # ---- without it

    def _conclude(self, flight: _Flight, outcome: Plan | MCTSServiceError) -> None:
        """Settles the future of one that was taken out."""
        self._settle(flight.future, outcome)
        with self._lock:
            self._unsettled -= 1
            if not self._unsettled:
                self._idle.set()
        self._send_next()

    def _send_next(self) -> None:
        """Sends what waits, as far as there is room."""
        while True:
            with self._lock:
                if not self._backlog or self._on_stream >= _MOST_ON_STREAM:
                    return
                flight = self._backlog.popleft()
            self._send_again(flight)

    # ---- called back

    def _send_again(self, flight: _Flight) -> None:
        with self._lock:
            if flight.name not in self._flights:
                return
            why: MCTSServiceError
            try:
                self._send(flight)
                return
            except MCTSServiceError as error:  # of a token that cannot be had
                why = error
            except Exception as error:  # gRPC's own, of a channel that was closed
                why = Cancelled("the client is closed")
                why.__cause__ = error
            self._land(flight)
        self._conclude(flight, why)

    def _expire(self, flight: _Flight) -> None:
        with self._lock:
            if not self._land(flight):
                return
        late = DeadlineExpired(f"no answer came from {self._target} within the deadline")
        self._conclude(flight, late)

    def _note_done(self, flight: _Flight, future: Any) -> None:
        """A future that was cancelled takes its plan with it."""
        if not future.cancelled():
            return
        with self._lock:
            stream = flight.stream
            if not self._land(flight):
                return
            if stream is not None and self._stream is stream:
                stream.send(flight.cancel_message)
        self._conclude(flight, Cancelled("the plan was cancelled"))

"""PlanMany: many plans in flight on one stream, each answered once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

from mcts_service.checks import shown
from mcts_service.errors import Cancelled, DeadlineExpired, InvalidRequest
from mcts_service.rpc.calls import shutting_down
from mcts_service.rpc.convert_settings import MAX_NAME
from mcts_service.rpc.durations import seconds
from mcts_service.rpc.status import error_status, status_name
from mcts_service.service.call_record import EndedCall, current_call
from mcts_service.v1.planner_pb2 import (
    PlanManyRequest,
    PlanManyResponse,
    PlanRequest,
    PlanResponse,
)

__all__ = ["PlanStream"]

_METHOD = "/mcts_service.v1.PlannerService/PlanMany"


class _Flight:
    """A plan that has no answer yet: as a call of its own, for whoever logs or counts."""

    def __init__(self, request: PlanManyRequest) -> None:
        self.request = request
        self.call = current_call.get().part(request.plan)
        self.started = time.monotonic()
        self.task: asyncio.Task[None] | None = None
        self.why_stopped: Exception | None = None

    def stop(self, error: Exception) -> None:
        """Ends it with that error, if nothing else has ended it before."""
        if self.why_stopped is None and self.task is not None:
            self.why_stopped = error
            self.task.cancel()


class PlanStream:
    """The plans of one stream.

    A plan takes one of `max_in_flight` places from when it is read until its answer is on its way.
    Where none is free, the stream is read on to the next plan and no further: HTTP/2 then holds up
    the client, and a client that does not read its answers can have no more than these made.

    Args:
      plan: gives the answer to a request, within seconds that are left or None, or raises.
      write: sends a response; it is called for one at a time.
      ended: told of each plan at its end, as of a call.
      max_in_flight: 1 or more.
    """

    def __init__(
        self,
        plan: Callable[[PlanRequest, float | None], Awaitable[PlanResponse]],
        write: Callable[[PlanManyResponse], Awaitable[Any]],
        ended: EndedCall,
        max_in_flight: int,
    ) -> None:
        self._plan, self._write, self._ended = plan, write, ended
        self._flights: dict[str, _Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._room = asyncio.Semaphore(max_in_flight)
        self._answers: deque[PlanManyResponse] = deque()
        self._is_over = False
        self._to_write = asyncio.Event()

    async def serve(
        self, requests: AsyncIterator[PlanManyRequest], draining: asyncio.Event
    ) -> None:
        """Answers all plans of the stream.

        Args:
          draining: once it is set, no more are taken up.
        Raises:
          InvalidRequest: the stream has bytes that are no request.
          ReplicaLost: the server shuts down; what was taken up has been answered.
        """
        reading = asyncio.ensure_future(self._take_up(requests))
        drained = asyncio.ensure_future(draining.wait())
        writing = asyncio.ensure_future(self._write_answers())
        answered: asyncio.Future[Any] | None = None
        try:
            await _first({reading, drained, writing})
            was_read = reading.done()
            reading.cancel()
            answered = asyncio.ensure_future(self._is_idle.wait())
            await _first({answered, writing})
            self._finish()
            await writing
            if not was_read:
                raise shutting_down()
        finally:
            for task in (reading, drained, answered, *self._tasks):
                if task is not None:
                    task.cancel()
            self._answers.clear()
            self._finish()
            # The status of the stream can only follow the answer that is on its way.
            await asyncio.wait({writing})
            _forget_error(writing)

    def _finish(self) -> None:
        """No answers come after those that there are."""
        self._is_over = True
        self._to_write.set()

    async def _write_answers(self) -> None:
        while self._answers or not self._is_over:
            if self._answers:
                await self._write(self._answers.popleft())
                self._room.release()
            else:
                self._to_write.clear()
                await self._to_write.wait()

    async def _take_up(self, requests: AsyncIterator[PlanManyRequest]) -> None:
        async for request in requests:
            if request.WhichOneof("kind") == "cancel":
                flight = self._flights.get(request.request_id)
                if flight is not None:
                    flight.stop(Cancelled("the plan was cancelled"))
            else:
                await self._room.acquire()
                self._begin(request)

    def _begin(self, request: PlanManyRequest) -> None:
        flight = _Flight(request)
        problem = self._problem_of_name(request.request_id)
        if problem is not None:
            self._answer(flight, PlanManyResponse(error=error_status(problem, _METHOD)))
            return
        self._flights[request.request_id] = flight
        flight.task = asyncio.ensure_future(self._fly(flight))
        self._tasks.add(flight.task)
        self._is_idle.clear()
        flight.task.add_done_callback(partial(self._note_end, flight))

    def _note_end(self, flight: _Flight, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        name = flight.request.request_id
        if task.cancelled() and self._flights.get(name) is flight:  # it never began
            del self._flights[name]
            if flight.why_stopped is None:
                self._tell(flight, "CANCELLED")
            else:
                error = error_status(flight.why_stopped, _METHOD)
                self._answer(flight, PlanManyResponse(request_id=name, error=error))
        if not self._tasks:
            self._is_idle.set()

    def _problem_of_name(self, name: str) -> InvalidRequest | None:
        """Why a request cannot be answered under that name."""
        if not name:
            return InvalidRequest("request_id", "is empty; must name the plan in this stream")
        if len(name) > MAX_NAME:
            return InvalidRequest(
                "request_id", f"has {len(name)} characters; must have {MAX_NAME} at most"
            )
        if name in self._flights:
            return InvalidRequest(
                "request_id", f"is {shown(name)}, which a plan in flight has; must be another"
            )
        return None

    async def _fly(self, flight: _Flight) -> None:
        """Plans, and gives the one answer."""
        current_call.set(flight.call)  # of this task
        request, response = flight.request, PlanManyResponse(request_id=flight.request.request_id)
        expiry: asyncio.TimerHandle | None = None
        try:
            if request.WhichOneof("kind") is None:
                raise InvalidRequest("plan", "is missing; must say what to plan")
            timeout = seconds(request.timeout, "timeout") if request.HasField("timeout") else None
            if timeout is not None:
                late = DeadlineExpired(f"the plan took longer than its timeout of {timeout:g} s")
                expiry = asyncio.get_running_loop().call_later(timeout, flight.stop, late)
            response.plan.CopyFrom(await self._plan(request.plan, timeout))
        except asyncio.CancelledError:
            if flight.why_stopped is None:  # it is the stream that has come to its end
                self._tell(flight, "CANCELLED")
                raise
            response.error.CopyFrom(error_status(flight.why_stopped, _METHOD))
        except Exception as error:
            response.error.CopyFrom(error_status(error, _METHOD))
        finally:
            if expiry is not None:
                expiry.cancel()
            # Before the client can have the answer: it may use the name again at once.
            del self._flights[request.request_id]
        self._answer(flight, response)

    def _answer(self, flight: _Flight, response: PlanManyResponse) -> None:
        self._tell(flight, status_name(response.error.code))
        self._answers.append(response)
        self._to_write.set()

    def _tell(self, flight: _Flight, status: str) -> None:
        before = current_call.set(flight.call)  # for the log
        try:
            self._ended(flight.call, status, time.monotonic() - flight.started)
        finally:
            current_call.reset(before)


async def _first(tasks: set[Any]) -> None:
    """Until one of them is done; raises its error."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        if not task.cancelled():
            task.result()


def _forget_error(task: asyncio.Future[None]) -> None:
    """Of a task that nobody is to be told of any more."""
    if not task.cancelled():
        task.exception()

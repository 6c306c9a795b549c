"""The calls in progress, and how they come to an end when the server shuts down."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractContextManager
from typing import Any

from mcts_service.errors import ReplicaLost

__all__ = ["Calls", "shutting_down"]


class Calls:
    """Counts calls; for one event loop.

    A server shuts down in two steps. From `drain()` on new calls are turned away and those in
    progress run to their end. `close()` then ends the streams that have no end of their own,
    such as a client that watches the health of the server.

    Attributes:
      draining: set by `drain()`, for calls that come to an end early then.
    """

    def __init__(self) -> None:
        self._active = 0
        self.draining = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = asyncio.Event()
        self._turned_away, self._let_through = _Counted(self, False), _Counted(self, True)

    def counted(self, while_draining: bool = False) -> AbstractContextManager[None]:
        """Around a call that ends by itself.

        Args:
          while_draining: answer it even while the server shuts down.
        Raises:
          ReplicaLost: the server shuts down.
        """
        return self._let_through if while_draining else self._turned_away

    def enter(self, while_draining: bool) -> None:
        """Begins what `counted` is around."""
        if self.draining.is_set() and not while_draining:
            raise shutting_down()
        self._active += 1
        self._idle.clear()

    def leave(self) -> None:
        """Ends it."""
        self._active -= 1
        if self._active == 0:
            self._idle.set()

    async def until_closing(self, stream: Coroutine[Any, Any, None]) -> None:
        """Runs a stream to its end or to the server's.

        Raises:
          ReplicaLost: the server shuts down.
        """
        closing = asyncio.ensure_future(self._closing.wait())
        streaming = asyncio.ensure_future(stream)
        try:
            await asyncio.wait({streaming, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not streaming.done():
                raise shutting_down()
            await streaming
        finally:
            closing.cancel()
            streaming.cancel()

    def drain(self) -> None:
        """Turns away what comes from now on."""
        self.draining.set()

    async def idle(self) -> None:
        """Waits until no counted call is in progress."""
        await self._idle.wait()

    def close(self) -> None:
        """Ends the streams."""
        self._closing.set()


class _Counted(AbstractContextManager[None]):
    """The block of `Calls.counted`; one for all calls, as it has no state of its own."""

    def __init__(self, calls: Calls, while_draining: bool) -> None:
        self._calls, self._while_draining = calls, while_draining

    def __enter__(self) -> None:
        self._calls.enter(self._while_draining)

    def __exit__(self, *_: object) -> None:
        self._calls.leave()


def shutting_down() -> ReplicaLost:
    """Why a call, or a stream, has no answer: safe to try again, elsewhere or later."""
    return ReplicaLost("the server is shutting down; try again")

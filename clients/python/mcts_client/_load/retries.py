"""Retries of a call, where each attempt is seen: gRPC retries by itself, and tells nobody."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import grpc

from mcts_client._load.records import Answer

__all__ = ["answer_of", "pushback"]

#: What is safe to send again, as of the client's own policy in `mcts_client._channel`.
_RETRYABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
#: Seconds that the first wait is at most, and any.
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 1.0
_PUSHBACK_KEY = "grpc-retry-pushback-ms"


async def answer_of(
    attempt: Callable[[float], Awaitable[tuple[Answer, float | None]]],
    attempts: int,
    timeout: float,
) -> Answer:
    """The answer of the last attempt, and how many went before it.

    It waits as gRPC does: as long as the server asks, else a random time up to 0.1, 0.2, 0.4,
    0.8 s; and not at all where the server says no, or the deadline would pass meanwhile.

    Args:
      attempt: calls once, with that many seconds left; gives the answer, and the seconds that
        the server asks to wait: None: it does not say; below 0: not to try again.
      attempts: at most.
      timeout: seconds for all of them.
    """
    end = time.monotonic() + timeout
    for retries in range(attempts):
        answer, asked = await attempt(end - time.monotonic())
        wait = random.uniform(0, min(_FIRST_WAIT * 2**retries, _LONGEST_WAIT))
        wait = wait if asked is None else asked
        is_last = retries + 1 == attempts or answer.code not in _RETRYABLE
        if is_last or wait < 0 or time.monotonic() + wait >= end:
            break
        await asyncio.sleep(wait)
    return answer._replace(retries=retries)


def pushback(metadata: Iterable[tuple[str, Any]] | None) -> float | None:
    """Seconds that a failed call's trailing metadata ask to wait. Source: gRFC A6."""
    for key, value in metadata or ():
        if key == _PUSHBACK_KEY:
            return int(value) / 1e3 if str(value).lstrip("-").isdecimal() else -1.0
    return None

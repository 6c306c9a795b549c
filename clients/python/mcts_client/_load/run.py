"""One load test, from the first question about the model to the summary."""

from __future__ import annotations

import asyncio
import time
from typing import Any, TextIO

from mcts_client import _calls
from mcts_client._load.drive import drive
from mcts_client._load.records import Records
from mcts_client._load.settings import LoadSettings
from mcts_client._load.show import show_progress
from mcts_client._load.summary import Summary, summarise
from mcts_client.async_client import AsyncPlannerClient
from mcts_client.errors import InvalidRequest
from mcts_service.v1 import planner_pb2

__all__ = ["EXAMPLE", "run"]

#: Stands for the state that the server gives as an example; None is a state, JSON's null.
EXAMPLE = object()


async def run(settings: LoadSettings, state: Any, progress_to: TextIO) -> Summary:
    """Runs a load test. Cancelled after its first call, it gives what it has.

    Args:
      state: where every plan starts, or `EXAMPLE`.
      progress_to: where the live line goes.

    Raises:
      MCTSServiceError: the server is not there, or does not know the model.
      InvalidRequest: no message holds the state or the budget.
    """
    request = await _request(settings, state)
    records = Records()
    begin = time.monotonic()
    progress = asyncio.create_task(show_progress(settings, records, begin, progress_to))
    interrupted_at = None
    try:
        await drive(settings, request, records, begin)
    except asyncio.CancelledError:
        interrupted_at = time.monotonic()
    finally:
        progress.cancel()
        await asyncio.gather(progress, return_exceptions=True)
    return summarise(settings, records, begin, interrupted_at)


async def _request(settings: LoadSettings, state: Any) -> planner_pb2.PlanRequest:
    """What each call sends, but for its seed."""
    async with AsyncPlannerClient(settings.target, timeout=settings.timeout) as client:
        model = await client.get_model(settings.model)
    if state is EXAMPLE:
        state = model.state_spec.example
        if state is None:
            raise InvalidRequest.of_field("state", f"{settings.model} has no example; give one")
    return _calls.plan(
        settings.model,
        state,
        simulations=settings.simulations,
        time_limit=settings.time_limit,
        early_stop=False,  # the load is what was asked for, whatever the search finds
    ).request

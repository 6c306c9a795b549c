"""The request for improving plans, built from Python arguments; see `_calls`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from mcts_client import _calls, _responses, _settings
from mcts_client._calls import Call
from mcts_client._values import Value
from mcts_client.results import Plan
from mcts_client.settings import SearchSettings
from mcts_service.v1 import planner_pb2

if sys.version_info >= (3, 11):
    from typing import Unpack
else:
    from typing_extensions import Unpack

__all__ = ["watch"]


def watch(
    model: str,
    state: Value,
    *,
    interval: float | None = None,
    simulations: int | None = None,
    time_limit: float | None = None,
    max_bytes: int | None = None,
    horizon: int | None = None,
    seed: int | None = None,
    allowed_actions: Iterable[Value] | None = None,
    model_version: str = "",
    request_id: str = "",
    priority: int = 0,
    session_id: str = "",
    timeout: float | None = None,
    **settings: Unpack[SearchSettings],
) -> Call[planner_pb2.WatchPlanRequest, Plan]:
    """Asks for plans that improve: the last one is that of `plan`, and says so by `is_final`.

    A reader that is slower than the search is given the newest plan each time. To leave the loop
    ends the search.

    Args:
      model, state: as of `plan`.
      interval: seconds from one plan to the next, 0.001 or more; None: they come after 1, 2, 4, ...
        simulations.
      simulations, time_limit, max_bytes, horizon, seed, allowed_actions: as of `plan`.
      model_version, request_id, priority, session_id, timeout, settings: as of `plan`.

    Raises:
      InvalidRequest: what no message can hold, at once. All else that `plan` raises comes in the
        place of a plan.
    """
    call = _calls.plan(
        model,
        state,
        simulations=simulations,
        time_limit=time_limit,
        max_bytes=max_bytes,
        horizon=horizon,
        seed=seed,
        allowed_actions=allowed_actions,
        model_version=model_version,
        request_id=request_id,
        priority=priority,
        session_id=session_id,
        timeout=timeout,
        **settings,
    )
    request = planner_pb2.WatchPlanRequest(
        plan=call.request, interval=_settings.duration("interval", interval)
    )
    return Call(
        "WatchPlan",
        request,
        _read,
        model=call.model,
        timeout=call.timeout,
        own_timeout=call.own_timeout,
        session_id=call.session_id,
    )


def _read(response: planner_pb2.WatchPlanResponse) -> Plan:
    return _responses.plan(response.plan)

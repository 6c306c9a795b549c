"""How a channel to a server behaves: retries, by gRPC's own service config."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mcts_client.errors import InvalidRequest

__all__ = ["channel_options", "check_target"]

#: gRPC never makes more than this, whatever it is told.
_MAX_ATTEMPTS = 5
#: gRPC's own default, 4 MiB, is less than the columns of a large batch.
_MAX_RESPONSE_BYTES = 64 * 2**20
_SERVICE = "mcts_service.v1.PlannerService"


def channel_options(
    *, max_attempts: int, wait_for_ready: bool, options: Sequence[tuple[str, Any]]
) -> list[tuple[str, Any]]:
    """The channel's options; the caller's own come last and win.

    Every call is a pure function of its request, so it is safe to send again what came back
    UNAVAILABLE (no server, or one that died) or RESOURCE_EXHAUSTED (a server with no room).
    gRPC waits a random time up to 0.1, 0.2, 0.4, 0.8 s between attempts, or exactly as long as
    the server asks by `grpc-retry-pushback-ms`; it never retries past the call's deadline, and
    stops retrying while most calls of the channel fail. Of a pipeline single plans are sent again,
    and not its whole stream.

    Args:
      max_attempts: tries a call, the first included; 1 for no retries.
      wait_for_ready: a call waits for a connection, up to its deadline, where it would fail.
      options: channel arguments, as `grpc.insecure_channel` takes them.

    Raises:
      InvalidRequest: max_attempts is out of range.
    Source: gRFC A6.
    """
    if not (isinstance(max_attempts, int) and 1 <= max_attempts <= _MAX_ATTEMPTS):
        raise InvalidRequest.of_field(
            "max_attempts", f"is {max_attempts!r}; must be an integer from 1 to {_MAX_ATTEMPTS}"
        )
    method: dict[str, Any] = {"name": [{"service": _SERVICE}], "waitForReady": bool(wait_for_ready)}
    if max_attempts > 1:
        method["retryPolicy"] = {
            "maxAttempts": max_attempts,
            "initialBackoff": "0.1s",
            "maxBackoff": "1s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
        }
    stream = {
        "name": [{"service": _SERVICE, "method": "PlanMany"}],
        "waitForReady": bool(wait_for_ready),
    }
    config = {
        "methodConfig": [method, stream],
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
    }
    own = {
        "grpc.service_config": json.dumps(config),
        "grpc.max_receive_message_length": _MAX_RESPONSE_BYTES,
    }
    return list({**own, **dict(options)}.items())


def check_target(target: str) -> str:
    """`target`, if gRPC could dial it.

    Raises:
      InvalidRequest: it is not a name.
    """
    if not isinstance(target, str) or not target.strip():
        raise InvalidRequest.of_field("target", f"is {target!r}; must be HOST:PORT or a gRPC name")
    return target

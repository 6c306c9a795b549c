"""How a channel to servers behaves: retries and routing, by gRPC's own service config."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

from mcts_client.errors import InvalidRequest

__all__ = ["SESSION_KEY", "channel_options", "channel_target"]

#: Metadata by which plans of one session come to one server.
SESSION_KEY = "mcts-session"

#: gRPC never makes more than this, whatever it is told.
_MAX_ATTEMPTS = 5
#: gRPC's own default, 4 MiB, is less than the columns of a large batch.
_MAX_RESPONSE_BYTES = 64 * 2**20
#: A server that was restarted is found again while calls are still being tried: gRPC's own waits
#: grow from 1 s to 2 minutes.
_FIRST_RECONNECT_MS, _LAST_RECONNECT_MS = 100, 1_000
_SERVICE = "mcts_service.v1.PlannerService"


def channel_options(
    *,
    max_attempts: int,
    wait_for_ready: bool,
    route_by_session: bool = False,
    options: Sequence[tuple[str, Any]],
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
      route_by_session: calls with the same metadata "mcts-session" go to the same server.
      options: channel arguments, as `grpc.insecure_channel` takes them.

    Raises:
      InvalidRequest: max_attempts is out of range.
    Source: gRFC A6; of routing gRFC A42 and A76.
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
    config: dict[str, Any] = {
        # Where a name stands for several servers, calls go round those that say that they serve.
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
        "methodConfig": [method, stream],
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
    }
    if route_by_session:
        config["loadBalancingConfig"] = [{"ring_hash_experimental": _ring()}]
    own = {
        "grpc.service_config": json.dumps(config),
        "grpc.initial_reconnect_backoff_ms": _FIRST_RECONNECT_MS,
        "grpc.max_reconnect_backoff_ms": _LAST_RECONNECT_MS,
        "grpc.max_receive_message_length": _MAX_RESPONSE_BYTES,
    }
    return list({**own, **dict(options)}.items())


def _ring() -> dict[str, Any]:
    """Consistent hashing: where a server comes or goes, few sessions go elsewhere."""
    # gRPC's core reads the header's name only where this is set, and at no other place.
    os.environ["GRPC_EXPERIMENTAL_RING_HASH_SET_REQUEST_HASH_KEY"] = "true"
    return {"requestHashHeader": SESSION_KEY, "minRingSize": 1024, "maxRingSize": 4096}


def channel_target(target: str | Sequence[str]) -> str:
    """What gRPC dials.

    Args:
      target: a name, as it is; or several HOST:PORT, of which the addresses are looked up.

    Raises:
      InvalidRequest: it is none, or an address cannot be had.
    """
    if isinstance(target, str):
        if not target.strip():
            raise InvalidRequest.of_field(
                "target", f"is {target!r}; must be HOST:PORT or a gRPC name"
            )
        return target
    if not isinstance(target, Sequence) or not target:
        raise InvalidRequest.of_field(
            "target", f"is {target!r}; must be HOST:PORT, a gRPC name, or several HOST:PORT"
        )
    found = [_addresses(f"target[{i}]", one) for i, one in enumerate(target)]
    for scheme in ("ipv4", "ipv6"):
        if all(scheme in addresses for addresses in found):
            return f"{scheme}:" + ",".join(addresses[scheme] for addresses in found)
    raise InvalidRequest.of_field("target", "has IPv4 and IPv6 addresses; must have one kind")


def _addresses(field: str, target: Any) -> dict[str, str]:
    """The first address of HOST:PORT in each of the schemes that there is one of."""
    host, _, port = target.rpartition(":") if isinstance(target, str) else ("", "", "")
    if not host or not port.isdecimal():
        raise InvalidRequest.of_field(field, f"is {target!r}; must be HOST:PORT")
    try:
        infos = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, OverflowError) as error:
        raise InvalidRequest.of_field(
            field, f"is {target!r}, of which there is no address: {error}"
        ) from error
    found: dict[str, str] = {}
    for family, _, _, _, address in infos:
        host = str(address[0])
        if family == socket.AF_INET:
            found.setdefault("ipv4", f"{host}:{port}")
        elif family == socket.AF_INET6:
            found.setdefault("ipv6", f"[{host}]:{port}")
    return found

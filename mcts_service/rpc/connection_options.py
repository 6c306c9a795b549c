"""The limits of connections, as gRPC calls them."""

from __future__ import annotations

from mcts_service.service.connection_limits import ConnectionLimits

__all__ = ["connection_options"]

#: The greatest time that gRPC takes; it means never.
_NEVER = 2**31 - 1
#: Pings too many that a client is forgiven.
_FORGIVEN_PINGS = 2


def connection_options(limits: ConnectionLimits) -> list[tuple[str, int]]:
    """The arguments of a server."""
    return [
        ("grpc.max_allowed_incoming_connections", limits.max_connections),
        ("grpc.max_concurrent_streams", limits.max_streams),
        # gRPC would refuse at random between the two, were they not the same.
        ("grpc.max_metadata_size", limits.max_header_bytes),
        ("grpc.absolute_max_metadata_size", limits.max_header_bytes),
        ("grpc.server_handshake_timeout_ms", _milliseconds(limits.handshake_seconds)),
        ("grpc.http2.settings_timeout", _milliseconds(limits.handshake_seconds)),
        ("grpc.keepalive_time_ms", _milliseconds(limits.keepalive_seconds)),
        ("grpc.keepalive_timeout_ms", _milliseconds(limits.keepalive_timeout_seconds)),
        # Of the two, gRPC waits for the longer one.
        ("grpc.http2.ping_timeout_ms", _milliseconds(limits.keepalive_timeout_seconds)),
        # Connections without a call are asked, and may ask, as often as others.
        ("grpc.keepalive_permit_without_calls", 1),
        (
            "grpc.http2.min_ping_interval_without_data_ms",
            _milliseconds(limits.min_ping_seconds),
        ),
        ("grpc.http2.max_ping_strikes", _FORGIVEN_PINGS),
        ("grpc.max_connection_idle_ms", _milliseconds(limits.max_idle_seconds)),
        ("grpc.max_connection_age_ms", _milliseconds(limits.max_age_seconds)),
        ("grpc.max_connection_age_grace_ms", max(1, _milliseconds(limits.max_age_grace_seconds))),
    ]


def _milliseconds(seconds: float) -> int:
    return min(round(seconds * 1e3), _NEVER) or _NEVER

"""What connections to a server may do, and how long they live."""

from __future__ import annotations

from dataclasses import dataclass

from mcts_service.checks import require_integer, require_number

__all__ = ["ConnectionLimits"]

_DAY = 86_400


@dataclass(frozen=True)
class ConnectionLimits:
    """Table [limits]. Each is of one connection, but for the first.

    Attributes:
      max_connections: open at once; one more is closed as soon as it is there.
      max_streams: calls at once; a client that keeps the rules of HTTP/2 holds back one more.
      max_header_bytes: of the metadata of a call; the call fails with RESOURCE_EXHAUSTED.
      handshake_seconds: in which TLS and HTTP/2 must be agreed on.
      keepalive_seconds: without a sign of life for so long, the client is asked for one.
      keepalive_timeout_seconds: in which it must come, or the connection is closed.
      min_ping_seconds: a client that asks for signs of life more often, time and again, is
        sent away.
      max_idle_seconds: without a call for so long, it is closed; 0: never. Clients connect
        anew with their next call.
      max_age_seconds: after so long it takes no more calls, and the client connects anew,
        perhaps to another server behind a balancer; 0: never.
      max_age_grace_seconds: for the calls that still run then.
    """

    max_connections: int = 4096
    max_streams: int = 1024
    max_header_bytes: int = 16 * 1024
    handshake_seconds: float = 20.0
    keepalive_seconds: float = 60.0
    keepalive_timeout_seconds: float = 20.0
    min_ping_seconds: float = 10.0
    max_idle_seconds: float = 1800.0
    max_age_seconds: float = 0.0
    max_age_grace_seconds: float = 60.0

    def __post_init__(self) -> None:
        require_integer("max_connections", self.max_connections, 1, 1_000_000)
        require_integer("max_streams", self.max_streams, 1, 1_000_000)
        require_integer("max_header_bytes", self.max_header_bytes, 1024, 2**20)
        require_number("handshake_seconds", self.handshake_seconds, 0.1, _DAY)
        require_number("keepalive_seconds", self.keepalive_seconds, 0.1, _DAY)
        require_number("keepalive_timeout_seconds", self.keepalive_timeout_seconds, 0.1, _DAY)
        require_number("min_ping_seconds", self.min_ping_seconds, 0.1, _DAY)
        require_number("max_idle_seconds", self.max_idle_seconds, 0, _DAY)
        require_number("max_age_seconds", self.max_age_seconds, 0, 365 * _DAY)
        require_number("max_age_grace_seconds", self.max_age_grace_seconds, 0, _DAY)

"""What is known of a call while it runs: for whoever logs or counts."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import unquote

from mcts_service.service.caller import ANYONE, Caller

__all__ = ["CallRecord", "Connection", "EndedCall", "address_of", "current_call"]


class Connection(Protocol):
    """Where a call comes from."""

    def peer(self) -> str:
        """The caller's network address, as gRPC writes it: "ipv4:192.0.2.7:50123"."""


class CallRecord:
    """One call.

    Attributes:
      method: its full name: "/mcts_service.v1.PlannerService/Plan".
      caller: who makes it.
      model: the name of the model that it asks for, as it was sent; empty: of none, or not
        read yet.
      request_id: the caller's own; empty: it has none. An internal error gives it one.
    """

    __slots__ = ("_connection", "caller", "method", "model", "request_id")

    def __init__(self, method: str, connection: Connection) -> None:
        """Begins with what is known first.

        Args:
          connection: by which it came.
        """
        self.method = method
        self.caller: Caller = ANYONE
        self.model = ""
        self.request_id = ""
        self._connection = connection

    def note(self, request: Any) -> None:
        """Takes what is told of a request, or of the plan that it is about."""
        request = getattr(request, "plan", request)
        self.model = getattr(request, "model", "")
        self.request_id = getattr(request, "request_id", "")

    def part(self, request: Any) -> CallRecord:
        """One for a request of a stream, which counts as a call of its own."""
        call = CallRecord(self.method, self._connection)
        call.caller = self.caller
        call.note(request)
        return call

    @property
    def caller_name(self) -> str:
        """The name of the caller's token; without one, the network address.

        Ports do not count: all connections from one address are one caller.
        """
        return self.caller.name or address_of(self._connection.peer())


@lru_cache(1024)  # of connections, each of which asks again and again
def address_of(peer: str) -> str:
    """Where a call comes from, whatever its port: "ipv4:192.0.2.7", "ipv6:2001:db8::7", "unix:...".

    No token has such a name.

    Args:
      peer: in gRPC's words: "ipv4:192.0.2.7:50123", "ipv6:%5B2001:db8::7%5D:50123".
    """
    kind, _, address = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return peer
    host = unquote(address).rpartition(":")[0].strip("[]")
    # A socket for both kinds writes one as the other.
    mapped = host.lower().removeprefix("::ffff:")
    return f"ipv4:{mapped}" if mapped.count(".") == 3 else f"ipv6:{host}"


#: Told of each call at its end: the call, the name of its status, and seconds.
EndedCall = Callable[[CallRecord, str, float], None]

#: Of the call whose task this is; each call of a server has a task of its own.
current_call: ContextVar[CallRecord] = ContextVar("current_call")

"""What is known of a call while it runs: for whoever logs or counts."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from mcts_service.service.caller import ANYONE, Caller

__all__ = ["CallRecord", "current_call"]


class CallRecord:
    """One call.

    Attributes:
      method: its full name: "/mcts_service.v1.PlannerService/Plan".
      caller: who makes it.
      model: the name of the model that it asks for, as it was sent; empty: of none, or not
        read yet.
      request_id: the caller's own; empty: it has none. An internal error gives it one.
    """

    __slots__ = ("_address", "caller", "method", "model", "request_id")

    def __init__(self, method: str, address: Callable[[], str]) -> None:
        """Begins with what is known first.

        Args:
          address: gives the caller's network address.
        """
        self.method = method
        self.caller: Caller = ANYONE
        self.model = ""
        self.request_id = ""
        self._address = address

    @property
    def caller_name(self) -> str:
        """The name of the caller's token; without one, the network address."""
        return self.caller.name or self._address()


#: Of the call whose task this is; each call of a server has a task of its own.
current_call: ContextVar[CallRecord] = ContextVar("current_call")

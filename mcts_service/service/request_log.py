"""A line in the log for each request, as far as it is wanted and the log can bear it."""

from __future__ import annotations

import logging
import secrets
import threading
import time

from mcts_service.checks import shown
from mcts_service.service.call_record import CallRecord
from mcts_service.service.logs import LogSettings

__all__ = ["RequestLog"]

logger = logging.getLogger("mcts_service.requests")


class RequestLog:
    """Writes the lines."""

    def __init__(self, settings: LogSettings) -> None:
        self._all = settings.requests == "all"
        self._most = settings.max_requests_per_second
        self._lock = threading.Lock()
        self._second = 0
        self._written = self._left_out = 0

    def call_ended(self, call: CallRecord, status: str, seconds: float) -> None:
        """Writes a line, if the call is to have one and there is room for it in this second.

        Args:
          status: "OK", or another name of a gRPC status.
          seconds: that the call took.
        """
        if not (self._all or call.request_id) or not logger.isEnabledFor(logging.INFO):
            return
        if not self._has_room():
            return
        if not call.request_id:
            call.request_id = secrets.token_hex(6)
        about = f" {shown(call.model)}" if call.model else ""
        logger.info(
            "%s%s: %s in %.4f s, request %s of %s",
            call.method.rpartition("/")[2],
            about,
            status,
            seconds,
            shown(call.request_id),
            call.caller_name,
            extra={"status": status, "duration": round(seconds, 6)},
        )

    def _has_room(self) -> bool:
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                if self._left_out:
                    logger.info("%d more requests have no line", self._left_out)
                self._second, self._written, self._left_out = second, 0, 0
            if self._written < self._most:
                self._written += 1
                return True
            self._left_out += 1
            return False

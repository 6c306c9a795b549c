"""What a server logs, and how: lines for people, or JSON, a line each."""

from __future__ import annotations

import json
import logging
import traceback
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from mcts_service.checks import require_integer, shown
from mcts_service.errors import InvalidRequest
from mcts_service.service.call_record import current_call

__all__ = ["JsonFormatter", "LogSettings", "set_up_logging"]

_FORMATS = ("text", "json")
_LEVELS = ("debug", "info", "warning", "error")
_REQUESTS = ("off", "named", "all")

#: What a record may carry beside its message, and how JSON names it.
_EXTRAS = ("method", "model", "request_id", "caller", "status", "duration", "error_id")


@dataclass(frozen=True)
class LogSettings:
    """Table [log].

    Attributes:
      format: "text" or "json", a line for each event either way.
      level: the least that is logged: "debug", "info", "warning" or "error".
      requests: which requests have a line at their end, of level "info": "named" by their
        caller's `request_id`, "all" or, with "off", none.
      max_requests_per_second: such lines at most; how many were left out is told.
    """

    format: str = "text"
    level: str = "info"
    requests: str = "named"
    max_requests_per_second: int = 100

    def __post_init__(self) -> None:
        _require_one_of("format", self.format, _FORMATS)
        _require_one_of("level", self.level, _LEVELS)
        _require_one_of("requests", self.requests, _REQUESTS)
        require_integer("max_requests_per_second", self.max_requests_per_second, 1, 1_000_000)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON.

    Always `time` (UTC), `level`, `logger` and `message`. What is logged while a call runs has its
    `method`, `model`, `request_id` and `caller`; a request's line `status` and `duration` in
    seconds too; an internal error `error_id` and `traceback`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": _utc(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= _about_call()
        line |= {key: value for key in _EXTRAS if (value := getattr(record, key, "")) != ""}
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
        # ASCII: a lone surrogate, which a request may smuggle in, has no UTF-8.
        return json.dumps(line, default=str)


def set_up_logging(settings: LogSettings) -> None:
    """Has this process log as the settings say, to standard error."""
    handler = logging.StreamHandler()
    if settings.format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)


def _about_call() -> dict[str, str]:
    """What is known of the call in whose course this is logged."""
    call = current_call.get(None)
    if call is None:
        return {}
    about = {"method": call.method, "model": call.model, "request_id": call.request_id}
    about["caller"] = call.caller_name
    return {key: value for key, value in about.items() if value}


def _utc(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _require_one_of(field: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidRequest(field, f"is {shown(value)}; must be one of {', '.join(known)}")

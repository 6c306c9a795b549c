"""The one table from exceptions to gRPC status, and the details that go with it."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from mcts_service.checks import shown
from mcts_service.errors import (
    BudgetTooLarge,
    Cancelled,
    DeadlineExpired,
    InvalidRequest,
    MCTSServiceError,
    ModelFault,
    NoLegalAction,
    Overloaded,
    ReplicaLost,
    TerminalState,
    Unauthenticated,
    UnknownModel,
)
from mcts_service.service.call_record import current_call

__all__ = ["STATUS_CODES", "ErrorReply", "error_reply", "error_status", "status_name"]

logger = logging.getLogger("mcts_service")

STATUS_CODES: dict[type[MCTSServiceError], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    UnknownModel: grpc.StatusCode.NOT_FOUND,
    TerminalState: grpc.StatusCode.FAILED_PRECONDITION,
    NoLegalAction: grpc.StatusCode.FAILED_PRECONDITION,
    BudgetTooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Cancelled: grpc.StatusCode.CANCELLED,
    DeadlineExpired: grpc.StatusCode.DEADLINE_EXCEEDED,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    ReplicaLost: grpc.StatusCode.UNAVAILABLE,
    ModelFault: grpc.StatusCode.INTERNAL,
}

#: What clients tell errors apart by that share a status.
_REASONS: dict[type[MCTSServiceError], str] = {
    TerminalState: "TERMINAL_STATE",
    NoLegalAction: "NO_LEGAL_ACTION",
    BudgetTooLarge: "BUDGET_TOO_LARGE",
}

_NAMES: dict[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}

_PUSHBACK_KEY = "grpc-retry-pushback-ms"

# A status travels in HTTP/2 trailers, of which clients accept 8 KiB; a longer one would reach
# nobody. The text goes twice, and on its way may grow threefold, binary details by a third.
_MAX_TEXT_BYTES = 1_000
_MAX_VIOLATION_BYTES = 400
_MAX_DETAILS_BYTES = 2_500


@dataclass(frozen=True)
class ErrorReply:
    """What a caller is told of an error.

    Attributes:
      code: the status.
      text: for people.
      metadata: for programs: google.rpc details and the pushback of retries.
    """

    code: grpc.StatusCode
    text: str
    metadata: tuple[tuple[str, str | bytes], ...] = ()


def error_reply(error: Exception, method: str) -> ErrorReply:
    """The status of an exception that ended a call.

    A fault of the server or of a model shows nothing of itself: the caller gets an id, and
    the log has the traceback under it.

    Args:
      method: the call's full name, for the log.
    """
    status = error_status(error, method)
    if not status.details:
        return ErrorReply(_code(error), status.message)
    metadata = rpc_status.to_status(status).trailing_metadata
    return ErrorReply(_code(error), status.message, (*metadata, *_pushback(error)))


def error_status(error: Exception, method: str) -> status_pb2.Status:
    """The same with its details as one message, for an error inside of an answer."""
    code = _code(error)
    if code is grpc.StatusCode.INTERNAL:
        text = f"internal error {_log(error, method)}: the server's log has more under this id"
    else:
        text = _cut(str(error), _MAX_TEXT_BYTES)
    status = status_pb2.Status(code=code.value[0], message=text)
    details = _details(error)
    if details is not None:
        status.details.add().Pack(details)
    return status


def status_name(code: Any) -> str:
    """The name of a status, given as gRPC's servers do: by its number, or by itself."""
    number = code.value[0] if isinstance(code, grpc.StatusCode) else code
    return _NAMES.get(number, "UNKNOWN")


def _log(error: Exception, method: str) -> str:
    """Writes an internal error to the log, and gives the id that it has there."""
    identity = uuid.uuid4().hex[:12]
    call = current_call.get(None)
    if call is not None and not call.request_id:
        call.request_id = identity
    request = f", request {shown(call.request_id)}" if call is not None else ""
    logger.error(
        "internal error %s in %s%s",
        identity,
        method,
        request,
        exc_info=error,
        extra={"error_id": identity},
    )
    return identity


def _code(error: Exception) -> grpc.StatusCode:
    for kind in type(error).__mro__:
        if kind in STATUS_CODES:
            return STATUS_CODES[kind]
    return grpc.StatusCode.INTERNAL


def _details(error: Exception) -> Message | None:
    """What programs are told beside the status."""
    details: Message | None = None
    if isinstance(error, InvalidRequest):
        details = _bad_request(error)
    elif isinstance(error, Overloaded):
        delay = Duration()
        delay.FromNanoseconds(int(error.retry_after * 1e9))
        details = error_details_pb2.RetryInfo(retry_delay=delay)
    elif reason := next((text for kind, text in _REASONS.items() if isinstance(error, kind)), ""):
        details = error_details_pb2.ErrorInfo(reason=reason, domain="mcts_service")
    return details


def _pushback(error: Exception) -> tuple[tuple[str, str], ...]:
    """What the retries that are built into gRPC are told."""
    if isinstance(error, Overloaded):
        return ((_PUSHBACK_KEY, str(max(1, round(error.retry_after * 1e3)))),)
    # It shares its status with Overloaded, but asking again for too much cannot help.
    return ((_PUSHBACK_KEY, "-1"),) if isinstance(error, BudgetTooLarge) else ()


def _bad_request(error: InvalidRequest) -> error_details_pb2.BadRequest:
    """The wrong fields, as many as a status has room for."""
    details = error_details_pb2.BadRequest()
    for violation in error.violations:
        details.field_violations.add(
            field=_cut(violation.field, _MAX_VIOLATION_BYTES),
            description=_cut(violation.description, _MAX_VIOLATION_BYTES),
        )
        if details.ByteSize() > _MAX_DETAILS_BYTES:
            del details.field_violations[-1]
            break
    return details


def _cut(text: str, most: int) -> str:
    """The text, shortened to that many bytes of UTF-8."""
    # A lone surrogate, which JSON can smuggle in, has no UTF-8.
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= most:
        return data.decode()
    return data[: most - 3].decode("utf-8", "ignore") + "..."

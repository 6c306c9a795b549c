"""The exception for a call that failed, from its status code and its google.rpc details.

The table of `mcts_service.rpc.status`, read backwards. Where two errors share a code, the
server's ErrorInfo names the one that is meant; without it, as from a proxy, the code and the
other details decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from mcts_client import errors
from mcts_client.errors import FieldViolation, MCTSServiceError

__all__ = ["error_from", "error_of_status", "is_of_writing"]

_DETAILS_KEY = "grpc-status-details-bin"
#: In gRPC's own refusal of a message; its code is that of an overload.
_MESSAGE_TOO_LARGE = "message larger than max"
#: In grpc.aio's error of a message that could not be sent.
_NOT_SENT = 'Failed "execute_batch"'
_DOMAIN = "mcts_service"
#: By ErrorInfo's reason: the errors that the code alone does not tell.
_BY_REASON: dict[str, type[MCTSServiceError]] = {
    "TERMINAL_STATE": errors.TerminalState,
    "NO_LEGAL_ACTION": errors.NoLegalAction,
    "BUDGET_TOO_LARGE": errors.BudgetTooLarge,
}
_BY_CODE: dict[grpc.StatusCode, type[MCTSServiceError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequest,
    grpc.StatusCode.NOT_FOUND: errors.UnknownModel,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.Overloaded,
    grpc.StatusCode.CANCELLED: errors.Cancelled,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExpired,
    grpc.StatusCode.UNAUTHENTICATED: errors.Unauthenticated,
    grpc.StatusCode.UNAVAILABLE: errors.ReplicaLost,
    grpc.StatusCode.INTERNAL: errors.ModelFault,
}
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True)
class _Details:
    """What the google.rpc messages beside a status say.

    Attributes:
      reason: ErrorInfo's, if it is of this service; else empty.
      violations: BadRequest's.
      retry_after: RetryInfo's, in seconds; else NaN.
    """

    reason: str = ""
    violations: tuple[FieldViolation, ...] = ()
    retry_after: float = math.nan


def error_from(error: grpc.RpcError, target: str, model: str) -> MCTSServiceError:
    """The exception that a failed call raises.

    Args:
      error: what gRPC raised; it is a `grpc.Call` too.
      target: the server's name, which a message about an absent server tells.
      model: the model's name in the request, or empty.

    Returns:
      An error of the tree; the base where no error has the code.
    """
    return _error(error.code(), error.details() or "no text", _details(error), target, model)


def is_of_writing(error: grpc.RpcError) -> bool:
    """Whether grpc.aio could not send a message on a stream.

    The server has ended it then, or is gone; with which status, grpc.aio forgets.
    """
    return (error.details() or "").startswith(_NOT_SENT)


def error_of_status(status: status_pb2.Status, target: str, model: str) -> MCTSServiceError:
    """The exception of a status inside of an answer; arguments as of `error_from`."""
    found = _Details()
    for packed in status.details:
        found = _with_detail(found, packed)
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return _error(code, status.message or "no text", found, target, model)


def _error(
    code: grpc.StatusCode, text: str, details: _Details, target: str, model: str
) -> MCTSServiceError:
    kind = _BY_REASON.get(details.reason) or _BY_CODE.get(code, MCTSServiceError)
    if kind is errors.Overloaded and _MESSAGE_TOO_LARGE in text:
        kind = errors.InvalidRequest
    if kind is errors.InvalidRequest:
        return errors.InvalidRequest(text, details.violations)
    if kind is errors.UnknownModel:
        return errors.UnknownModel(text, model)
    if kind is errors.Overloaded:
        return errors.Overloaded(text, details.retry_after)
    if kind is errors.ReplicaLost:
        return errors.ReplicaLost(f"{target} is unavailable: {text}")
    return kind(text) if kind is not MCTSServiceError else MCTSServiceError(f"{code.name}: {text}")


def _details(error: grpc.RpcError) -> _Details:
    """The details of a status; empty where they cannot be read.

    Read by hand, as `grpc_status` refuses a status whose own text was shortened.
    """
    metadata: Any = error.trailing_metadata() or ()
    found = _Details()
    try:
        for key, value in metadata:
            if key == _DETAILS_KEY:
                for packed in status_pb2.Status.FromString(value).details:
                    found = _with_detail(found, packed)
    except DecodeError:
        return _Details()  # not of our server's making; the code and the text say enough
    return found


def _with_detail(found: _Details, packed: any_pb2.Any) -> _Details:
    error_info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry_info = error_details_pb2.RetryInfo()
    if packed.Unpack(error_info) and error_info.domain == _DOMAIN:
        return replace(found, reason=error_info.reason)
    if packed.Unpack(bad_request):
        violations = (FieldViolation(v.field, v.description) for v in bad_request.field_violations)
        return replace(found, violations=tuple(violations))
    if packed.Unpack(retry_info):
        return replace(found, retry_after=retry_info.retry_delay.ToNanoseconds() / 1e9)
    return found

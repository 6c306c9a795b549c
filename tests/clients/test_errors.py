"""The client's exceptions: the service's tree, and one for each status that a call can end with."""

from __future__ import annotations

import inspect
import math
import pickle
from collections.abc import Callable
from types import ModuleType
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

import mcts_client
from mcts_client import errors
from mcts_service import errors as served
from mcts_service.rpc.status import error_reply

Abort = Callable[[Any, grpc.ServicerContext], Any]


def abort_with(
    code: grpc.StatusCode, text: str, *details: Message, shortened: bool = False
) -> Abort:
    """A Plan that fails: with a status, its text, and google.rpc details."""

    def plan(request: Any, context: grpc.ServicerContext) -> Any:
        if details:
            status = status_pb2.Status(code=code.value[0], message="" if shortened else text)
            for detail in details:
                status.details.add().Pack(detail)
            context.set_trailing_metadata(
                (("grpc-status-details-bin", status.SerializeToString()),)
            )
        context.abort(code, text)

    return plan


def reason(name: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=name, domain="mcts_service")


BAD_REQUEST = error_details_pb2.BadRequest(
    field_violations=[
        error_details_pb2.BadRequest.FieldViolation(
            field="budget.simulations", description="is 0; must be an integer from 1"
        ),
        error_details_pb2.BadRequest.FieldViolation(field="horizon", description="is -1"),
    ]
)
RETRY_INFO = error_details_pb2.RetryInfo(retry_delay=Duration(nanos=250_000_000))
NO_RETRIES = {"max_attempts": 1}


def tree(module: ModuleType) -> dict[str, list[str]]:
    """The parents, by name, of each exception that a module defines."""
    classes = inspect.getmembers(module, inspect.isclass)
    return {
        name: [parent.__name__ for parent in kind.__mro__]
        for name, kind in classes
        if issubclass(kind, Exception) and kind.__module__ == module.__name__
    }


def test_the_clients_tree_is_the_services_name_by_name() -> None:
    assert tree(errors) == tree(served)
    assert errors.__all__ == served.__all__


def test_every_error_is_a_name_of_the_client() -> None:
    assert set(errors.__all__) <= set(mcts_client.__all__)


@pytest.mark.parametrize(
    "error",
    [
        served.InvalidRequest("horizon", "is 0; must be 1 or more"),
        served.UnknownModel("m", ["a", "b"]),
        served.TerminalState("the game is over"),
        served.NoLegalAction("none of the allowed actions is legal"),
        served.BudgetTooLarge("budget.simulations: is 10**9"),
        served.Overloaded("full", retry_after=0.25),
        served.Cancelled("cancelled"),
        served.DeadlineExpired("too late"),
        served.Unauthenticated("who are you?"),
        served.ReplicaLost("shutting down"),
        served.ModelFault("sample raised ValueError"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_of_the_service_comes_back_as_itself(
    ask: Callable[..., Any], scripted_server: Callable[..., str], error: served.MCTSServiceError
) -> None:
    def plan(request: Any, context: grpc.ServicerContext) -> None:
        reply = error_reply(error, "/Plan")
        context.set_trailing_metadata(reply.metadata)
        context.abort(reply.code, reply.text)

    with pytest.raises(errors.MCTSServiceError) as caught:
        ask(scripted_server(plan), "plan", "m", 0, options=NO_RETRIES)
    assert type(caught.value).__name__ == type(error).__name__
    if not isinstance(error, served.ModelFault):  # whose text stays in the server's log
        assert str(error) in str(caught.value)


@pytest.mark.parametrize(
    ("abort", "kind"),
    [
        (abort_with(grpc.StatusCode.INVALID_ARGUMENT, "x"), errors.InvalidRequest),
        (abort_with(grpc.StatusCode.NOT_FOUND, "x"), errors.UnknownModel),
        (
            abort_with(grpc.StatusCode.FAILED_PRECONDITION, "x", reason("TERMINAL_STATE")),
            errors.TerminalState,
        ),
        (
            abort_with(grpc.StatusCode.FAILED_PRECONDITION, "x", reason("NO_LEGAL_ACTION")),
            errors.NoLegalAction,
        ),
        (
            abort_with(grpc.StatusCode.RESOURCE_EXHAUSTED, "x", reason("BUDGET_TOO_LARGE")),
            errors.BudgetTooLarge,
        ),
        (abort_with(grpc.StatusCode.RESOURCE_EXHAUSTED, "x", RETRY_INFO), errors.Overloaded),
        (abort_with(grpc.StatusCode.CANCELLED, "x"), errors.Cancelled),
        (abort_with(grpc.StatusCode.DEADLINE_EXCEEDED, "x"), errors.DeadlineExpired),
        (abort_with(grpc.StatusCode.UNAUTHENTICATED, "x"), errors.Unauthenticated),
        (abort_with(grpc.StatusCode.UNAVAILABLE, "x"), errors.ReplicaLost),
        (abort_with(grpc.StatusCode.INTERNAL, "x"), errors.ModelFault),
        (abort_with(grpc.StatusCode.FAILED_PRECONDITION, "x"), errors.MCTSServiceError),
        (abort_with(grpc.StatusCode.UNKNOWN, "x"), errors.MCTSServiceError),
        (abort_with(grpc.StatusCode.PERMISSION_DENIED, "x"), errors.MCTSServiceError),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_status_raises_its_own_error(
    ask: Callable[..., Any], scripted_server: Callable[..., str], abort: Abort, kind: type
) -> None:
    with pytest.raises(errors.MCTSServiceError) as caught:
        ask(scripted_server(abort), "plan", "m", 0, options=NO_RETRIES)
    assert type(caught.value) is kind
    assert isinstance(caught.value.__cause__, grpc.RpcError)


def test_invalid_request_tells_each_field(
    ask: Callable[..., Any], scripted_server: Callable[..., str]
) -> None:
    target = scripted_server(
        abort_with(grpc.StatusCode.INVALID_ARGUMENT, "two fields", BAD_REQUEST)
    )
    with pytest.raises(errors.InvalidRequest, match="two fields") as caught:
        ask(target, "plan", "m", 0)
    assert [violation.field for violation in caught.value.violations] == [
        "budget.simulations",
        "horizon",
    ]
    assert caught.value.violations[0].description == "is 0; must be an integer from 1"


def test_details_are_read_where_their_own_text_was_shortened(
    ask: Callable[..., Any], scripted_server: Callable[..., str]
) -> None:
    abort = abort_with(grpc.StatusCode.INVALID_ARGUMENT, "long", BAD_REQUEST, shortened=True)
    with pytest.raises(errors.InvalidRequest) as caught:
        ask(scripted_server(abort), "plan", "m", 0)
    assert len(caught.value.violations) == 2


def test_broken_details_leave_the_code_and_the_text(
    ask: Callable[..., Any], scripted_server: Callable[..., str]
) -> None:
    def plan(request: Any, context: grpc.ServicerContext) -> Any:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff\xff"),))
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the text")

    with pytest.raises(errors.InvalidRequest, match="the text") as caught:
        ask(scripted_server(plan), "plan", "m", 0)
    assert caught.value.violations == ()


def test_a_reason_of_another_service_means_nothing(
    ask: Callable[..., Any], scripted_server: Callable[..., str]
) -> None:
    foreign = error_details_pb2.ErrorInfo(reason="TERMINAL_STATE", domain="example.com")
    target = scripted_server(abort_with(grpc.StatusCode.FAILED_PRECONDITION, "x", foreign))
    with pytest.raises(errors.MCTSServiceError) as caught:
        ask(target, "plan", "m", 0)
    assert type(caught.value) is errors.MCTSServiceError
    assert "FAILED_PRECONDITION" in str(caught.value)


def test_overloaded_tells_when_to_try_again(
    ask: Callable[..., Any], scripted_server: Callable[..., str]
) -> None:
    target = scripted_server(abort_with(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", RETRY_INFO))
    with pytest.raises(errors.Overloaded) as caught:
        ask(target, "plan", "m", 0, options=NO_RETRIES)
    assert caught.value.retry_after == 0.25


def test_overloaded_without_a_time_has_nan(
    ask: Callable[..., Any], scripted_server: Callable[..., str]
) -> None:
    target = scripted_server(abort_with(grpc.StatusCode.RESOURCE_EXHAUSTED, "full"))
    with pytest.raises(errors.Overloaded) as caught:
        ask(target, "plan", "m", 0, options=NO_RETRIES)
    assert math.isnan(caught.value.retry_after)


def test_unknown_model_tells_the_name(
    ask: Callable[..., Any], scripted_server: Callable[..., str]
) -> None:
    target = scripted_server(get_model=abort_with(grpc.StatusCode.NOT_FOUND, "known: a, b"))
    with pytest.raises(errors.UnknownModel, match="known: a, b") as caught:
        ask(target, "get_model", "nobody")
    assert caught.value.name == "nobody"


def test_a_server_that_is_not_there_is_named(ask: Callable[..., Any]) -> None:
    with pytest.raises(errors.ReplicaLost, match=r"127\.0\.0\.1:1 is unavailable"):
        ask("127.0.0.1:1", "plan", "m", 0, options=NO_RETRIES)


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidRequest.of_field("state", "is 5"),
        errors.UnknownModel("no such model", "m"),
        errors.Overloaded("full", 0.5),
        errors.TerminalState("over"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_pickling(error: errors.MCTSServiceError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)

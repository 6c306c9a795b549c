import logging

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from mcts_service import errors
from mcts_service.errors import (
    BudgetTooLarge,
    FieldViolation,
    InvalidRequest,
    MCTSServiceError,
    ModelFault,
    NoLegalAction,
    Overloaded,
    TerminalState,
    UnknownModel,
)
from mcts_service.rpc.status import STATUS_CODES, error_reply


def subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


@pytest.mark.parametrize("kind", list(subclasses(MCTSServiceError)))
def test_every_exception_has_a_status(kind):
    assert any(parent in STATUS_CODES for parent in kind.__mro__)


def test_the_table_has_every_exception_of_the_module():
    named = {getattr(errors, name) for name in errors.__all__}
    assert set(STATUS_CODES) == named - {MCTSServiceError, FieldViolation}


def details_of(reply):
    (value,) = [value for key, value in reply.metadata if key == "grpc-status-details-bin"]
    status = status_pb2.Status.FromString(value)
    assert status.code == reply.code.value[0]
    (detail,) = status.details
    return detail


def test_wrong_fields_are_details_too():
    reply = error_reply(
        InvalidRequest("horizon", "is 0", FieldViolation("model", "is empty")), "/Plan"
    )
    assert reply.code is grpc.StatusCode.INVALID_ARGUMENT
    assert reply.text == "horizon: is 0; model: is empty"
    found = error_details_pb2.BadRequest()
    assert details_of(reply).Unpack(found)
    assert [(v.field, v.description) for v in found.field_violations] == [
        ("horizon", "is 0"),
        ("model", "is empty"),
    ]


def test_overload_says_when_to_try_again():
    reply = error_reply(Overloaded("full", retry_after=1.25), "/Plan")
    assert reply.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    found = error_details_pb2.RetryInfo()
    assert details_of(reply).Unpack(found)
    assert found.retry_delay.ToMilliseconds() == 1250
    assert ("grpc-retry-pushback-ms", "1250") in reply.metadata


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TerminalState("over"), "TERMINAL_STATE"),
        (NoLegalAction("stuck"), "NO_LEGAL_ACTION"),
        (BudgetTooLarge("too much"), "BUDGET_TOO_LARGE"),
    ],
)
def test_errors_that_share_a_status_are_told_apart_by_a_reason(error, reason):
    found = error_details_pb2.ErrorInfo()
    assert details_of(error_reply(error, "/Plan")).Unpack(found)
    assert (found.reason, found.domain) == (reason, "mcts_service")


def test_asking_again_for_too_much_is_discouraged():
    reply = error_reply(BudgetTooLarge("too much"), "/Plan")
    assert ("grpc-retry-pushback-ms", "-1") in reply.metadata


@pytest.mark.parametrize("error", [ModelFault("secret"), RuntimeError("secret")])
def test_a_fault_shows_an_id_and_the_log_has_the_rest(error, caplog):
    with caplog.at_level(logging.ERROR, "mcts_service"):
        reply = error_reply(error, "/Plan")
    assert reply.code is grpc.StatusCode.INTERNAL
    assert "secret" not in reply.text
    assert reply.metadata == ()
    identity = reply.text.split()[2].strip(";:")
    (record,) = caplog.records
    assert identity in record.getMessage()
    assert record.exc_info[1] is error


def test_each_fault_has_an_id_of_its_own():
    replies = {error_reply(ModelFault("x"), "/Plan").text for _ in range(3)}
    assert len(replies) == 3


def test_a_long_text_is_cut_to_what_a_client_accepts():
    many = [FieldViolation("x" * 10**4, "é" * 10**4)] * 100
    reply = error_reply(InvalidRequest("x" * 10**6, "é" * 10**6, *many), "/Plan")
    assert len(reply.text.encode()) <= 1_000
    encoded = 3 * len(reply.text.encode()) + sum(len(value) * 4 / 3 for _, value in reply.metadata)
    assert encoded < 8 * 1024
    assert len(error_reply(UnknownModel("x", ["y" * 60] * 1_000), "/Plan").text) <= 1_000


def test_text_that_has_no_utf8_is_written_out():
    assert "\\ud800" in error_reply(InvalidRequest("x", "is \ud800"), "/Plan").text

"""What travels between a server and its workers."""

import importlib
import pickle
from functools import partial

import pytest
from served_models import Corridor, entry_of

from mcts_service.errors import (
    BudgetTooLarge,
    Cancelled,
    FieldViolation,
    InvalidRequest,
    ModelFault,
    Overloaded,
    UnknownModel,
)
from mcts_service.service.query import PlanQuery
from mcts_service.service.states import given
from mcts_service.service.workers import replies
from mcts_service.service.workers.jobs import Job, in_slot, read_job, write_job
from mcts_service.service.workers.replies import Reply, read_reply, write_reply


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("a", "is wrong", FieldViolation("b", "too")),
        UnknownModel("x", ["y", "z"]),
        Overloaded("full", 0.5),
        BudgetTooLarge("too much"),
        Cancelled("gone"),
    ],
)
def test_errors_come_as_they_were_raised(error):
    reply = read_reply(write_reply(Reply(7, error)))
    assert reply.number == 7
    assert type(reply.content) is type(error)
    assert str(reply.content) == str(error)
    assert vars(reply.content) == vars(error)


def test_the_cause_of_a_fault_comes_as_text():
    def fall():
        raise KeyError("deep inside")

    try:
        fall()
    except KeyError as cause:
        fault = ModelFault("a search failed")
        fault.__cause__ = cause
    read = read_reply(write_reply(Reply(1, fault))).content
    assert str(read) == "a search failed"
    assert "in fall" in str(read.__cause__)
    assert "deep inside" in str(read.__cause__)


class Trap:
    """Does something to whoever reads it."""

    def __reduce__(self):
        return print, ("caught",)


@pytest.mark.parametrize("content", [Trap(), Corridor(), partial(given, 4)])
def test_what_is_no_reply_is_not_read(content, capsys):
    with pytest.raises(ModelFault, match="answered with what cannot be read"):
        read_reply(pickle.dumps((1, False, content)))
    with pytest.raises(ModelFault):
        read_reply(pickle.dumps(content))
    with pytest.raises(ModelFault):
        read_reply(b"nothing")
    assert capsys.readouterr().out == ""


def test_all_that_may_be_read_is_there():
    for module, names in replies._READABLE.items():
        if module.startswith("mcts_service"):
            loaded = importlib.import_module(module)
            assert all(hasattr(loaded, name) for name in names), module


def test_a_job_is_about_the_model_of_whoever_reads_it():
    ours, theirs = entry_of(Corridor()), entry_of(Corridor())
    query = PlanQuery(
        model=ours,
        read_state=partial(given, 4),
        budget=ours.limits.admit(simulations=3),
        config=ours.config,
        received=1.5,
    )
    job = read_job(in_slot(9, write_job(Job(5, "plan", query, 2.5))), theirs)
    assert (job.number, job.kind, job.end_by) == (5, "plan", 2.5)
    assert job.query.model is theirs
    assert job.query.config is theirs.config
    assert job.query.read_state() == 4
    assert job.query.budget == query.budget

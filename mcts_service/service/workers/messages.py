"""What a server and its workers say to each other, as bytes.

To a worker goes what it is to build, then jobs. From it come replies, one for each, by the job's
number; that to the building has the number 0. A job names its end by the clock that all processes
of a machine share.

A worker reads whatever the server writes. The server reads replies of the types below only: what
else a model may have slipped in would have the server import the model's code.
"""

from __future__ import annotations

import io
import pickle
import traceback
from typing import Any, Literal, NamedTuple

from mcts_service import errors
from mcts_service.errors import MCTSServiceError, ModelFault
from mcts_service.service.entry import ModelEntry
from mcts_service.service.query import BatchOutcome, PlanOutcome, Query

__all__ = [
    "BUILDING",
    "Job",
    "JobKind",
    "Reply",
    "TracebackOfWorker",
    "fault_of_worker",
    "read_job",
    "read_reply",
    "write_job",
    "write_reply",
]

#: The number of the reply to what is to be built.
BUILDING = 0

JobKind = Literal["plan", "plan_batch"]

#: The end of a traceback tells most, and a recursion has no end.
_MAX_TRACEBACK = 20_000

_NUMPY_ARRAYS = frozenset({"_reconstruct", "_frombuffer", "scalar"})
_READABLE: dict[str, frozenset[str]] = {
    "_core": frozenset({"PlanColumns"}),  # as Cython names what is in mcts_service._core
    "mcts_service.errors": frozenset(errors.__all__),
    "mcts_service.models.spec": frozenset({"ActionSpec", "StateSpec"}),
    "mcts_service.planning.auto": frozenset({"Recipe"}),
    "mcts_service.planning.config": frozenset({"SearchConfig"}),
    "mcts_service.planning.plan": frozenset(
        {"ActionStatistics", "Plan", "PrincipalVariationStep", "StopReason"}
    ),
    "mcts_service.planning.plans": frozenset({"Plans"}),
    "mcts_service.service.budgets": frozenset({"BudgetLimits"}),
    "mcts_service.service.entry": frozenset({"ModelEntry"}),
    "mcts_service.service.query": frozenset({"BatchOutcome", "PlanOutcome"}),
    __name__: frozenset({"Reply", "fault_of_worker"}),
    "numpy": frozenset({"dtype", "ndarray"}),
    "numpy._core.multiarray": _NUMPY_ARRAYS,
    "numpy._core.numeric": _NUMPY_ARRAYS,
    "numpy.core.multiarray": _NUMPY_ARRAYS,
    "numpy.core.numeric": _NUMPY_ARRAYS,
}


class Job(NamedTuple):
    """A search for a worker.

    Attributes:
      number: > 0; its reply has the same.
      kind: what is asked of a `SearchHost`.
      query: whose model is the worker's own.
      end_by: in seconds of time.monotonic().
    """

    number: int
    kind: JobKind
    query: Query
    end_by: float


class Reply(NamedTuple):
    """What a job has come to.

    Attributes:
      number: of the job.
      content: the outcome, or why there is none; of the building a description of the model.
    """

    number: int
    content: PlanOutcome | BatchOutcome | ModelEntry | MCTSServiceError


class TracebackOfWorker(Exception):
    """Where in a worker an error has its cause; for the log."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def write_job(job: Job) -> bytes:
    """The job for a worker that has an entry of its own in place of the query's.

    Raises:
      InvalidRequest: a state is found to be wrong only now.
    """
    stream = io.BytesIO()
    _JobWriter(stream, job.query.model).dump(tuple(job))
    return stream.getvalue()


def read_job(data: bytes, entry: ModelEntry) -> Job:
    """The job, about the model of this process."""
    return Job(*_JobReader(io.BytesIO(data), entry).load())


def write_reply(reply: Reply) -> bytes:
    """The reply; of a ModelFault its traceback too, as text."""
    stream = io.BytesIO()
    _ReplyWriter(stream, pickle.HIGHEST_PROTOCOL).dump(reply)
    return stream.getvalue()


def read_reply(data: bytes) -> Reply:
    """The reply.

    Raises:
      ModelFault: it has something in it that no reply has.
    """
    try:
        reply = _ReplyReader(io.BytesIO(data)).load()
        if isinstance(reply, Reply):
            return reply
        raise TypeError(f"{type(reply).__name__} is no reply")
    except Exception as error:
        raise ModelFault("a worker has answered with what cannot be read") from error


def fault_of_worker(text: str, cause: str) -> ModelFault:
    """A fault with a traceback that has come as text."""
    fault = ModelFault(text)
    fault.__cause__ = TracebackOfWorker(cause)
    return fault


class _JobWriter(pickle.Pickler):
    """Writes by name what the worker has too."""

    def __init__(self, stream: io.BytesIO, entry: ModelEntry) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self._entry = entry

    def persistent_id(self, item: Any) -> str | None:
        if item is self._entry:
            return "entry"
        return "config" if item is self._entry.config else None


class _JobReader(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, entry: ModelEntry) -> None:
        super().__init__(stream)
        self._own = {"entry": entry, "config": entry.config}

    def persistent_load(self, name: str) -> Any:
        return self._own[name]


class _ReplyWriter(pickle.Pickler):
    def reducer_override(self, item: Any) -> Any:
        if isinstance(item, ModelFault) and item.__cause__ is not None:
            lines = traceback.format_exception(item.__cause__)
            return fault_of_worker, (str(item), "".join(lines)[-_MAX_TRACEBACK:])
        return NotImplemented


class _ReplyReader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name in _READABLE.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not for replies")

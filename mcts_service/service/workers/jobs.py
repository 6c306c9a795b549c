"""What a server tells its workers to do, as bytes: `Job`.

A job names its end by the clock that all processes of a machine share, and its model not at all:
each worker has one. Numbers and texts go one by one, since to pickle the objects that have them
takes longer than a short search.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import fields
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from mcts_service.planning import Budget
from mcts_service.service.entry import ModelEntry
from mcts_service.service.query import BatchQuery, PlanQuery, Query

__all__ = ["Job", "JobKind", "in_slot", "read_job", "write_job"]

#: Of the number of a slot, before the rest, and the bit of it that says that a job is apart.
_SLOT_BYTES, _APART = 2, 0x8000

JobKind = Literal["plan", "watch", "plan_batch"]

_QUERIES: dict[str, type[PlanQuery] | type[BatchQuery]] = {
    "plan": PlanQuery,
    "watch": PlanQuery,
    "plan_batch": BatchQuery,
}
#: The fields of each that are told as they are.
_NAMES = {
    kind: [field.name for field in fields(query) if field.name not in ("model", "config", "budget")]
    for kind, query in _QUERIES.items()
}
_values_of = {kind: attrgetter(*names) for kind, names in _NAMES.items()}


class Job(NamedTuple):
    """A search for a worker.

    Attributes:
      number: > 0; its reply has the same.
      kind: what is asked of a `SearchHost`, by the name of its method.
      query: whose model is the worker's own.
      end_by: in seconds of time.monotonic().
      every: of what is watched, seconds from one plan to the next; see `SearchHost.watch`.
      slot: where it stands in the memory that is shared; known when it is sent, as is this:
      is_apart: the model is asked for it alone, even where others are done at the same time.
    """

    number: int
    kind: JobKind
    query: Query
    end_by: float
    every: float | None = None
    slot: int = 0
    is_apart: bool = False


def write_job(job: Job) -> bytes:
    """The job for a worker that has an entry of its own in place of the query's.

    Raises:
      InvalidRequest: a state is found to be wrong only now.
    """
    query = job.query
    budget = query.budget
    told = (
        job.number,
        job.kind,
        job.end_by,
        job.every,
        None if query.config is query.model.config else query.config,
        (budget.simulations, budget.time_limit, budget.max_bytes),
        _values_of[job.kind](query),
    )
    if isinstance(query, PlanQuery) and query.is_read:
        return pickle.dumps(told, pickle.HIGHEST_PROTOCOL)
    stream = io.BytesIO()
    _JobWriter(stream, query.model).dump(told)
    return stream.getvalue()


def in_slot(slot: int, job: bytes, *, is_apart: bool = False) -> bytes:
    """A job that has been written, as it is sent."""
    return (slot | is_apart * _APART).to_bytes(_SLOT_BYTES, "little") + job


def read_job(data: bytes, entry: ModelEntry) -> Job:
    """The job that was sent, about the model of this process."""
    stream = io.BytesIO(data)
    slot = int.from_bytes(stream.read(_SLOT_BYTES), "little")
    told = _JobReader(stream, entry).load()
    number, kind, end_by, every, config, budget, values = told
    query = _QUERIES[kind](
        model=entry,
        config=config or entry.config,
        budget=Budget(*budget),
        **dict(zip(_NAMES[kind], values, strict=True)),
    )
    return Job(number, kind, query, end_by, every, slot & ~_APART, bool(slot & _APART))


class _JobWriter(pickle.Pickler):
    """Writes by name the entry, which what reads a state may have."""

    def __init__(self, stream: io.BytesIO, entry: ModelEntry) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self._entry = entry

    def persistent_id(self, item: Any) -> str | None:
        return "entry" if item is self._entry else None


class _JobReader(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, entry: ModelEntry) -> None:
        super().__init__(stream)
        self._entry = entry

    def persistent_load(self, _name: str) -> ModelEntry:
        return self._entry

"""What runs in a worker process: builds a model, then searches it, job by job."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from mcts_service.errors import InvalidRequest, MCTSServiceError, ModelFault
from mcts_service.models.spec import ActionSpec, StateSpec
from mcts_service.planning import CancelFlag
from mcts_service.service.entry import ModelEntry
from mcts_service.service.in_process import InProcess
from mcts_service.service.query import PlanOutcome
from mcts_service.service.sessions import SessionLimits, Sessions
from mcts_service.service.workers.confinement import confine
from mcts_service.service.workers.jobs import Job, read_job
from mcts_service.service.workers.replies import BUILDING, Reply, write_reply
from mcts_service.service.workers.settings import WorkerSettings
from mcts_service.service.workers.shared_state import SharedState
from mcts_service.service.workers.together import JointJobs

__all__ = ["work", "write_order"]

#: Of a worker's memory, trees of sessions have one part in so many.
_SESSIONS_SHARE = 2


def write_order(
    build: Callable[[], ModelEntry], sessions: SessionLimits, settings: WorkerSettings
) -> bytes:
    """What a worker is to build, and where it is to look for it: where this process does now.

    Args:
      build: gives the model in service.
      sessions: what trees the worker may keep.
      settings: of the worker.
    Raises:
      Exception: it cannot be pickled.
    """
    return pickle.dumps((sys.path, os.getcwd(), sessions, settings, pickle.dumps(build)))


def work(
    connection: Connection,
    output: Connection,
    shared: SharedState,
    max_memory_bytes: int,
) -> None:
    """Serves until the server hangs up.

    Args:
      connection: to the server: an order, then jobs; replies.
      output: takes what is printed.
      shared: with the server.
      max_memory_bytes: 0: no limit.
    """
    confine(output, max_memory_bytes)
    shared.forked_from = os.getppid()
    # All workers are copies of one process, which has drawn a seed for what is global in NumPy.
    np.random.seed()
    # The server has gone, or has no use for this worker any more.
    with suppress(EOFError, OSError):
        entry, sessions, settings = _build(connection)
        if entry is not None:
            if max_memory_bytes:
                # Searches need the rest.
                most = min(sessions.max_bytes, max_memory_bytes // _SESSIONS_SHARE)
                sessions = replace(sessions, max_bytes=most)
            if settings.jobs_at_once(entry) > 1:
                _serve_together(connection, entry, Sessions(sessions), shared, settings)
            _serve(connection, entry, Sessions(sessions), shared)
    sys.stdout.flush()
    # With all that the model has started: it may go on for ever.
    os.killpg(0, signal.SIGKILL)


def _build(connection: Connection) -> tuple[ModelEntry | None, SessionLimits, WorkerSettings]:
    """What the order that comes first says; no model if there is none: the server knows why."""
    order = connection.recv_bytes()
    entry: ModelEntry | None
    description: Any
    sessions, settings = SessionLimits(), WorkerSettings()
    try:
        sys.path[:], folder, sessions, settings, build = pickle.loads(order)
        os.chdir(folder)
        entry = pickle.loads(build)()
        description = _described(entry)
    except MCTSServiceError as error:
        entry, description = None, error
    except BaseException as error:
        entry, description = (
            None,
            InvalidRequest("model", f"raised {type(error).__name__}: {error}"),
        )
    connection.send_bytes(write_reply(Reply(BUILDING, description)))
    return entry, sessions, settings


def _described(entry: ModelEntry) -> ModelEntry:
    """All about the model that a caller may ask, and nothing of its own code."""
    state, action = entry.state_spec, entry.action_spec
    return replace(
        entry,
        model=None,
        example=entry.sent_example,
        description=str(entry.description),
        state_spec=StateSpec(
            state.kind,
            None if state.dtype is None else np.dtype(state.dtype),
            tuple(int(size) for size in state.shape),
            int(state.num_values),
            str(state.description),
        ),
        action_spec=ActionSpec(action.kind, int(action.num_actions), str(action.description)),
    )


def _serve(
    connection: Connection, entry: ModelEntry, sessions: Sessions, shared: SharedState
) -> None:
    """Does one job after the other."""
    host = InProcess(sessions)
    host.planners.get(entry, entry.config)
    while True:
        job = read_job(connection.recv_bytes(), entry)
        shared.begun[job.slot] = job.number & 0xFFFFFFFF
        cancel = CancelFlag(shared.cancel_of(job.slot))
        connection.send_bytes(_answer(job, host, cancel, connection))
        # What waits must not keep the last request's state alive.
        del job


def _serve_together(
    connection: Connection,
    entry: ModelEntry,
    sessions: Sessions,
    shared: SharedState,
    settings: WorkerSettings,
) -> None:
    """Does jobs at the same time."""

    def tell(number: int, outcome: PlanOutcome) -> None:
        connection.send_bytes(write_reply(Reply(number, outcome)))

    jobs = JointJobs(
        sessions,
        shared,
        overrun_seconds=settings.overrun_seconds,
        is_confined=settings.max_memory_bytes > 0,
        tell=tell,
    )
    while True:
        # Before it is looked for what has come: what comes afterwards sets it again.
        shared.arrived = 0
        while not jobs or connection.poll():
            jobs.add(read_job(connection.recv_bytes(), entry))
        for number, content in jobs.run():
            connection.send_bytes(_written(number, content))


def _answer(job: Job, host: InProcess, cancel: CancelFlag, connection: Connection) -> bytes:
    """The reply to a job, whatever happens; what comes before it goes to the server at once."""
    number, kind, query, end_by, every, *_ = job
    search = getattr(host, kind)
    if kind == "watch":

        def tell(outcome: PlanOutcome) -> None:
            connection.send_bytes(write_reply(Reply(number, outcome)))

        search = partial(search, every, tell)
    try:
        return _written(number, search(query, end_by, cancel))
    except MCTSServiceError as error:
        return _written(number, error)


def _written(number: int, content: Any) -> bytes:
    """The reply, whatever it is."""
    try:
        return write_reply(Reply(number, content))
    except BaseException as error:
        content = ModelFault("what a search has found cannot be told")
        content.__cause__ = error
    # Where memory has run out, there may be none for a traceback.
    with suppress(MemoryError):
        return write_reply(Reply(number, content))
    del content
    return write_reply(Reply(number, ModelFault("a search has used up the memory of its worker")))

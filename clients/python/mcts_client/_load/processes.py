"""The processes that make the calls, as the one sees them that a person started."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from mcts_client._load.prepare import PreparedWork
from mcts_client._load.records import Outcome, merged
from mcts_client._load.settings import LoadSettings
from mcts_client._load.worker import STOP, Order, Progress, serve_orders
from mcts_client.errors import MCTSServiceError

__all__ = ["ClientProcesses", "Run"]

#: Seconds between an order and its begin, in which every process reads it.
_HEAD_START = 0.05
#: Seconds that a process has to end.
_GRACE = 10.0


class Run:
    """What came of one run.

    Attributes:
      outcome: of all processes.
      begin: the start of the warm-up, in seconds of time.monotonic().
      interrupted_at: when it was stopped, by the same clock, or None.
    """

    def __init__(self, outcome: Outcome, begin: float, interrupted_at: float | None) -> None:
        self.outcome = outcome
        self.begin = begin
        self.interrupted_at = interrupted_at


class ClientProcesses:
    """Starts processes, has them run load tests, and ends them.

    Several processes make the calls of one schedule in turn, so the load is the same with any
    number of them; only the work of making it is shared.
    """

    def __init__(self, settings: LoadSettings, work: Sequence[PreparedWork]) -> None:
        """Starts nothing yet.

        Args:
          settings: of the connections; each run has its own for all else.
          work: kinds of calls.
        """
        self._settings = settings
        self._work = list(work)
        self._pipes: list[Connection] = []
        self._processes: list[Any] = []
        self._stopped_at: float | None = None

    def __enter__(self) -> ClientProcesses:
        # Not a fork: gRPC's threads do not survive one.
        context = multiprocessing.get_context("spawn")
        with _interrupts_ignored():
            for number in range(self._settings.processes):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=serve_orders,
                    args=(theirs, number, self._settings, self._work),
                    daemon=True,
                )
                process.start()
                theirs.close()
                self._pipes.append(ours)
                self._processes.append(process)
        for _ in self._read(str):
            pass  # each says that it is ready
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(_GRACE)
            if process.is_alive():
                process.kill()
                process.join()

    def stop(self) -> None:
        """Ends the run in progress, and all later ones; safe in a signal handler."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            self._tell_all(STOP)

    @property
    def is_stopped(self) -> bool:
        """True once `stop` was called."""
        return self._stopped_at is not None

    def run(
        self,
        settings: LoadSettings,
        progress_interval: float,
        on_progress: Callable[[Sequence[Progress], float], None],
    ) -> Run:
        """One run, to its end or until it is stopped.

        Args:
          progress_interval: seconds between two calls of `on_progress`.
          on_progress: is given the last news of every process, and the seconds since the begin.

        Raises:
          MCTSServiceError: a process was lost.
        """
        begin = time.monotonic() + _HEAD_START
        news: dict[int, Progress] = {}
        outcomes: dict[int, Outcome] = {}
        self._tell_all(Order(settings, begin, progress_interval))
        if self.is_stopped:
            self._tell_all(STOP)
        for process, message in self._read(Outcome):
            if isinstance(message, Outcome):
                outcomes[process] = message
            else:
                news[process] = message
                if len(news) == len(self._pipes):
                    on_progress(list(news.values()), time.monotonic() - begin)
                    news.clear()
        whole = merged([outcomes[process] for process in sorted(outcomes)])
        return Run(whole, begin, self._stopped_at)

    def _read(self, final: type) -> Iterator[tuple[int, Any]]:
        """Messages with the number of their process, until each has sent one of that type."""
        waiting: dict[Any, int] = {pipe: number for number, pipe in enumerate(self._pipes)}
        while waiting:
            for ready in multiprocessing.connection.wait(list(waiting)):
                process = waiting[ready]
                try:
                    message = self._pipes[process].recv()
                except (EOFError, OSError) as error:
                    raise MCTSServiceError(self._loss(process)) from error
                if isinstance(message, final):
                    del waiting[ready]
                yield process, message

    def _loss(self, process: int) -> str:
        self._processes[process].join(_GRACE)
        status = self._processes[process].exitcode
        return f"client process {process} ended with status {status} before its work was done"

    def _tell_all(self, message: Any) -> None:
        for pipe in self._pipes:
            pipe.send(message)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """A child that starts meanwhile ignores Ctrl-C from its first instruction on."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

"""Metrics for Prometheus, of the extra `metrics`: see docs/operations.md for what they mean."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mcts_service.errors import InvalidRequest
from mcts_service.service.call_record import CallRecord
from mcts_service.service.observer import EngineState, Observer

__all__ = ["PrometheusObserver", "serving"]

logger = logging.getLogger("mcts_service")

#: Upper bounds of the latencies that are told apart, in seconds.
_BUCKETS = (
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
#: Time series that are looked up without the library's lock; there are few.
_MAX_KEPT = 4096
_BY = ("model",)


class PrometheusObserver(Observer):
    """Counts, in a registry of its own.

    Every label has few values: a model that is not served is "unknown", and a caller has a name
    only by its token.
    """

    def __init__(self, models: Iterable[str]) -> None:
        """Begins at zero.

        Args:
          models: the names that are served.
        """
        self.registry = CollectorRegistry()
        self._models = frozenset(models)
        ProcessCollector(registry=self.registry)
        self._calls = self._counter(
            "calls", "Calls that have ended.", "method", "model", "caller", "status"
        )
        self._seconds = Histogram(
            "mcts_call_seconds",
            "Seconds from the beginning of a call to its end.",
            ("method", "model"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._simulations = self._counter("simulations", "Simulations that were run.", "model")
        self._sessions = self._counter(
            "sessions", "Requests that named a session; hit: its tree was there.", "model", "result"
        )
        # Asked for with every call, so what is asked for again is kept.
        self._series = lru_cache(_MAX_KEPT)(self._find_series)

    def call_ended(self, call: CallRecord, status: str, seconds: float) -> None:
        """Counts the call, and its time."""
        model = call.model if call.model in self._models else "unknown" if call.model else ""
        counter, histogram = self._series(call.method, model, call.caller.name, status)
        counter.inc()
        histogram.observe(seconds)

    def searched(self, model: str, simulations: int) -> None:
        """Counts them."""
        self._simulations.labels(model).inc(simulations)

    def session_found(self, model: str, found: bool) -> None:
        """Counts a hit or a miss."""
        self._sessions.labels(model, "hit" if found else "miss").inc()

    def engine_is(self, read: Callable[[], EngineState]) -> None:
        """Reads the state whenever somebody asks for the metrics."""
        self.registry.register(_Engine(read))

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"mcts_{name}", meaning, labels, registry=self.registry)

    def _find_series(self, method: str, model: str, caller: str, status: str) -> tuple[Any, Any]:
        name = method.removeprefix("/")
        return (
            self._calls.labels(name, model, caller, status),
            self._seconds.labels(name, model),
        )


class _Engine(Collector):
    """What waits, what runs and what is kept, at the moment of the question."""

    def __init__(self, read: Callable[[], EngineState]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        state = self._read()
        queue = state.queue
        values = {
            "mcts_queue_waiting": ("Searches that wait for a worker.", queue.waiting),
            "mcts_queue_running": ("Searches that run in a worker.", queue.running),
            "mcts_queue_oldest_seconds": (
                "Seconds that the first of those that wait has waited.",
                queue.oldest_seconds,
            ),
            "mcts_sessions_kept": ("Trees of sessions that this process keeps.", state.sessions),
            "mcts_sessions_bytes": ("Memory that they hold.", state.session_bytes),
        }
        for name, (meaning, value) in values.items():
            yield GaugeMetricFamily(name, meaning, value=value)
        busy = GaugeMetricFamily("mcts_workers_busy", "Worker processes that search.", labels=_BY)
        alive = GaugeMetricFamily("mcts_workers_alive", "Worker processes.", labels=_BY)
        lost = CounterMetricFamily("mcts_worker_restarts", "Worker processes lost.", labels=_BY)
        size = GaugeMetricFamily("mcts_workers_bytes", "Their resident memory.", labels=_BY)
        for model, workers in state.workers.items():
            busy.add_metric([model], workers.busy)
            alive.add_metric([model], workers.alive)
            lost.add_metric([model], workers.lost)
            size.add_metric([model], workers.bytes)
        yield from (busy, alive, lost, size)


@contextmanager
def serving(observer: PrometheusObserver, host: str, port: int) -> Iterator[int]:
    """Answers http://HOST:PORT/metrics for the length of a block, in a thread of its own.

    Returns:
      The port.
    Raises:
      InvalidRequest: the address cannot be had.
    """
    try:
        server, thread = start_http_server(port, host, observer.registry)
    except OSError as error:
        raise InvalidRequest(
            "port", f"{host}:{port} cannot be listened on: {error.strerror}"
        ) from error
    logger.info("metrics at http://%s:%d/metrics", host, server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

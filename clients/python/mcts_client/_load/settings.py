"""What a load test is told about how to ask; what it asks for is `work`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["Arrivals", "LoadSettings"]

Arrivals = Literal["poisson", "constant"]


@dataclass(frozen=True)
class LoadSettings:
    """One load test: either open loop (`rate`) or closed loop (`concurrency`).

    Attributes:
      target: HOST:PORT of the server.
      rate: calls started a second, whatever becomes of them; None in a closed loop.
      arrivals: how an open loop spaces its calls.
      concurrency: calls in flight at any time, over all processes; None in an open loop.
      duration: measured seconds, > 0.
      warmup: seconds before that, which leave no trace in the results, >= 0.
      processes: that make the calls; calls take turns.
      connections: each of its own, over all processes; None: one a process.
      timeout: a call's deadline in seconds, > 0.
      attempts: tries a call, the first included, >= 1; 1: no retries, so each failure counts.
      seed: of the arrivals and of the mixture, and of the first plan; each call's plan has the
        next one.
      max_lag: seconds by which the 99th of 100 calls may start late before the test counts as
        one of itself; see `Summary.was_late`.
      tls: whether connections are encrypted.
      tls_ca, tls_certificate, tls_key: paths of PEM files; see `mcts_client.Tls`.
      token_file: path of the file with the token that goes with every call; None: no token.
    """

    target: str
    duration: float = 10.0
    rate: float | None = None
    concurrency: int | None = None
    arrivals: Arrivals = "poisson"
    warmup: float = 2.0
    processes: int = 1
    connections: int | None = None
    timeout: float = 10.0
    attempts: int = 1
    seed: int = 0
    max_lag: float = 0.01
    tls: bool = False
    tls_ca: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    token_file: str | None = None

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.concurrency is None):
            raise ValueError("give either a rate (open loop) or a concurrency (closed loop)")
        for name in ("tls_ca", "tls_certificate", "tls_key"):
            if getattr(self, name) is not None and not self.tls:
                raise ValueError(f"{name} is of no use without tls")
        if self.arrivals not in get_args(Arrivals):
            raise ValueError(f"arrivals is {self.arrivals!r}; must be poisson or constant")
        if self.rate is not None and round(self.rate * self.duration) < 1:
            raise ValueError(
                f"no call falls into {self.duration:g} s at {self.rate:g}/s; "
                "ask for a higher rate or a longer duration"
            )
        for name in ("connections", "concurrency"):
            number = getattr(self, name)
            if number is not None and number < self.processes:
                raise ValueError(
                    f"{name} is {number}; must be at least one for each of "
                    f"{self.processes} processes"
                )

    @property
    def is_open_loop(self) -> bool:
        """True if calls start by the clock, False if they wait for each other."""
        return self.rate is not None

    @property
    def all_connections(self) -> int:
        """Connections of all processes together."""
        return self.processes if self.connections is None else self.connections

    def connections_of(self, process: int) -> int:
        """Connections of one process, numbered from 0."""
        return _share(self.all_connections, process, self.processes)

    def callers_of(self, process: int) -> int:
        """Of a closed loop: calls that one process, numbered from 0, keeps in flight."""
        return _share(self.concurrency or 0, process, self.processes)


def _share(whole: int, part: int, parts: int) -> int:
    return whole // parts + (part < whole % parts)

"""What a load test is told."""

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
      model: the model's name.
      rate: calls started a second, whatever becomes of them; None in a closed loop.
      arrivals: how an open loop spaces its calls.
      concurrency: calls in flight at any time; None in an open loop.
      duration: measured seconds, > 0.
      warmup: seconds before that, which leave no trace in the results, >= 0.
      connections: each of its own; calls take turns.
      timeout: a call's deadline in seconds, > 0.
      seed: of the arrivals, and of the first plan; each call's plan has the next one.
      simulations: of each plan; None: not limited.
      time_limit: of each plan, in seconds; None: not limited.
    """

    target: str
    model: str
    duration: float
    rate: float | None = None
    concurrency: int | None = None
    arrivals: Arrivals = "poisson"
    warmup: float = 2.0
    connections: int = 1
    timeout: float = 10.0
    seed: int = 0
    simulations: int | None = None
    time_limit: float | None = None

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.concurrency is None):
            raise ValueError("give either a rate (open loop) or a concurrency (closed loop)")
        if self.arrivals not in get_args(Arrivals):
            raise ValueError(f"arrivals is {self.arrivals!r}; must be poisson or constant")
        if self.rate is not None and round(self.rate * self.duration) < 1:
            raise ValueError(
                f"no call falls into {self.duration:g} s at {self.rate:g}/s; "
                "ask for a higher rate or a longer duration"
            )

    @property
    def is_open_loop(self) -> bool:
        """True if calls start by the clock, False if they wait for each other."""
        return self.rate is not None

"""What came of a whole load test: one run, or one for each rate that was tried."""

from __future__ import annotations

from dataclasses import dataclass

from mcts_client._load.machine import Machine
from mcts_client._load.records import Columns
from mcts_client._load.steps import CLIENT_WAS_LATE
from mcts_client._load.summary import Summary
from mcts_client._load.thresholds import Verdict
from mcts_client._load.work import Work

__all__ = ["Result", "Step"]


@dataclass(frozen=True)
class Step:
    """One run.

    Attributes:
      summary: of its measured time.
      measured: the calls that were meant to start then.
      start: the end of the warm-up, in seconds of time.monotonic().
      broken: what speaks against its rate; empty if the rate was kept, or was not in question.
    """

    summary: Summary
    measured: Columns
    start: float
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """A load test.

    Attributes:
      work: what was asked for.
      steps: every run, in the order in which they were made; one or more.
      is_stepped: True if they were a search for the greatest rate.
      rule: by which a rate was kept; empty if none was in question.
      chosen: the run that the test is about: that of the greatest rate kept; the only one.
        None if no rate was kept.
      verdicts: on the thresholds, of the chosen run.
      machine: that the load came from.
      started_at: seconds since the epoch.
    """

    work: tuple[Work, ...]
    steps: tuple[Step, ...]
    is_stepped: bool
    rule: str
    chosen: Step | None
    verdicts: tuple[Verdict, ...]
    machine: Machine
    started_at: float

    @property
    def is_bounded_by_client(self) -> bool:
        """True if the least rate that broke broke because the load test could not make it."""
        broken = [step for step in self.steps if step.broken]
        least = min(broken, key=lambda step: step.summary.settings.rate or 0.0, default=None)
        return least is not None and CLIENT_WAS_LATE in least.broken

    @property
    def failures(self) -> tuple[str, ...]:
        """Why the test failed, a line for each reason; empty if it did not."""
        if self.chosen is None:
            return ("no rate was kept",)
        failures = [str(verdict) for verdict in self.verdicts if not verdict.is_kept]
        if not self.chosen.summary.ok.count:
            failures.append("no call succeeded")
        if self.chosen.summary.was_late:
            failures.append(
                f"{CLIENT_WAS_LATE}, and its lag is part of each latency: these are not the "
                "server's figures; give it --processes, or a machine of its own"
            )
        if self.is_stepped and self.is_bounded_by_client:
            failures.append(
                f"{CLIENT_WAS_LATE} at the least rate that broke: the server may keep more; "
                "give it --processes, or a machine of its own"
            )
        return tuple(failures)

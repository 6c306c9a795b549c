"""A whole load test, from the first question about the models to the result."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TextIO

from mcts_client._load.connect import client_of
from mcts_client._load.live import LiveLine
from mcts_client._load.machine import Machine
from mcts_client._load.prepare import PreparedWork, first_model, prepare
from mcts_client._load.processes import ClientProcesses
from mcts_client._load.result import Result, Step
from mcts_client._load.scenario import Scenario
from mcts_client._load.settings import LoadSettings
from mcts_client._load.steps import Steps, rule, why_broken
from mcts_client._load.summary import summarise
from mcts_client._load.thresholds import Threshold

__all__ = ["LoadTest", "run"]

#: Seconds that the questions about models may take.
_QUESTION_TIMEOUT = 30.0


@dataclass(frozen=True)
class LoadTest:
    """What to do.

    Attributes:
      settings: how to ask; of steps, all but the rate.
      scenario: what to ask for; None: short plans of the server's first model.
      steps: which rates to try; None: the one of the settings.
      thresholds: beside those of the scenario.
    """

    settings: LoadSettings
    scenario: Scenario | None = None
    steps: Steps | None = None
    thresholds: tuple[Threshold, ...] = ()


def run(test: LoadTest, progress_to: TextIO) -> Result:
    """Runs a load test. Ctrl-C after its first call ends it, and gives what there is.

    Args:
      progress_to: where the live line goes.

    Raises:
      MCTSServiceError: the server is not there, or does not know a model; a process was lost.
      InvalidRequest: no message holds a state or a setting.
      KeyboardInterrupt: Ctrl-C came before the first call.
    """
    thresholds, prepared = _prepared(test)
    machine, started_at = Machine.here(), time.time()
    with ClientProcesses(test.settings, prepared) as processes, _stopped_by_interrupt(processes):
        tester = _Tester(processes, prepared, thresholds, LiveLine(progress_to))
        if test.steps is None:
            steps = [tester.run(test.settings)]
        else:
            steps = tester.search(test.settings, test.steps)
    chosen = _greatest_kept(steps) if test.steps is not None else steps[0]
    return Result(
        work=tuple(one.work for one in prepared),
        steps=tuple(steps),
        is_stepped=test.steps is not None,
        rule=rule(thresholds) if test.steps is not None else "",
        chosen=chosen,
        verdicts=tuple(one.of(chosen.summary) for one in thresholds) if chosen else (),
        machine=machine,
        started_at=started_at,
    )


def _prepared(test: LoadTest) -> tuple[tuple[Threshold, ...], list[PreparedWork]]:
    with client_of(test.settings, _QUESTION_TIMEOUT) as client:
        scenario = test.scenario or Scenario.of_model(first_model(client))
        work = prepare(scenario.work, client, scenario.places)
    return (*scenario.thresholds, *test.thresholds), work


@contextmanager
def _stopped_by_interrupt(processes: ClientProcesses) -> Iterator[None]:
    """Ctrl-C stops the run."""
    before = signal.signal(signal.SIGINT, lambda *_: processes.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Tester:
    """Makes runs with the same processes."""

    def __init__(
        self,
        processes: ClientProcesses,
        work: Sequence[PreparedWork],
        thresholds: Sequence[Threshold],
        live: LiveLine,
    ) -> None:
        self._processes = processes
        self._names = [one.work.name for one in work]
        self._thresholds = thresholds
        self._live = live

    def run(self, settings: LoadSettings) -> Step:
        with self._live.of_run(settings) as show:
            run = self._processes.run(settings, self._live.interval, show)
        summary = summarise(settings, run.outcome, self._names, run.begin, run.interrupted_at)
        start = run.begin + settings.warmup
        columns = run.outcome.columns
        return Step(summary, columns.rows(columns.intended >= start), start)

    def search(self, settings: LoadSettings, steps: Steps) -> list[Step]:
        """Tries rates until the greatest that is kept is known, or until an interruption."""
        done: list[Step] = []
        tried: dict[float, bool] = {}
        while (rate := steps.next_rate(tried, settings.duration)) is not None:
            step = self.run(replace(settings, rate=rate))
            if step.summary.interrupted:
                break
            first = done[0].summary if done else None
            step = replace(step, broken=why_broken(step.summary, first, self._thresholds))
            done.append(step)
            tried[rate] = not step.broken
            self._live.say_step(step)
        if not done:
            raise KeyboardInterrupt
        return done


def _greatest_kept(steps: Sequence[Step]) -> Step | None:
    kept = [step for step in steps if not step.broken]
    return max(kept, key=lambda step: step.summary.settings.rate or 0.0, default=None)

"""The line that tells how a run goes while it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import numpy as np

from mcts_client._load.result import Step
from mcts_client._load.settings import LoadSettings
from mcts_client._load.summary import Latencies
from mcts_client._load.table import in_milliseconds
from mcts_client._load.worker import Progress

__all__ = ["LiveLine", "live_line"]

#: Seconds between two lines, on a terminal and elsewhere.
_TERMINAL_INTERVAL, _LOG_INTERVAL = 0.5, 5.0
_CLEAR = "\r\x1b[K"


class LiveLine:
    """One line that renews itself, if on a terminal; lines one after another elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self.interval = _TERMINAL_INTERVAL if self._is_terminal else _LOG_INTERVAL

    @contextmanager
    def of_run(
        self, settings: LoadSettings
    ) -> Iterator[Callable[[Sequence[Progress], float], None]]:
        """Gives what shows the news of all processes, and clears the line at the end."""

        def show(news: Sequence[Progress], elapsed: float) -> None:
            line = live_line(settings, news, elapsed)
            self._write(f"{_CLEAR}{line}" if self._is_terminal else f"{line}\n")

        try:
            yield show
        finally:
            if self._is_terminal:
                self._write(_CLEAR)

    def say_step(self, step: Step) -> None:
        """A line that stays: what came of a rate."""
        summary = step.summary
        self._write(
            f"{summary.settings.rate:10,.5g}/s  {summary.throughput:10,.1f}/s OK  "
            f"p99 {in_milliseconds(summary.ok.seconds['p99'])}  "
            f"{'; '.join(step.broken) or 'kept'}\n"
        )

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def live_line(settings: LoadSettings, news: Sequence[Progress], elapsed: float) -> str:
    """One line about the calls so far.

    Args:
      news: of each process.
      elapsed: seconds since the start of the warm-up.
    """
    recent = Latencies.of(np.concatenate([one.latencies for one in news])).seconds
    sent = sum(one.sent for one in news)
    answered = sum(one.answered for one in news)
    whole = settings.warmup + settings.duration
    phase = "warm-up" if elapsed < settings.warmup else "measuring"
    if elapsed > whole:
        phase = "finishing"
    return (
        f"{elapsed:6.1f} / {whole:.1f} s  {phase}  sent {sent:,}  "
        f"in flight {sent - answered:,}  failed {sum(one.failed for one in news):,}  "
        f"p50 {in_milliseconds(recent['p50'])}  p99 {in_milliseconds(recent['p99'])}"
    )

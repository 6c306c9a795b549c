"""A progress bar for training loops."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from mcts_service.learning.iteration import Iteration

__all__ = ["ProgressBar"]


class ProgressBar:
    """Shows on a terminal how far a loop is, and the returns that it gets.

    With `rich` (the extra `examples`) a bar that says how long it will take, without it a line of
    text. Where the stream is no terminal it shows nothing.

    Attributes:
      recent: mean return, the older the episode the less it counts.
    """

    #: How much of the mean is the newest return.
    NEWEST = 0.1

    def __init__(self, description: str = "training", *, stream: TextIO | None = None):
        """Shows to `stream`; default standard error, as it is when the loop begins."""
        self.description = description
        self.stream = stream
        self.recent: float | None = None
        self._shown: _Rich | _Line | None = None

    def __call__(self, done: Iteration) -> None:
        """Shows one iteration more."""
        newest = done.metrics["return"]
        before = newest if self.recent is None else self.recent
        self.recent = before + self.NEWEST * (newest - before)
        stream = self.stream if self.stream is not None else sys.stderr
        if not stream.isatty():
            return
        if self._shown is None:
            kind = _Rich if _has_rich() else _Line
            self._shown = kind(stream, self.description, done.iterations)
        self._shown.show(done.number, f"return {self.recent:.4g}")

    def close(self) -> None:
        """Leaves the bar as it is, and the line below it free."""
        if self._shown is not None:
            self._shown.close()
            self._shown = None


def _has_rich() -> bool:
    try:
        import rich.progress  # noqa: F401
    except ImportError:
        return False
    return True


class _Rich:
    """The bar by rich."""

    def __init__(self, stream: TextIO, description: str, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bar: Any = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
            console=Console(file=stream),
        )
        self._task = self._bar.add_task(description, total=total, text="")
        self._bar.start()

    def show(self, number: int, text: str) -> None:
        self._bar.update(self._task, completed=number, text=text)

    def close(self) -> None:
        self._bar.stop()


class _Line:
    """A line of text that is written over."""

    def __init__(self, stream: TextIO, description: str, total: int | None) -> None:
        self._stream, self._description, self._total = stream, description, total

    def show(self, number: int, text: str) -> None:
        of_all = "" if self._total is None else f"/{self._total}"
        line = f"{self._description} {number}{of_all} {text}"
        self._stream.write(f"\r{line:<79}")
        self._stream.flush()

    def close(self) -> None:
        self._stream.write("\n")
        self._stream.flush()

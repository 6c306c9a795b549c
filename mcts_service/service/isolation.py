"""Decides where a model runs: in threads of this process, or in processes of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mcts_service.service.entry import ModelEntry
from mcts_service.service.sessions import SessionLimits
from mcts_service.service.workers import WorkerSettings, Workforce

__all__ = ["IsolatedModel"]


class IsolatedModel:
    """A model that is being built in a process of its own."""

    def __init__(
        self,
        name: str,
        build: Callable[[], ModelEntry],
        settings: WorkerSettings,
        sessions: SessionLimits,
        *,
        must_be: bool = False,
        subject: str = "model",
    ) -> None:
        """Has it built.

        Args:
          name: of the model.
          build: gives it in service; can be pickled.
          settings: of its processes.
          sessions: what trees each of them may keep.
          must_be: if not, it comes into this process once it is seen to be compiled.
          subject: what an error is about.
        Raises:
          InvalidRequest: `build` cannot be pickled.
        """
        self._build, self._must_be, self._subject = build, must_be, subject
        self._workforce = Workforce(name, build, settings, sessions, subject=subject)

    def __call__(self) -> ModelEntry:
        """The model in service; waits until it is built.

        What has been built once, and is compiled, or a table, is built in this process then.

        Raises:
          InvalidRequest: it cannot be built.
        """
        try:
            described = self._workforce.description()
        except BaseException:
            self.close()
            raise
        if described.is_thread_safe and not self._must_be:
            self.close()
            return self._build()
        self._workforce.complete()
        return replace(described, host=self._workforce, is_thread_safe=False, is_prompt=False)

    def close(self) -> None:
        """Ends its processes."""
        self._workforce.close()

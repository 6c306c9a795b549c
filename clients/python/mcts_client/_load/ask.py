"""Makes calls, each by the mode of its work, over several connections in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc

from mcts_client._load.connect import stub_of
from mcts_client._load.modes import MODES
from mcts_client._load.prepare import PreparedWork
from mcts_client._load.records import Answer
from mcts_client._load.retries import answer_of
from mcts_client._load.settings import LoadSettings

__all__ = ["Asker"]


class Asker:
    """Makes the calls of one process."""

    def __init__(
        self,
        channels: Sequence[grpc.aio.Channel],
        work: Sequence[PreparedWork],
        settings: LoadSettings,
    ) -> None:
        """Readies what each call sends.

        Args:
          channels: one or more.
          work: kinds of calls.
        """
        self._settings = settings
        modes = {one.work.mode for one in work}
        stubs = [stub_of(settings, channel) for channel in channels]
        self._modes = [{mode: MODES[mode](stub) for mode in modes} for stub in stubs]
        self._names = [one.work.mode for one in work]
        self._requests: list[list[Any]] = [
            [MODES[one.work.mode].request_type.FromString(request) for request in one.requests]
            for one in work
        ]

    @property
    def requests(self) -> list[int]:
        """How many requests each kind of work has to choose from."""
        return [len(requests) for requests in self._requests]

    async def ask(self, number: int, work: int, request: int) -> Answer:
        """One call.

        Args:
          number: of the call, which gives its seed and its connection.
          work: which kind it is.
          request: which of the kind's requests it sends.
        """
        turn = number // self._settings.processes  # which calls of the process it is
        mode = self._modes[turn % len(self._modes)][self._names[work]]
        own = mode.request_type()
        own.CopyFrom(self._requests[work][request])
        mode.write_seeds(own, self._settings.seed + number)

        async def attempt(seconds_left: float) -> tuple[Answer, float | None]:
            return await mode.attempt(own, seconds_left)

        return await answer_of(attempt, self._settings.attempts, self._settings.timeout)

    async def close(self) -> None:
        """Ends what lasts longer than a call."""
        for modes in self._modes:
            for mode in modes.values():
                await mode.close()

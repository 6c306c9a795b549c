"""How long before a caller's deadline a search must end, so that the reply is in time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mcts_service.checks import require_number

__all__ = ["DeadlineMargin", "ReplyClock", "ReplyClocks"]


@dataclass(frozen=True)
class DeadlineMargin:
    """The part of a deadline that is kept for the reply: the greatest of three.

    Attributes:
      minimum_seconds: at least this.
      fraction: at least this part of the time that the caller gave, 0 .. 0.9.
    The third is what replying took of late, but for one in two hundred, see `ReplyClock`, and
    `minimum_seconds` for the way to the caller, which nobody sees from here. It counts up to
    half of the time, so that a server that was slow for a while goes on being asked.
    """

    minimum_seconds: float = 0.002
    fraction: float = 0.1

    def __post_init__(self) -> None:
        require_number("minimum_seconds", self.minimum_seconds, 0, 60)
        require_number("fraction", self.fraction, 0, 0.9)


class ReplyClock:
    """Measures replies and says what margin they need. For one thread.

    A reply begins when its search ends; that of a search that time has cut, when it was to end:
    on a machine that others use too, to stop in time is the greater part of it. These are kept
    apart, so that any number of short searches beside them does not hide how late they are.
    """

    #: Replies of each kind that count as recent.
    WINDOW = 256
    #: Of those, the part that is to be in time.
    PERCENTILE = 0.995
    #: Of a caller's time, what slow replies of the past may take at most.
    LARGEST_SHARE = 0.5
    #: Sorting a window at every reply would cost more than it tells.
    REFRESH = 8

    def __init__(self, margin: DeadlineMargin) -> None:
        self._margin = margin
        self._cut, self._whole = _Recent(self), _Recent(self)

    def observe(self, seconds: float, *, was_cut: bool) -> None:
        """Notes one reply.

        Args:
          seconds: from the end of its search, or from when it was to end, until it was sent.
          was_cut: whether its search ended because its time was over.
        """
        (self._cut if was_cut else self._whole).add(seconds)

    def margin(self, time_remaining: float) -> float:
        """Seconds to keep for the reply.

        Args:
          time_remaining: seconds until the caller's deadline.
        """
        least = self._margin.minimum_seconds
        share = self._margin.fraction * time_remaining
        measured = max(self._cut.percentile, self._whole.percentile)
        measured = min(measured + least, self.LARGEST_SHARE * time_remaining)
        return max(least, share, measured)


class ReplyClocks:
    """One for each model: a model that is slow to stop costs others no time to think."""

    def __init__(self, margin: DeadlineMargin) -> None:
        self._margin = margin
        self._clocks: dict[str, ReplyClock] = {}

    def of(self, model: str) -> ReplyClock:
        """That of a model, by its name."""
        clock = self._clocks.get(model)
        if clock is None:
            clock = self._clocks[model] = ReplyClock(self._margin)
        return clock


class _Recent:
    """The last replies of one kind."""

    def __init__(self, clock: ReplyClock) -> None:
        self._clock = clock
        self._seconds: deque[float] = deque(maxlen=clock.WINDOW)
        self._observations = 0
        self.percentile = 0.0

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)
        self._observations += 1
        if self._observations % self._clock.REFRESH == 0:
            ordered = sorted(self._seconds)
            self.percentile = ordered[int(self._clock.PERCENTILE * (len(ordered) - 1))]

"""How long before a caller's deadline a search must end, so that the reply is in time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mcts_service.checks import require_number

__all__ = ["DeadlineMargin", "ReplyClock"]


@dataclass(frozen=True)
class DeadlineMargin:
    """The part of a deadline that is kept for the reply: the greatest of three.

    Attributes:
      minimum_seconds: at least this.
      fraction: at least this part of the time that the caller gave, 0 .. 0.9.
    The third is the recent 99th percentile of what replying took, see `ReplyClock`; it counts up
    to half of the time, so that a server that was slow for a while goes on being asked.
    """

    minimum_seconds: float = 0.002
    fraction: float = 0.1

    def __post_init__(self) -> None:
        require_number("minimum_seconds", self.minimum_seconds, 0, 60)
        require_number("fraction", self.fraction, 0, 0.9)


class ReplyClock:
    """Measures replies and says what margin they need. For one thread."""

    #: Replies that count as recent.
    WINDOW = 256
    #: Of a caller's time, what slow replies of the past may take at most.
    LARGEST_SHARE = 0.5
    #: Sorting the window at every reply would cost more than it tells.
    REFRESH = 16

    def __init__(self, margin: DeadlineMargin) -> None:
        self._margin = margin
        self._recent: deque[float] = deque(maxlen=self.WINDOW)
        self._observations = 0
        self._percentile = 0.0

    def observe(self, seconds: float) -> None:
        """Notes one reply: seconds from the end of its search until it was ready to send."""
        self._recent.append(seconds)
        self._observations += 1
        if self._observations % self.REFRESH == 0:
            ordered = sorted(self._recent)
            self._percentile = ordered[int(0.99 * (len(ordered) - 1))]

    def margin(self, time_remaining: float) -> float:
        """Seconds to keep for the reply.

        Args:
          time_remaining: seconds until the caller's deadline.
        """
        share = self._margin.fraction * time_remaining
        measured = min(self._percentile, self.LARGEST_SHARE * time_remaining)
        return max(self._margin.minimum_seconds, share, measured)

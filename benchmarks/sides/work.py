"""What one side of a comparison does when its turn comes."""

from __future__ import annotations

from abc import ABC, abstractmethod

__all__ = ["Work"]


class Work(ABC):
    """One side's share of a comparison, made in the side's own process."""

    @abstractmethod
    def turn(self, amount: int) -> float:
        """Works once and says how fast it was.

        Args:
          amount: simulations or calls to do at least, >= 1.
        Returns:
          The comparison's measure, such as simulations a second.
        """

    def counts(self) -> dict[str, float]:
        """What the work consisted of, by name: both sides must agree on it. Not timed."""
        return {}

    def close(self) -> None:  # noqa: B027 - most start nothing
        """Stops what the work has started."""

"""How much search time each caller has had, so that who had the least comes first."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FairShares"]


@dataclass(slots=True)
class _Account:
    """Of one caller.

    Attributes:
      had: seconds of search, counted from a level that all share.
      jobs: of the caller, that wait or run.
    """

    had: float
    jobs: int = 0


class FairShares:
    """Start-time fair queueing over callers. No clock and no thread.

    A job is charged to its caller when it starts, at what it is expected to take, and set right
    when it ends; so a caller cannot fill all workers before its time counts. Whoever comes
    begins level with the one of those present who had the least: time that was not asked for
    is not saved up, and a debt is forgotten once all others have caught up, or nobody is left.

    Source: Goyal, Vin and Cheng (1996), "Start-time Fair Queuing".
    """

    #: Callers that are remembered at most, besides those that are present.
    MOST = 1024

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._present = 0

    def enter(self, caller: str) -> None:
        """Notes one more job of a caller, that is to wait or to run."""
        account = self._accounts.get(caller)
        if account is None or not account.jobs:
            account = self._accounts[caller] = _Account(self.had(caller))
        account.jobs += 1
        self._present += 1

    def leave(self, caller: str) -> None:
        """Notes that one of them is done or gone."""
        self._accounts[caller].jobs -= 1
        self._present -= 1
        if not self._present:
            self._accounts.clear()
        elif len(self._accounts) > self.MOST:
            present = ((name, one) for name, one in self._accounts.items() if one.jobs)
            self._accounts = dict(present)

    def charge(self, caller: str, seconds: float) -> None:
        """Adds to what a caller had, or takes off. Of no matter while nobody is present."""
        if self._present:
            if caller not in self._accounts:
                self._accounts[caller] = _Account(self.had(caller))
            self._accounts[caller].had += seconds

    def had(self, caller: str) -> float:
        """Seconds that a caller had; of one that is not present, as if it came now."""
        account = self._accounts.get(caller)
        if account is not None and account.jobs:
            return account.had
        level = min((one.had for one in self._accounts.values() if one.jobs), default=0.0)
        return level if account is None else max(account.had, level)

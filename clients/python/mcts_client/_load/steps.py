"""The search for the greatest rate that a server keeps.

A rate is kept if, at that rate,

- OK answers came within the measured time at 95 % of it or more,
- at most 1 % of the answers were errors,
- the 99th percentile of the latencies was at most ten times that of the first rate tried,
- and the client kept its own schedule.

A threshold on latencies takes the place of the third, one on errors that of the second, and
every other one counts besides; only those on `rate` and `simulations` judge the end alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcts_client._load.summary import QUANTILES, Summary
from mcts_client._load.thresholds import Threshold

__all__ = ["CLIENT_WAS_LATE", "FIRST_RATE", "Steps", "rule", "why_broken"]

#: Calls a second that doubling begins with, where nobody says.
FIRST_RATE = 10.0
CLIENT_WAS_LATE = "the load test itself was late"
_MIN_ANSWERED, _MAX_ERRORS, _MAX_P99_GROWTH = 0.95, 0.01, 10.0
#: Calls that a rate must have to tell anything about it.
_MIN_CALLS = 20
#: A limit to doublings, in case a server never breaks.
_MAX_STEPS = 60


@dataclass(frozen=True)
class Steps:
    """Which rates to try.

    Attributes:
      first: the first of rates that double, calls a second.
      rates: these, ascending, in place of doubling; empty: double.
      precision: the search ends once the least rate that broke is at most this part above the
        greatest that was kept.
    """

    first: float = FIRST_RATE
    rates: tuple[float, ...] = ()
    precision: float = 0.1

    def __post_init__(self) -> None:
        if list(self.rates) != sorted(set(self.rates)):
            raise ValueError(f"rates are {', '.join(f'{r:g}' for r in self.rates)}; must ascend")

    def next_rate(self, tried: Mapping[float, bool], duration: float) -> float | None:
        """The rate to try next, or None where nothing is left to learn.

        Args:
          tried: whether each rate was kept.
          duration: measured seconds of each.
        """
        kept = max((rate for rate, is_kept in tried.items() if is_kept), default=None)
        broken = min((rate for rate, is_kept in tried.items() if not is_kept), default=None)
        if len(tried) >= _MAX_STEPS:
            return None
        if broken is None:
            return self._above(kept)
        if kept is None:
            lower = _rounded(broken / 2)
            return lower if lower * duration >= _MIN_CALLS else None
        between = _rounded(math.sqrt(kept * broken))
        is_close = broken <= kept * (1 + self.precision)
        return None if is_close or between in (kept, broken) else between

    def _above(self, kept: float | None) -> float | None:
        if not self.rates:
            return self.first if kept is None else 2 * kept
        return next((rate for rate in self.rates if kept is None or rate > kept), None)


def _rounded(rate: float) -> float:
    """To three digits: more would claim what no such test can tell."""
    return float(f"{rate:.3g}")


def why_broken(
    summary: Summary, first: Summary | None, thresholds: Sequence[Threshold]
) -> tuple[str, ...]:
    """What speaks against a rate; empty if it was kept.

    Args:
      first: of the first rate tried; None if this is it.
      thresholds: of the test.
    """
    reasons = [CLIENT_WAS_LATE] if summary.was_late else []
    asked = summary.settings.rate or math.nan
    if not summary.throughput >= _MIN_ANSWERED * asked:
        reasons.append(f"only {summary.throughput:,.1f}/s were answered in time")
    verdicts = [one.of(summary) for one in _of_steps(thresholds)]
    reasons += [str(verdict) for verdict in verdicts if not verdict.is_kept]
    if not _is_about(thresholds, ("errors",)) and summary.failed > _MAX_ERRORS * (
        summary.answered.count
    ):
        reasons.append(f"{summary.failed / summary.answered.count:.1%} of the answers were errors")
    if first is not None and not _is_about(thresholds, QUANTILES):
        p99, limit = summary.ok.seconds["p99"], _MAX_P99_GROWTH * first.ok.seconds["p99"]
        if p99 > limit:
            reasons.append(f"p99 {p99 * 1e3:,.1f} ms, over {limit * 1e3:,.1f} ms")
    return tuple(reasons)


def rule(thresholds: Sequence[Threshold]) -> str:
    """What makes a rate one that is kept, in a sentence."""
    conditions = [f"OK answers in time at {_MIN_ANSWERED:.0%} of it"]
    if not _is_about(thresholds, ("errors",)):
        conditions.append(f"at most {_MAX_ERRORS:.0%} errors")
    if not _is_about(thresholds, QUANTILES):
        conditions.append(f"p99 at most {_MAX_P99_GROWTH:g} times that of the first rate")
    conditions += [one.text for one in _of_steps(thresholds)]
    return f"kept means: {', '.join(conditions)}, and a client that was not late"


def _of_steps(thresholds: Sequence[Threshold]) -> list[Threshold]:
    return [one for one in thresholds if one.metric not in ("rate", "simulations")]


def _is_about(
    thresholds: Sequence[Threshold], metrics: Mapping[str, float] | Sequence[str]
) -> bool:
    return any(one.metric in metrics and not one.work for one in thresholds)

"""What must hold of a load test's results: "p99<50ms", "errors<0.1%", "rate>=500"."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from mcts_client._checks import shown
from mcts_client._load.summary import QUANTILES, Summary

__all__ = ["Threshold", "Verdict"]

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_COUNTS = ("errors", "deadline_misses", "retries")
_RATES = ("rate", "simulations")
_METRICS = (*QUANTILES, "lag", *_COUNTS, *_RATES)
_OF_ONE_KIND = (*QUANTILES, "errors")
_FORM = re.compile(
    r"(?:(?P<work>[A-Za-z0-9_.-]+):)?(?P<metric>[a-z_0-9.]+)\s*(?P<compare><=|>=|<|>)\s*"
    r"(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*(?P<unit>us|ms|s|%|/s)?"
)


@dataclass(frozen=True)
class Threshold:
    """A limit to one figure.

    Attributes:
      text: as it was given.
      metric: "p50" to "max", "lag", "errors", "deadline_misses", "retries", "rate" or
        "simulations".
      compare: how the figure must compare to the limit.
      limit: in seconds, as a share, as a number of calls, or a second.
      is_share: True if it limits a share of the answers.
      work: the kind of work that it is about; empty: all.
    """

    text: str
    metric: str
    compare: str
    limit: float
    is_share: bool = False
    work: str = ""

    @classmethod
    def parse(cls, text: Any, work: Collection[str] = ()) -> Threshold:
        """A threshold as people write it.

        Args:
          work: the kinds of work that there are.

        Raises:
          ValueError: it is none, or its unit is not one of its metric.
        """
        found = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
        if found is None or found["metric"] not in _METRICS:
            raise ValueError(
                f"is {shown(text)}; must be a limit such as 'p99<50ms', 'errors<0.1%' or "
                f"'rate>=500', of one of {', '.join(_METRICS)}"
            )
        metric, unit, kind = found["metric"], found["unit"] or "", found["work"] or ""
        if unit not in (units := _units(metric)):
            raise ValueError(f"is {text!r}; {metric} is in {' or '.join(u or '-' for u in units)}")
        if kind and kind not in work:
            raise ValueError(f"is {text!r}; kinds of work: {', '.join(work)}")
        if kind and metric not in _OF_ONE_KIND:
            raise ValueError(f"is {text!r}; of one kind there are: {', '.join(_OF_ONE_KIND)}")
        limit = float(found["number"]) * _SECONDS.get(unit, 0.01 if unit == "%" else 1.0)
        return cls(text.strip(), metric, found["compare"], limit, unit == "%", kind)

    def of(self, summary: Summary) -> Verdict:
        """Whether it holds. A figure that does not exist keeps no threshold."""
        value = self._figure(summary)
        return Verdict(self, value, _COMPARE[self.compare](value, self.limit))

    def _figure(self, summary: Summary) -> float:
        part = summary.by_work[self.work] if self.work else summary
        if self.metric in QUANTILES:
            return part.ok.seconds[self.metric]
        if self.metric == "rate":
            return summary.throughput
        if self.metric == "simulations":
            return summary.simulations_per_second
        if self.metric == "lag":
            return math.nan if summary.lag is None else summary.lag.p99
        count = part.failed if self.metric == "errors" else int(getattr(summary, self.metric))
        answers = part.failed + part.ok.count
        if not answers:
            return math.nan
        return count / answers if self.is_share else float(count)

    def shown(self, value: float) -> str:
        """A figure of its kind as people read it."""
        if math.isnan(value):
            return "no figure"
        if self.metric in _COUNTS:
            return f"{value:.3%}" if self.is_share else f"{value:,.0f}"
        if self.metric in _RATES:
            return f"{value:,.1f}/s"
        return f"{value * 1e3:,.2f} ms"


@dataclass(frozen=True)
class Verdict:
    """What became of a threshold.

    Attributes:
      value: the figure that was measured; NaN if there is none.
      is_kept: whether it holds.
    """

    threshold: Threshold
    value: float
    is_kept: bool

    def __str__(self) -> str:
        word = "kept" if self.is_kept else "BROKEN"
        return f"{self.threshold.text}: {word}, {self.threshold.shown(self.value)}"


def _units(metric: str) -> tuple[str, ...]:
    if metric in _COUNTS:
        return ("%", "")
    return ("", "/s") if metric in _RATES else tuple(_SECONDS)

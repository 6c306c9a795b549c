"""One measured figure beside its aim."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Row", "format_rows", "milliseconds"]


@dataclass(frozen=True)
class Row:
    """A figure.

    Attributes:
      test: which test it belongs to.
      figure: what was measured.
      value: the figure, in `unit`.
      aim: what it is to reach; None: it is told beside the others, and has none.
      better: whether the aim is the most or the least that will do.
    """

    test: str
    figure: str
    value: float
    unit: str
    aim: float | None = None
    better: Literal["lower", "higher"] = "lower"

    @property
    def value_text(self) -> str:
        """The figure with its unit."""
        return f"{self.value:.3g} {self.unit}".rstrip()

    @property
    def aim_text(self) -> str:
        """The aim with its unit; empty: there is none."""
        if self.aim is None:
            return ""
        return f"{'<=' if self.better == 'lower' else '>='} {self.aim:.4g} {self.unit}".rstrip()

    @property
    def is_met(self) -> bool:
        """True if the aim is reached; always where there is none."""
        if self.aim is None:
            return True
        if math.isnan(self.value):
            return False
        return self.value <= self.aim if self.better == "lower" else self.value >= self.aim

    def is_near(self, times: float) -> bool:
        """Whether a figure that is to be low is at most so many times its aim."""
        return self.aim is not None and self.value <= times * self.aim


def milliseconds(seconds: npt.ArrayLike, percentile: float) -> float:
    """A percentile of lengths of time; NaN, which meets no aim, where there are none."""
    values = np.asarray(seconds, float)
    return 1e3 * float(np.percentile(values, percentile)) if values.size else math.nan


def format_rows(rows: Iterable[Row]) -> str:
    """A line for each."""
    return "\n".join(map(_line, rows))


def _line(row: Row) -> str:
    if row.aim is None:
        aim, verdict = "", ""
    else:
        aim = f"{'<=' if row.better == 'lower' else '>='} {row.aim:.4g}"
        verdict = "met" if row.is_met else "MISSED"
    line = f"{row.test:<30}{row.figure:<44}{row.value:>10.4g} {row.unit:<7}{aim:<11}{verdict}"
    return line.rstrip()

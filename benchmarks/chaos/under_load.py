"""Deadlines, cancels and overload, as `benchmarks.service` measures them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from benchmarks.chaos.row import Row, Scale
from benchmarks.service import row as service
from benchmarks.service.cancels import measure_cancels
from benchmarks.service.deadlines import measure_deadlines
from benchmarks.service.overload import MUST_HOLD, measure_overload

__all__ = ["cancels", "deadlines", "overload"]

#: Cancels for a second of the scale.
_CANCELS_A_SECOND = 4


def deadlines(scale: Scale) -> list[Row]:
    """Plans that have 50 ms, at half of the load that saturates the server."""
    figures = measure_deadlines(scale.seconds / 4)
    return _told("given 50 ms at half of the saturating load", figures, far=90)


def cancels(scale: Scale) -> list[Row]:
    """Searches whose caller goes away."""
    figures = measure_cancels(max(8, int(_CANCELS_A_SECOND * scale.seconds)))
    return _told("under load", figures, far=10)


def overload(scale: Scale) -> list[Row]:
    """Twice and ten times the calls that can be served."""
    return _told("plans of 20 ms", measure_overload(scale.seconds / 4), far=90)


def _told(what: str, figures: Iterable[service.Row], far: float) -> list[Row]:
    """A row for each test that the figures are of.

    What must hold on any machine is that no aim is missed by far: a server that cancels nothing,
    or has no plan in time, is not slow but wrong.

    Args:
      far: times an aim.
    """
    rows = []
    for test, group in groupby(figures, lambda figure: figure.test):
        own = list(group)
        aims = [figure for figure in own if figure.aim is not None]
        if not aims:  # of what the others are measured by
            continue
        rows.append(
            Row(
                f"{test}, {what}",
                "; ".join(f"{figure.figure} {figure.aim_text}" for figure in aims),
                "; ".join(f"{figure.figure} {figure.value_text}" for figure in own),
                all(figure.is_met for figure in aims if figure.figure in MUST_HOLD)
                and all(figure.is_near(far) for figure in aims if figure.better == "lower"),
                all(figure.is_met for figure in aims),
            )
        )
    return rows

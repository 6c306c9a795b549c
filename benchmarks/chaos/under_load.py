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
    return _told("given 50 ms at half of the saturating load", measure_deadlines(scale.seconds / 4))


def cancels(scale: Scale) -> list[Row]:
    """Searches whose caller goes away."""
    return _told("under load", measure_cancels(max(8, int(_CANCELS_A_SECOND * scale.seconds))))


def overload(scale: Scale) -> list[Row]:
    """Twice and ten times the calls that can be served."""
    return _told("plans of 20 ms", measure_overload(scale.seconds / 4))


def _told(what: str, figures: Iterable[service.Row]) -> list[Row]:
    """A row for each test that the figures are of."""
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
                all(figure.is_met for figure in aims if figure.figure in MUST_HOLD),
                all(figure.is_met for figure in aims),
            )
        )
    return rows

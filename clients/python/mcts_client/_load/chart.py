"""Line charts as SVG that stands in a page: no scripts, colours by the page's style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Axis", "Line", "Mark", "Point", "chart"]

_WIDTH, _HEIGHT = 860, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 110, 24, 50
#: Between the labels at the ends of two lines, at least.
_LABEL_HEIGHT = 15
_TICK = 5


@dataclass(frozen=True)
class Axis:
    """What a side of a chart stands for.

    Attributes:
      label: with the unit.
      low, high: the values at its ends.
      ticks: values and how they read.
      is_log: whether equal distances are equal ratios; low is then above 0.
    """

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    is_log: bool = False

    @classmethod
    def of(cls, label: str, values: Sequence[float], *, is_log: bool = False) -> Axis:
        """One on which all values are, with round numbers for ticks; linear ones begin at 0."""
        there = [v for v in values if math.isfinite(v) and (v > 0 or not is_log)]
        if is_log:
            return cls._of_log(label, min(there, default=1.0), max(there, default=1.0))
        high = max(there, default=0.0) or 1.0
        step = _round_step(high / 5)
        count = math.ceil(high / step - 1e-9)
        ticks = tuple((i * step, _read(i * step)) for i in range(count + 1))
        return cls(label, 0.0, count * step, ticks)

    @classmethod
    def _of_log(cls, label: str, least: float, greatest: float) -> Axis:
        factors = (1, 2, 5) if greatest / least < 200 else (1,)
        first, last = math.floor(math.log10(least)), math.ceil(math.log10(greatest)) + 1
        rounds = [f * 10.0**decade for decade in range(first, last + 1) for f in factors]
        low = max(value for value in rounds if value <= least * (1 + 1e-9))
        high = min(value for value in rounds if value > low and value >= greatest * (1 - 1e-9))
        ticks = tuple((value, _read(value)) for value in rounds if low <= value <= high)
        return cls(label, low, high, ticks, True)

    def part(self, value: float) -> float:
        """Where a value is: 0 at the low end, 1 at the high one."""
        if self.is_log:
            value = max(value, self.low)
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Point:
    """A place on a line.

    Attributes:
      y: NaN interrupts the line.
      title: what is told when a pointer rests on it; empty: nothing is.
      is_hollow: drawn as a ring.
    """

    x: float
    y: float
    title: str = ""
    is_hollow: bool = False


@dataclass(frozen=True)
class Line:
    """A line and its name.

    Attributes:
      style: a class of the page's style: "c0", "c1", ...
      has_markers: whether each point is drawn.
    """

    name: str
    points: tuple[Point, ...]
    style: str
    has_markers: bool = False


@dataclass(frozen=True)
class Mark:
    """A vertical line with a word at its top."""

    x: float
    label: str


def chart(
    description: str, x: Axis, y: Axis, lines: Sequence[Line], marks: Sequence[Mark] = ()
) -> str:
    """An SVG element.

    Args:
      description: of what it shows, for who cannot see it.
    """
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(description)}">',
        *_grid(x, y),
        *(_mark(x, mark) for mark in marks),
        *(_path(x, y, line) for line in lines),
        *(_markers(x, y, line) for line in lines if line.has_markers),
        *_names(x, y, lines),
        "</svg>",
    ]
    return "\n".join(parts)


def _across(x: Axis, value: float) -> float:
    return _LEFT + x.part(value) * (_WIDTH - _LEFT - _RIGHT)


def _down(y: Axis, value: float) -> float:
    return _HEIGHT - _BOTTOM - y.part(value) * (_HEIGHT - _TOP - _BOTTOM)


def _grid(x: Axis, y: Axis) -> list[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = []
    for value, text in y.ticks:
        place = _down(y, value)
        parts.append(_segment("grid", _LEFT, place, right, place))
        parts.append(_text(_LEFT - 8, place + 4, text, "end"))
    for value, text in x.ticks:
        place = _across(x, value)
        parts.append(_segment("axis", place, bottom, place, bottom + _TICK))
        parts.append(_text(place, bottom + 19, text, "middle"))
    parts.append(_segment("axis", _LEFT, bottom, right, bottom))
    parts.append(_text((_LEFT + right) / 2, _HEIGHT - 8, x.label, "middle", "name"))
    parts.append(_text(_LEFT - 62, _TOP - 10, y.label, "start", "name"))
    return parts


def _mark(x: Axis, mark: Mark) -> str:
    place = _across(x, mark.x)
    line = _segment("mark", place, _TOP, place, _HEIGHT - _BOTTOM)
    return line + _text(place + 4, _TOP + 10, mark.label, "start", "note")


def _path(x: Axis, y: Axis, line: Line) -> str:
    moves, is_drawing = [], False
    for point in line.points:
        if math.isnan(point.y):
            is_drawing = False
            continue
        letter = "L" if is_drawing else "M"
        moves.append(f"{letter}{_across(x, point.x):.1f} {_down(y, point.y):.1f}")
        is_drawing = True
    return f'<path class="line {line.style}" d="{" ".join(moves)}"/>'


def _markers(x: Axis, y: Axis, line: Line) -> str:
    return "\n".join(
        f'<circle class="dot {line.style}{" hollow" if point.is_hollow else ""}" '
        f'cx="{_across(x, point.x):.1f}" cy="{_down(y, point.y):.1f}" r="4">'
        f"<title>{escape(point.title)}</title></circle>"
        for point in line.points
        if not math.isnan(point.y)
    )


def _names(x: Axis, y: Axis, lines: Sequence[Line]) -> list[str]:
    """Each name at the end of its line, moved so far that none covers another."""
    ends = []
    for line in lines:
        there = [point for point in line.points if not math.isnan(point.y)]
        if there:
            ends.append((_down(y, there[-1].y), _across(x, there[-1].x), line))
    ends.sort(key=lambda end: end[0])
    lowest = _HEIGHT - _BOTTOM - _LABEL_HEIGHT * (len(ends) - 1)
    places: list[float] = []
    for number, (place, _, _) in enumerate(ends):
        above = places[-1] + _LABEL_HEIGHT if places else _TOP
        places.append(max(min(place, lowest + number * _LABEL_HEIGHT), above))
    return [
        _text(across + 10, place + 4, line.name, "start", f"end {line.style}")
        for place, (_, across, line) in zip(places, ends, strict=True)
    ]


def _segment(style: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, style: str = "tick") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{style}" {place}>{escape(text)}</text>'


def _round_step(least: float) -> float:
    """The least of 1, 2, 5, 10, 20, 50, ... that is no less."""
    decade = 10.0 ** math.floor(math.log10(least))
    return next(f * decade for f in (1, 2, 5, 10) if f * decade >= least * (1 - 1e-9))


def _read(value: float) -> str:
    return f"{value:,.6g}"

"""The core's own logarithm and exponential, and its ranges of values, bit by bit."""

from __future__ import annotations

import math


def logarithm(x: float) -> float:
    """The natural logarithm by the series of the core: libraries differ in the last bit."""
    m, exponent = math.frexp(x)
    if m < math.sqrt(2) / 2 or 2 * m <= math.sqrt(2):
        m, exponent = 2 * m, exponent - 1
    s = (m - 1) / (m + 1)
    total = 0.0
    for k in range(11, -1, -1):
        total = total * (s * s) + 1 / (2 * k + 1)
    return exponent * 0.69314718055994531 + 2 * s * total


def exponential(x: float) -> float:
    """The exponential function by the series of the core."""
    if x < -700:
        return 0.0
    k = math.floor(x * 1.4426950408889634 + 0.5)
    r = x - k * 0.693147180369123816490 - k * 1.90821492927058770002e-10
    total = 1.0
    for i in range(14, 0, -1):
        total = 1 + r / i * total
    return math.ldexp(total, k)


def inverse(low: float, high: float) -> float:
    """1 / (high - low), and 0 where they differ by rounding alone."""
    width = high - low
    return 1 / width if width > 1e-12 * max(abs(low), abs(high)) else 0.0


class Range:
    """Of the values seen; a single one far outside does not stretch it beyond measure."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.low, self.high = math.inf, -math.inf

    def add(self, value: float) -> None:
        self.values = sorted([*self.values, value])
        if len(self.values) > 4:
            del self.values[2:-2]
        self.low, self.high = self.values[0], self.values[-1]
        if len(self.values) > 2:
            second, last_but_one = self.values[1], self.values[-2]
            width = last_but_one - second
            if width > 0:
                self.low = max(self.low, second - width)
                self.high = min(self.high, last_but_one + width)

    def scaled(self, value: float) -> float:
        scale = inverse(self.low, self.high) if self.values else 0.0
        scaled = (value - self.low) * scale
        clips = self.values and (self.low > self.values[0] or self.high < self.values[-1])
        return min(1.0, max(0.0, scaled)) if clips else scaled

"""Step sizes, and how much a policy explores, as plain functions of the iteration.

An iteration is counted from 0. A schedule is any function of it; these are the common ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from mcts_service.checks import require_integer, require_number

__all__ = ["Schedule", "constant", "exponential", "inverse", "linear"]

#: iteration -> a step size, or whatever else changes as learning goes on.
Schedule: TypeAlias = Callable[[int], float]

_MAX = 1e140


def constant(value: float) -> Schedule:
    """The same always."""
    kept = require_number("value", value, 0.0, _MAX)
    return lambda iteration: kept


def linear(first: float, last: float, iterations: int) -> Schedule:
    """In equal steps from `first`, at 0, to `last`, at `iterations` and from there on."""
    begin = require_number("first", first, 0.0, _MAX)
    end = require_number("last", last, 0.0, _MAX)
    count = require_integer("iterations", iterations, 1, 2**53)
    return lambda iteration: begin + (end - begin) * min(iteration / count, 1.0)


def exponential(first: float, factor: float, least: float = 0.0) -> Schedule:
    """First * factor ** iteration, and not below `least`; the factor from 0 to 1."""
    begin = require_number("first", first, 0.0, _MAX)
    each = require_number("factor", factor, 0.0, 1.0)
    floor = require_number("least", least, 0.0, _MAX)
    return lambda iteration: max(begin * each**iteration, floor)


def inverse(first: float, half_at: float) -> Schedule:
    """First / (1 + iteration / half_at): half of the first at `half_at`.

    Its sum has no bound and that of its squares has one, as convergence for certain asks of step
    sizes: Sutton and Barto (2018), equation 2.7.
    """
    begin = require_number("first", first, 0.0, _MAX)
    half = require_number("half_at", half_at, 1e-9, _MAX)
    return lambda iteration: begin / (1.0 + iteration / half)

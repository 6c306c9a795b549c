"""Measures a comparison: sides in turn, round after round, a ratio from every round."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass

from report import Aim, Better, Known, Ratio, Result, SideResult
from side_process import Side, SideMissing, SideProcess

__all__ = ["Comparison", "Pair", "measure"]

#: Sides whose counts differ by more than this do not do the same work.
TOLERANCE = 0.05
#: Counts that must agree; others are told only.
AGREEING = ("depth", "steps", "request bytes", "response bytes")


@dataclass(frozen=True)
class Pair:
    """Two sides whose ratio matters.

    Attributes:
      side, against: their names.
      aim: where the ratio is wanted, if anywhere.
    """

    side: str
    against: str
    aim: Aim | None = None


@dataclass(frozen=True)
class Comparison:
    """The same work, done by several sides.

    Attributes:
      group, work, measure, better: see `Result`.
      sides: by name.
      pairs: the ratios to take.
      known: see `Result`.
      most_rounds: fewer than the run's, where a turn takes seconds; None: as many.
      warms_up: False where a turn is so long that its beginning weighs little.
      is_long: whether it takes longer than a quick run has time for.
    """

    group: str
    work: str
    measure: str
    better: Better
    sides: dict[str, Side]
    pairs: list[Pair]
    known: tuple[Known, ...] = ()
    most_rounds: int | None = None
    warms_up: bool = True
    is_long: bool = False


def measure(comparison: Comparison, rounds: int) -> tuple[Result, list[str]]:
    """Runs a comparison.

    Each side works once to warm up, unless its turns are long; then, in every round, each has
    one turn. The order is turned round from round to round, so that none gains from a machine
    that slows down or speeds up.

    Args:
      rounds: turns of each side, >= 1, unless the comparison has fewer.
    Returns:
      The result, and what is missing for the sides that were left out.
    """
    missing = []
    with ExitStack() as stack:
        running: dict[str, SideProcess] = {}
        for name, side in comparison.sides.items():
            try:
                running[name] = stack.enter_context(closing(SideProcess(side)))
            except SideMissing as error:
                missing.append(f"{comparison.work}: {name}: {error}")
        if comparison.warms_up:
            for process in running.values():
                process.turn()
        samples = _take_turns(running, min(rounds, comparison.most_rounds or rounds))
        counts = {name: process.counts() for name, process in running.items()}
    sides = [SideResult(name, samples[name], counts[name]) for name in running]
    ratios = [
        _ratio(pair, samples, counts)
        for pair in comparison.pairs
        if pair.side in running and pair.against in running
    ]
    named = (comparison.group, comparison.work, comparison.measure, comparison.better)
    return Result(*named, sides, ratios, list(comparison.known)), missing


def _take_turns(running: dict[str, SideProcess], rounds: int) -> dict[str, list[float]]:
    samples: dict[str, list[float]] = {name: [] for name in running}
    order = list(running)
    for _ in range(rounds):
        for name in order:
            samples[name].append(running[name].turn())
        order.reverse()
    return samples


def _ratio(
    pair: Pair, samples: dict[str, list[float]], counts: dict[str, dict[str, float]]
) -> Ratio:
    rounds = zip(samples[pair.side], samples[pair.against], strict=True)
    disagreements = _disagreements(counts[pair.side], counts[pair.against])
    return Ratio(pair.side, pair.against, [a / b for a, b in rounds], pair.aim, disagreements)


def _disagreements(counts: dict[str, float], others: dict[str, float]) -> list[str]:
    """The counts known of both sides in which they differ by more than the tolerance."""
    return [
        f"{name}: {counts[name]:.4g} against {others[name]:.4g}"
        for name in AGREEING
        if name in counts
        and name in others
        and abs(counts[name] - others[name]) > TOLERANCE * abs(others[name])
    ]

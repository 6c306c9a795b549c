"""What was measured, as it is written to JSON and read back."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["Aim", "Known", "Ratio", "Report", "Result", "SideResult"]

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Aim:
    """Where a ratio is wanted: at least or at most `value`."""

    value: float
    better: Better

    def __str__(self) -> str:
        return f"{'>=' if self.better == 'higher' else '<='} {self.value:g}"

    def is_met(self, ratio: float) -> bool:
        """Whether a ratio is there."""
        return ratio >= self.value if self.better == "higher" else ratio <= self.value


@dataclass(frozen=True)
class SideResult:
    """One side.

    Attributes:
      name: of the side.
      samples: the measure of each turn, in the order of the rounds.
      counts: what its work consisted of, by name.
    """

    name: str
    samples: list[float]
    counts: dict[str, float]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)


@dataclass(frozen=True)
class Ratio:
    """One side over another.

    Attributes:
      side, against: their names.
      samples: one ratio a round, of the two turns of that round.
      aim: where it is wanted, if anywhere.
      disagreements: counts by which the sides did not do the same work.
    """

    side: str
    against: str
    samples: list[float]
    aim: Aim | None
    disagreements: list[str]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def low(self) -> float:
        return min(self.samples)

    @property
    def high(self) -> float:
        return max(self.samples)


@dataclass(frozen=True)
class Known:
    """What is known of someone who takes no turn here, as a word beside what is measured.

    It was measured on another machine, so that a ratio to it is worth less.

    Attributes:
      name: who it is.
      figure: with its unit.
      side, value: a side of ours, and what its measure is divided by; "" and 0: nothing is.
      aim: where that is wanted, if anywhere.
    """

    name: str
    figure: str
    side: str = ""
    value: float = 0.0
    aim: Aim | None = None


@dataclass(frozen=True)
class Result:
    """One comparison.

    Attributes:
      group: under which heading it stands.
      work: what was done.
      measure: what the samples are, with their unit.
      better: whether a higher or a lower measure is better.
      sides: all that took turns.
      ratios: those that matter.
      known: of those who take no turn.
    """

    group: str
    work: str
    measure: str
    better: Better
    sides: list[SideResult]
    ratios: list[Ratio]
    known: list[Known] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """Turns of each side."""
        return len(self.sides[0].samples) if self.sides else 0

    def side(self, name: str) -> SideResult:
        """The side of that name."""
        return next(side for side in self.sides if side.name == name)


@dataclass(frozen=True)
class Report:
    """One run.

    Attributes:
      started: date and time, UTC, ISO 8601.
      seconds: how long it took.
      quick: a check that everything works rather than a measurement.
      rounds: turns of each side, but for comparisons that have fewer.
      machine: what it ran on, by name.
      results: one for each comparison.
      left_out: the comparisons' sides that could not run, each with the reason.
    """

    started: str
    seconds: float
    quick: bool
    rounds: int
    machine: dict[str, Any]
    results: list[Result]
    left_out: list[str]

    def write(self, path: Path) -> None:
        """Writes it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Report:
        """The report in a file that `write` wrote."""
        fields = json.loads(path.read_text())
        fields["results"] = [_result(result) for result in fields["results"]]
        return cls(**fields)


def _result(fields: dict[str, Any]) -> Result:
    fields["sides"] = [SideResult(**side) for side in fields["sides"]]
    for aimed in (*fields["ratios"], *fields["known"]):
        aimed["aim"] = Aim(**aimed["aim"]) if aimed["aim"] else None
    fields["known"] = [Known(**known) for known in fields["known"]]
    fields["ratios"] = [Ratio(**ratio) for ratio in fields["ratios"]]
    return Result(**fields)

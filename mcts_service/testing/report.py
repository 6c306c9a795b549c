"""What the conformance kit found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Check", "CheckReport", "NotApplicable", "Problem", "shown"]

_MAX_SHOWN = 80


class Problem(Exception):
    """A check failed: one line, what is wrong and what would be right."""


class NotApplicable(Exception):
    """A check has nothing to look at: why."""


@dataclass(frozen=True)
class Check:
    """One check and how it went.

    Attributes:
      name: of the check.
      outcome: "ok", "problem", "not applicable" (the model lacks the capability), or "not run"
        (an earlier problem leaves nothing to check).
      detail: what is wrong, or why it was not run; one line, empty if ok.
    """

    name: str
    outcome: Literal["ok", "problem", "not applicable", "not run"]
    detail: str = ""

    def __str__(self) -> str:
        mark = {"ok": "ok", "problem": "PROBLEM"}.get(self.outcome, "-")
        return f"{mark:<8} {self.name:<18} {self.detail}".rstrip()


@dataclass(frozen=True)
class CheckReport:
    """All checks of one model; printing it shows a line for each.

    Attributes:
      checks: in the order in which they ran.
    """

    checks: Sequence[Check]

    @property
    def ok(self) -> bool:
        """True if no check found a problem."""
        return not self.problems

    @property
    def problems(self) -> Sequence[str]:
        """One line each: the check's name, what is wrong, what would be right."""
        return [
            f"{check.name}: {check.detail}" for check in self.checks if check.outcome == "problem"
        ]

    def __str__(self) -> str:
        count = len(self.problems)
        total = "conforms" if count == 0 else f"{count} problem{'s' if count > 1 else ''}"
        return "\n".join([*map(str, self.checks), total])


def shown(value: Any) -> str:
    """A value on one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."

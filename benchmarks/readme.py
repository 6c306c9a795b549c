"""Fills the marked section of benchmarks/README.md with the ratios of a run."""

from __future__ import annotations

from pathlib import Path

from report import Ratio, Report, Result
from section import fill_section
from table import short_number

__all__ = ["write_readme"]

BEGIN = "<!-- ratios: written by benchmarks/run.py -->"
END = "<!-- end of ratios -->"


def write_readme(report: Report, path: Path) -> None:
    """Replaces what stands between the marks.

    Raises:
      ValueError: a mark is missing.
    """
    fill_section(path, BEGIN, END, _section(report))


def _section(report: Report) -> str:
    machine = report.machine
    lines = [
        f"{report.started[:10]}, {machine['cpu']}, {machine['cores']} cores, {machine['python']}, "
        f"{machine['compiler']}: medians of {report.rounds} rounds.",
        "",
    ]
    for group in dict.fromkeys(result.group for result in report.results):
        lines += [f"**{group}**", "", *_group_table(report, group), ""]
    lines += [f"Left out: {text}" for text in report.left_out]
    return "\n".join(lines)


def _group_table(report: Report, group: str) -> list[str]:
    lines = [
        "| work | side / against | ratio | from .. to | aim | measure | depth | steps | bytes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in report.results:
        if result.group == group:
            lines += [_row(result, ratio) for ratio in result.ratios]
    return lines


def _row(result: Result, ratio: Ratio) -> str:
    side, other = result.side(ratio.side), result.side(ratio.against)
    counts = [
        " / ".join(
            f"{one.counts[name]:.3g}" if name in one.counts else "-" for one in (side, other)
        )
        for name in ("depth", "steps", "bytes")
    ]
    cells = [
        result.work,
        f"{ratio.side} / {ratio.against}",
        f"**{ratio.median:.3g}**{' (!)' if ratio.disagreements else ''}",
        f"{ratio.low:.3g} .. {ratio.high:.3g}",
        str(ratio.aim or ""),
        f"{short_number(side.median)} / {short_number(other.median)} {result.measure}",
        *("" if cell == "- / -" else cell for cell in counts),
    ]
    return f"| {' | '.join(cells)} |"

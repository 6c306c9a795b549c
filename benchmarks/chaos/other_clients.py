"""Clients that are not ours and know the .proto files only: Node.js, and k6."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.chaos.row import Row, Scale
from benchmarks.chaos.served import Holding, Server
from benchmarks.service.compare_with_k6 import Load, by_k6, has_k6

__all__ = ["other_clients"]

_FOLDER = Path(__file__).parent
_REPOSITORY = _FOLDER.parents[1]
_INSTALL_SECONDS, _RUN_SECONDS = 300.0, 600.0
#: Of each kind of call, what it must end with.
_RIGHT = {
    "plan": {"OK"},
    "watch": {"OK"},
    "many": {"OK"},
    "cancelled": {"CANCELLED"},
    "hurried": {"OK", "DEADLINE_EXCEEDED"},
    "wrong": {"INVALID_ARGUMENT"},
    "unknown": {"NOT_FOUND"},
}
_CALLS_A_SECOND = 20
_K6_RATE = 20
_MOST_DESCRIPTORS = 2


def other_clients(scale: Scale) -> list[Row]:
    """What is not installed here is told so, and counts as missed."""
    with Server() as server:
        return [_by_node(server, scale), _by_k6(server, scale)]


def _by_node(server: Server, scale: Scale) -> Row:
    test = "Node.js (@grpc/grpc-js): plans, streams, cancels, deadlines, wrong requests"
    aim = "each call its own status, nothing is left of them"
    if not (shutil.which("node") and shutil.which("npm")):
        return Row(
            test, aim, "not run: needs nodejs and npm (apt-get install nodejs npm)", True, False
        )
    calls = max(len(_RIGHT), int(_CALLS_A_SECOND * scale.seconds))
    found: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = _installed(Path(name))
        for part in (len(_RIGHT), calls):  # what comes first stays, as with any server
            before = Holding(server.pid)
            found = _run(folder, server.target, part)
    after = Holding(server.pid)
    is_right = {kind: set(codes) for kind, codes in found.items()}
    told = "; ".join(
        f"{kind} " + ", ".join(f"{code} {count}" for code, count in codes.items())
        for kind, codes in found.items()
    )
    return Row(
        test,
        aim,
        f"{told}; {after.since(before)}",
        set(found) == set(_RIGHT)
        and all(codes <= _RIGHT[kind] for kind, codes in is_right.items())
        and after.descriptors - before.descriptors <= _MOST_DESCRIPTORS,
    )


def _installed(folder: Path) -> Path:
    """The script with its packages, those of the example."""
    shutil.copy(_FOLDER / "client.js", folder)
    example = _REPOSITORY / "examples" / "node"
    for name in ("package.json", ".npmrc"):
        shutil.copy(example / name, folder)
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True, timeout=_INSTALL_SECONDS)
    return folder


def _run(folder: Path, target: str, calls: int) -> dict[str, dict[str, int]]:
    """How many calls of each kind ended with which status."""
    command = ["node", "client.js", target, str(_REPOSITORY / "proto"), str(calls)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=_RUN_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"client.js failed:\n{done.stdout}{done.stderr}")
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


def _by_k6(server: Server, scale: Scale) -> Row:
    test, aim = f"k6, {_K6_RATE} plans a second", "every call answered"
    if not has_k6():
        return Row(test, aim, "not run: k6 is not on the PATH", True, False)
    seconds = max(2, int(scale.seconds / 2))
    budget: dict[str, Any] = {"simulations": 200}
    figures = by_k6(Load(server.target, _K6_RATE, 1, seconds, budget))
    answered = round(figures.rate * seconds)
    return Row(
        test,
        aim,
        f"{answered} of {_K6_RATE * seconds} answered, p50 {1e3 * figures.p50:.2g} ms, "
        f"p95 {1e3 * figures.p95:.2g} ms",
        answered >= _K6_RATE * seconds - 1,  # the last one may be due as the time ends
    )
